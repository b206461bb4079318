"""Instances that a hospital's devices push in: kept before they are acknowledged, then into the consultation they name.

What names none, or several, waits until a doctor of the hospital says where it belongs, or that it is not wanted.
"""

import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from time import time
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal, StoreAway, TooLarge
from consult.models import Consultation, User
from consult.services import audit, outbox, store
from imaging.dicom import meta
from imaging.models import Arrival, Device, Image, Reason, sentence
from imaging.policies import arrival as policies
from imaging.policies import identity
from imaging.policies import image as images
from imaging.raster import sniff
from imaging.services import checking, decoding, intake, news, storage

S = Arrival.State
QUOTA_FILES = 20_000
QUOTA_TIMES = 50
"""Of the largest file: what may wait for one hospital at a time."""
NOT_SHOWN = frozenset({Reason.NO_PIXELS, Reason.SLIDE, Reason.OTHER_DOCUMENT, Reason.UNSUPPORTED_SYNTAX})
"""Whole, and part of many a study: taken, so that a device goes on with its images; doctors are told later."""
TEXTS = (
    *("series_uid", "study_uid", "modality", "description", "taken_on", "accession"),
    *("patient_name", "patient_id", "patient_sex"),
)
LEASE = timedelta(seconds=60)
LEFT_FOR = 86_400  # seconds until a file that no row knows is removed


def folder() -> Path:
    """Where files of devices wait; made when missing."""
    path = Path(settings.MEDIA_ROOT) / "arrivals"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def coming() -> Path:
    """Where files of devices are written while they come; made when missing."""
    path = folder() / "coming"
    path.mkdir(exist_ok=True, mode=0o700)
    return path


def take(*, device: Device, file: Path, head: bytes) -> Arrival:
    """Keep one instance that begins with `head`: bytes synced and the row written before this returns.

    `file` is moved away. Sent again it is the same arrival. Refuses what is no DICOM, damaged, too large or too much.
    """
    size = file.stat().st_size
    said = meta.read(head)
    if not said.sop_uid:
        raise Refusal(Reason.DAMAGED, sentence(Reason.DAMAGED))
    try:
        sniff.sniff(head)
    except sniff.Unreadable as error:
        raise Refusal(error.code, sentence(error.code)) from None
    if size > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(Reason.TOO_LARGE, sentence(Reason.TOO_LARGE))
    _check_quota(device, size)
    storage.need_room(0)
    sha256 = _checked(file)
    arrival = Arrival(device=device, token=secrets.token_urlsafe(32), size=size, sha256=sha256, sop_uid=said.sop_uid)
    os.rename(file, arrival.path)
    storage.sync(arrival.path.parent)
    try:
        store.put([arrival.path])
    except StoreAway:
        storage.forget(arrival.path)
        raise
    try:
        with transaction.atomic():
            arrival.save(force_insert=True)
            outbox.later(kind="imaging.arrived", payload={"arrival": arrival.pk}, key=f"arrival-{arrival.pk}")
            Device.objects.filter(pk=device.pk).update(heard_at=timezone.now())
    except IntegrityError:  # the device repeats what it was not sure of
        store.forget(arrival.path)
        arrival.path.unlink()
        return Arrival.objects.get(device=device, sha256=sha256, state__in=policies.OPEN)
    return arrival


def _checked(file: Path) -> str:
    """The file's SHA-256; it is synced, while the limited child reads its header. Refuses what is damaged."""
    with ThreadPoolExecutor(1, "claims") as pool:
        claimed = pool.submit(checking.claims, [file])
        sha256 = storage.digest(file)
        storage.sync(file)
        reason = claimed.result()[0].refused
    if reason and reason not in NOT_SHOWN:
        raise Refusal(reason, sentence(reason))
    return sha256


def _check_quota(device: Device, size: int) -> None:
    if device.quota_mb:
        own = device.arrivals.filter(state__in=policies.OPEN).aggregate(sum=Sum("size"))["sum"] or 0
        if own + size > device.quota_mb * 1024 * 1024:
            raise TooLarge(Reason.INBOX_FULL, sentence(Reason.INBOX_FULL))
    waiting = Arrival.objects.filter(device__hospital=device.hospital_id, state__in=policies.OPEN)
    taken = waiting.aggregate(sum=Sum("size"))["sum"] or 0
    if waiting.count() >= QUOTA_FILES or taken + size > QUOTA_TIMES * settings.MAX_UPLOAD_BYTES:
        raise TooLarge(Reason.INBOX_FULL, sentence(Reason.INBOX_FULL))


@outbox.handles("imaging.arrived", atomic=False, lease=LEASE)
def arrived(arrival: int) -> None:
    """Read the header in the limited child and place the instance, or let it wait. May run twice."""
    row = Arrival.objects.filter(pk=arrival, state=S.RECEIVED).select_related("device__hospital").first()
    if row is None:
        return
    try:
        facts = decoding.decode(kind="header", source=store.here(row.path), into=row.path)
    except decoding.Undecodable as error:
        code = error.code if row.path.is_file() else Reason.LOST
        _settle(row, S.REFUSED, reason=code if code in Reason.values else Reason.DAMAGED)
        return
    fields = _describe(row, facts)
    row.save(update_fields=fields)
    home = _home(row)
    if home is not None:
        try:
            place(rows=[row], consultation=home, by=home.asker, matched=True)
        except StoreAway:
            raise
        except Refusal:  # full, or closed this moment: a doctor decides
            home = None
    if home is None:
        _settle(row, S.WAITING)


def _describe(row: Arrival, facts: dict[str, Any]) -> list[str]:
    """Copy the header's words, cut to what the fields hold."""
    for name in TEXTS:
        field = Arrival._meta.get_field(name)
        text = str(facts.get(name) or "").replace("\x00", "")
        setattr(row, name, text[: field.max_length])  # type: ignore[union-attr]
    try:
        row.patient_birth = date.fromisoformat(str(facts.get("patient_birth") or ""))
    except ValueError:
        row.patient_birth = None
    return [*TEXTS, "patient_birth"]


def _home(row: Arrival) -> Consultation | None:
    """The one open consultation that this instance names: by our own number, or by a patient who agrees in all."""
    found = policies.named(row.device.hospital_id, accession=row.accession, patient_id=row.patient_id)
    rows = [each for each in found if images.may_add(each.asker, each)]
    by_number = [each for each in rows if row.accession and each.number == row.accession]
    fitting = by_number or [each for each in rows if not differences(row, each)]
    return fitting[0] if len(fitting) == 1 else None


def differences(row: Arrival, consultation: Consultation) -> list[str]:
    """What the file says otherwise than the consultation's patient; see `identity.differences`."""
    return identity.differences(
        name=row.patient_name,
        number=row.patient_id,
        sex=row.patient_sex,
        birth=row.patient_birth,
        patient=consultation.patient,
    )


def _settle(row: Arrival, state: str, *, reason: str = "") -> None:
    with transaction.atomic():
        if Arrival.objects.filter(pk=row.pk, state=S.RECEIVED).update(state=state, reason=reason):
            action = "arrival.wait" if state == S.WAITING else "arrival.refuse"
            audit.record(by=None, action=action, thing=row, detail={"device": row.device.ae_title, "reason": reason})
            for each in policies.named(row.device.hospital_id, accession=row.accession, patient_id=row.patient_id):
                news.changed(each)


def claim(*, arrivals: Iterable[int], consultation: Consultation, by: User) -> list[Image]:
    """A doctor says that these belong to `consultation`: all become its images, or none does."""
    rows = list(policies.visible_arrivals(by).filter(pk__in=arrivals, state=S.WAITING))
    if not rows:
        raise _gone()
    if any(not policies.may_place(by, consultation, row.device.hospital_id) for row in rows):
        raise NotAllowed("may_not_add", _("You can no longer add images to this consultation."))
    return place(rows=rows, consultation=consultation, by=by)


def place(*, rows: list[Arrival], consultation: Consultation, by: User, matched: bool = False) -> list[Image]:
    """Turn waiting files into images of `consultation` in one transaction; `matched` when nobody had to say so."""
    intake.check_quota(consultation, sum(row.size for row in rows), len(rows))

    def taken(made: list[Image]) -> None:
        now = timezone.now()
        for row, image in zip(rows, made, strict=True):
            mine = Arrival.objects.filter(pk=row.pk, state__in=[S.RECEIVED, S.WAITING])
            if not mine.update(state=S.PLACED, image=image, by=None if matched else by, ended_at=now):
                raise _gone()
            store.forget(row.path)

    try:
        files = [_as_file(row, matched) for row in rows]
        return intake.keep(consultation=consultation, by=by, files=files, also=taken)
    except FileNotFoundError:
        raise _gone() from None


def _gone() -> Conflict:
    return Conflict("arrival_gone", _("Somebody has already placed or discarded these images."))


def _as_file(row: Arrival, matched: bool) -> intake.Arrived:
    kind, mime, reason = intake.look(store.here(row.path))
    return intake.Arrived(
        path=row.path,
        name=f"{row.sop_uid}.dcm",
        size=row.size,
        sha256=row.sha256,
        kind=kind,
        mime=mime,
        reason=reason,
        device=row.device.ae_title,
        matched=matched,
    )


def discard(*, arrivals: Iterable[int], by: User) -> int:
    """Nobody wants these: their files go, the rows and who said so stay. How many."""
    rows = list(policies.visible_arrivals(by).filter(pk__in=arrivals))
    gone = []
    with transaction.atomic():
        for row in rows:
            mine = Arrival.objects.filter(pk=row.pk, state__in=[S.WAITING, S.REFUSED])
            if mine.update(state=S.DISCARDED, by=by, ended_at=timezone.now()):
                audit.record(by=by, action="arrival.discard", thing=row, detail={"sha256": row.sha256})
                store.forget(row.path)
                gone.append(row)
    for row in gone:
        row.path.unlink(missing_ok=True)
    return len(gone)


@outbox.every(timedelta(hours=1), "imaging.arrivals")
def sweep() -> None:
    """Remove what a killed process left: files of a day ago that no open row names."""
    before = time() - LEFT_FOR
    named = set(Arrival.objects.filter(state__in=policies.OPEN).values_list("token", flat=True))
    for path in [*folder().iterdir(), *coming().iterdir()]:
        if path != coming() and path.stat().st_mtime < before and path.name not in named:
            storage.forget(path)
    for path, at in store.listed(folder()):
        if at.timestamp() < before and path.name not in named:
            store.forget(path)
