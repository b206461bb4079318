"""Opens a zip of a study in the limited child and takes each of its files in like any other. Runs in the worker."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from consult.errors import StorageFull
from consult.services import audit, outbox, store
from imaging.models import Image, Reason
from imaging.policies import image as policies
from imaging.services import decoding, intake, news, storage
from imaging.services.prepare import refuse

S = Image.State
BATCH = 50  # files that are taken in at once
LEASE = timedelta(seconds=60)  # longer than the child may take; renewed after each batch


@outbox.handles("imaging.unpack", atomic=False, lease=LEASE)
def unpack(image: int) -> None:
    """All files of one archive become images, or none does. May run twice: what is in already is the same image."""
    if not Image.objects.filter(pk=image, state__in=[S.RECEIVED, S.PROCESSING]).update(state=S.PROCESSING):
        return
    archive = Image.objects.select_related("consultation", "uploaded_by").get(pk=image)
    if not store.here(archive.original).is_file():
        refuse(archive, Reason.LOST)
        return
    try:
        found = _looked_through(archive)
        done = 0
        while done < found["files"]:
            done += _batch(archive, done)
            outbox.keep()
            if not _note(archive, {**found, "done": done}):
                return  # withdrawn meanwhile
    except decoding.Undecodable as error:
        refuse(archive, error.code)
        return
    _end(archive)


def _looked_through(archive: Image) -> dict[str, Any]:
    """Counts of the archive, every byte of it read once, and room made sure of before its first file is taken in."""
    with storage.workplace(archive.path) as work:
        original = store.here(archive.original)
        said = decoding.decode(kind="archive", source=original, into=work, largest=settings.MAX_UPLOAD_BYTES)
    found: dict[str, Any] = {name: int(said[name]) for name in ("files", "bytes", "skipped")}
    if index := said.get("directory"):
        names = [str(name) for name in index["names"]]
        found["directory"] = {"files": int(index["files"]), "lost": int(index["lost"]), "names": names}
    outbox.keep()
    if archive.members.exists():
        return found  # an earlier run was cut: what was begun is finished
    if not policies.may_add(archive.uploaded_by, archive.consultation):
        raise decoding.Undecodable(Reason.CLOSED)
    room, count = intake.left(archive.consultation)
    if found["bytes"] > room or found["files"] > count:
        raise decoding.Undecodable(Reason.QUOTA)
    try:
        storage.need_room(found["bytes"])
    except StorageFull:
        raise decoding.Undecodable(Reason.STORAGE_FULL) from None
    return found


def _batch(archive: Image, first: int) -> int:
    """Unpack files from number `first` on and take them in at once; answers how many."""
    with storage.workplace(archive.path) as work:
        how = {"largest": settings.MAX_UPLOAD_BYTES, "first": first, "most": BATCH}
        said = decoding.decode(kind="archive", source=store.here(archive.original), into=work, **how)
        files = [_arrived(archive, str(name), work / str(number)) for number, name in enumerate(said["names"], first)]
        if not files:
            raise decoding.Undecodable(Reason.DAMAGED)
        intake.keep(consultation=archive.consultation, by=archive.uploaded_by, files=files)
    return len(files)


def _arrived(archive: Image, name: str, path: Path) -> intake.Arrived:
    if path.is_symlink() or not path.is_file():
        raise decoding.Undecodable(Reason.DAMAGED)
    storage.sync(path)
    kind, mime, reason = intake.look(path)
    if kind == Image.Kind.ARCHIVE:
        kind, reason = "", Reason.ARCHIVE
    shown, size = storage.clean_name(name), path.stat().st_size
    return intake.Arrived(path, shown, size, storage.digest(path), kind, mime, reason, archive)


def _note(archive: Image, facts: dict[str, Any]) -> int:
    """How far it is, for the list; 0 when nobody wants it any more."""
    archive.facts = facts
    return Image.objects.filter(pk=archive.pk, state=S.PROCESSING).update(facts=facts)


def _end(archive: Image) -> None:
    """The files are the originals now; the zip around them goes."""
    with transaction.atomic():
        if not Image.objects.filter(pk=archive.pk, state=S.PROCESSING).update(state=S.UNPACKED):
            return
        detail = {name: archive.facts[name] for name in ("files", "skipped")}
        audit.record(by=None, action="image.unpack", thing=archive, consultation=archive.consultation_id, detail=detail)
        news.changed(archive.consultation)
        store.forget(archive.path)
    storage.forget(archive.path)
