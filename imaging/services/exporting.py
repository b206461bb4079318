"""Writes an export: originals byte for byte, objects made of marks and opinion beside them. Runs in the worker."""

import hashlib
import json
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from django.db import transaction
from django.utils import timezone

from consult.errors import StorageFull
from consult.services import audit, outbox, store
from imaging.models import Export, Image, Reason
from imaging.policies import export as policies
from imaging.services import decoding, derived, export_plan, storage
from imaging.services import export as exports

S = Export.State
LEASE = timedelta(seconds=60)  # longer than the child may take; renewed after each file
UID = re.compile(r"[0-9.]{1,64}")
SPARE = 32 * 1024 * 1024  # for the objects made


class _GivenUp(Exception):
    """Nobody wants it any more."""


class _Changed(Exception):
    """An original is gone, or is not what was stored."""


@outbox.handles("imaging.export", atomic=False, lease=LEASE)
def make(export: int) -> None:
    """One export from waiting to ready or failed. May run twice: it begins anew."""
    if not Export.objects.filter(pk=export, state__in=[S.WAITING, S.RUNNING]).update(state=S.RUNNING, done=0):
        return
    row = Export.objects.select_related("consultation", "by").get(pk=export)
    if not policies.may_export(row.by, row.consultation):
        exports.remove(export=row)
        return
    storage.forget(row.folder)
    row.folder.mkdir(parents=True, mode=0o700)
    try:
        images = _images(row)
        storage.need_room(sum(image.size for image in images) + SPARE)
        _write(row, images)
        _ready(row)
    except StorageFull:
        _fail(row, Reason.STORAGE_FULL)
    except _Changed:
        _fail(row, Reason.LOST)
    except _GivenUp:
        storage.forget(row.folder)


def _images(row: Export) -> list[Image]:
    if row.kind == Export.Kind.CLEANED:
        return exports.cleaned(consultation=row.consultation, by=row.by, checked=row.checked)
    return list(policies.exportable(row.by, row.consultation).order_by("study_uid", "series_uid", "pk"))


def _write(row: Export, images: list[Image]) -> None:
    """The zip has its name only when it is whole."""
    part = row.folder / "part"
    row.total = len(images)
    with ZipFile(part, "w", ZIP_STORED, strict_timestamps=False) as out:
        if row.kind == Export.Kind.CLEANED:
            _add_cleaned(out, row, images)
        else:
            _add_whole(out, row, images)
    storage.sync(part)
    part.rename(row.path)
    storage.sync(row.folder)
    store.put([row.path])


def _add_whole(out: ZipFile, row: Export, images: list[Image]) -> None:
    """Images first, then what was found on them."""
    names: set[str] = set()
    for done, image in enumerate(images, 1):
        name = _free(_name(image.study_uid, image.series_uid, image.sop_uid, image.sha256), names)
        _add(out, name, image.original, image.sha256)
        _note(row, done)
    for name, path in _objects(row):
        _add(out, _free(name, names), path)


def _add_cleaned(out: ZipFile, row: Export, images: list[Image]) -> None:
    """Each by the limited child, under new UIDs. The key to them is this run's and is kept nowhere."""
    names, key = set[str](), secrets.token_hex(32)
    for done, image in enumerate(images, 1):
        with storage.workplace(row.folder) as work:
            plan, made = work / "plan.json", work / "out.dcm"
            path = str(store.here(image.original))
            plan.write_text(json.dumps({"path": path, "key": key, "checked": image.pk in row.checked}))
            try:
                said = decoding.decode(kind="deidentify", source=plan, into=work)
            except decoding.Undecodable:
                row.missing += 1
            else:
                uids = (said["StudyInstanceUID"], said["SeriesInstanceUID"], said["SOPInstanceUID"])
                if made.is_symlink() or not made.is_file():
                    raise _Changed
                _add(out, _free(_name(*uids, storage.digest(made)), names), made)
        _note(row, done)


def _objects(row: Export) -> list[tuple[str, Path]]:
    """Names in the zip, and files, of key objects, presentation states and reports."""
    made, row.missing = derived.of(consultation=row.consultation, by=row.by, language=row.language)
    outbox.keep()
    for each in made:
        row.made[each.modality] = row.made.get(each.modality, 0) + 1
    if count := export_plan.unheld(row.consultation, row.by, policies.exportable(row.by, row.consultation)):
        row.made["unheld"] = count
    return [(_name(each.study_uid, each.series_uid, each.sop_uid, each.sha256), each.original) for each in made]


def _name(study: str, series: str, sop: str, sha256: str) -> str:
    """Of UIDs only; what is no UID is named by the file's hash (PS3.5 annex B.2: 2.25 and a number)."""
    own = f"2.25.{int(sha256[:32], 16)}"
    return "/".join(uid if UID.fullmatch(uid) and uid.strip(".") else own for uid in (study, series, sop)) + ".dcm"


def _free(name: str, names: set[str]) -> str:
    """Two files may claim one UID: the second is told apart by a number."""
    stem, number = name.removesuffix(".dcm"), 1
    while name in names:
        number += 1
        name = f"{stem}-{number}.dcm"
    names.add(name)
    return name


def _add(out: ZipFile, name: str, path: Path, sha256: str = "") -> None:
    """Copy a file in pieces; raises when it is not that of `sha256`."""
    digest = hashlib.sha256()
    try:
        with store.here(path).open("rb") as file, out.open(ZipInfo(name), "w", force_zip64=True) as entry:
            while block := file.read(storage.BLOCK):
                digest.update(block)
                entry.write(block)
    except FileNotFoundError:
        raise _Changed from None
    if sha256 and digest.hexdigest() != sha256:
        raise _Changed


def _note(row: Export, done: int) -> None:
    outbox.keep()
    if not Export.objects.filter(pk=row.pk, state=S.RUNNING).update(done=done, total=row.total):
        raise _GivenUp


def _ready(row: Export) -> None:
    ready: dict[str, Any] = {"made": row.made, "missing": row.missing, "size": row.path.stat().st_size}
    with transaction.atomic():
        rows = Export.objects.filter(pk=row.pk, state=S.RUNNING)
        if not rows.update(state=S.READY, ready_at=timezone.now(), **ready):
            raise _GivenUp
        detail = {**ready, "images": row.total, "sha256": storage.digest(row.path)}
        audit.record(by=None, action="export.make", thing=row, consultation=row.consultation_id, detail=detail)
        exports.tell(row)


def _fail(row: Export, reason: str) -> None:
    with transaction.atomic():
        if Export.objects.filter(pk=row.pk, state=S.RUNNING).update(state=S.FAILED, reason=reason):
            detail = {"reason": reason}
            audit.record(by=None, action="export.fail", thing=row, consultation=row.consultation_id, detail=detail)
            exports.tell(row)
    storage.forget(row.folder)
