"""Files on their way in: begin, append, abort; when the last byte is synced, an image row and its job."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal, StoreAway, TooLarge
from consult.models import Consultation, User
from consult.services import audit, outbox, store
from imaging.models import Image, Reason, Upload, sentence
from imaging.policies import image as policies
from imaging.raster import sniff
from imaging.services import decoding, news, storage
from imaging.services import still as stills

LASTS = timedelta(days=3)
UNCLAIMED = timedelta(days=1)
CHUNK = 4 * 1024 * 1024
QUOTA_FILES = 2000
QUOTA_TIMES = 10  # of the largest file
QUOTA_SLIDES = 4  # of the largest slide
NOT_KEPT = frozenset({Reason.PROGRAM, Reason.DISGUISED, Reason.ACTIVE_CONTENT})


class Locked(Refusal):
    """Another request is writing this upload (tus: 423)."""

    status = 423


class WrongChecksum(Refusal):
    """tus checksum extension."""

    status = 460


def begin(
    *, consultation: Consultation, by: User, name: str, length: int, sha256: str, still: int | None = None
) -> Upload:
    """Start an upload of `length` bytes; `still` is the asked still it brings.

    Refuses by size, name, quota and room on the disk before any byte.
    """
    if not policies.may_add(by, consultation):
        raise NotAllowed("may_not_add", _("You can no longer add images to this consultation."))
    shown = storage.clean_name(name)
    if length == 0:
        raise Refusal(Reason.EMPTY, sentence(Reason.EMPTY))
    is_large = sniff.extension(shown) in sniff.LARGE_NAMES
    if length > (settings.SLIDE_MAX_BYTES if is_large else settings.MAX_UPLOAD_BYTES):
        raise TooLarge(Reason.TOO_LARGE, sentence(Reason.TOO_LARGE))
    try:
        sniff.check_name(shown)
    except sniff.Unreadable as error:
        raise Refusal(error.code, sentence(error.code)) from None
    if sha256 and (existing := _same(consultation, sha256)):
        raise Existing(existing)
    check_quota(consultation, length)
    storage.need_room(length)
    upload = Upload(
        token=secrets.token_urlsafe(32),
        consultation=consultation,
        by=by,
        name=shown,
        sha256=sha256,
        length=length,
        expires_at=timezone.now() + LASTS,
        still=stills.open_for(pk=still, by=by, consultation=consultation) if still else None,
    )
    upload.part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    upload.part.touch(mode=0o600)
    storage.sync(upload.part.parent)
    with transaction.atomic():
        upload.save()
        outbox.later(kind="imaging.expire", payload={"upload": upload.pk}, due_at=upload.expires_at)
        news.changed(consultation)
    if settings.WORKER == "embedded":
        decoding.warm_up()  # by the time the last byte arrives the decoders are loaded
    return upload


class Existing(Conflict):
    """The same file is already in this consultation."""

    def __init__(self, image: Image) -> None:
        super().__init__("exists", _("This file is already here."))
        self.image = image


def _same(consultation: Consultation, sha256: str) -> Image | None:
    return Image.objects.kept().filter(consultation=consultation, sha256=sha256).first()


def check_quota(consultation: Consultation, length: int, count: int = 1) -> None:
    """Raise TooLarge unless the consultation still takes `count` files of `length` bytes together."""
    room, files = left(consultation)
    if length > settings.MAX_UPLOAD_BYTES and count == 1:
        room = _left_for_slides(consultation)
    if length > room or count > files:
        raise TooLarge(Reason.QUOTA, sentence(Reason.QUOTA))


def left(consultation: Consultation) -> tuple[int, int]:
    """Bytes and files that the consultation still takes, after what has come and what is announced."""
    kept, coming = _there(consultation)
    most = settings.MAX_UPLOAD_BYTES
    taken = _sum(kept.filter(size__lte=most), "size") + _sum(coming.filter(length__lte=most), "length")
    return QUOTA_TIMES * most - taken, QUOTA_FILES - kept.count() - coming.count()


def _left_for_slides(consultation: Consultation) -> int:
    """Bytes of files larger than all others may be: they count apart."""
    kept, coming = _there(consultation)
    most = settings.MAX_UPLOAD_BYTES
    taken = _sum(kept.filter(size__gt=most), "size") + _sum(coming.filter(length__gt=most), "length")
    return QUOTA_SLIDES * settings.SLIDE_MAX_BYTES - taken


def _there(consultation: Consultation) -> tuple[QuerySet[Image], QuerySet[Upload]]:
    coming = Upload.objects.filter(consultation=consultation, image=None, expires_at__gt=timezone.now())
    return Image.objects.kept().filter(consultation=consultation), coming


def _sum(rows: QuerySet[Any], field: str) -> int:
    return rows.aggregate(sum=Sum(field))["sum"] or 0


def append(*, upload: Upload, by: User, offset: int, content: bytes) -> Upload:
    """Put `content` at `offset`, which must be where the upload stands; synced before it is acknowledged.

    The last piece turns the upload into an image in the same transaction: a crash leaves either both or neither.
    """
    if not policies.may_add(by, upload.consultation):
        raise NotAllowed("may_not_add", _("You can no longer add images to this consultation."))
    with _writing(upload) as part:
        upload.refresh_from_db()
        if offset != upload.offset or upload.image_id:
            raise Conflict("offset", _("The upload stands elsewhere. It will be continued."))
        until = offset + len(content)
        if until > upload.length:
            raise TooLarge("beyond_length", _("More bytes came than were announced. Send the file again."))
        _write(part, offset, content)
        if until < upload.length:
            expires = timezone.now() + LASTS
            moved = Upload.objects.filter(pk=upload.pk, offset=offset)
            if not moved.update(offset=until, expires_at=expires, moved_at=timezone.now()):
                raise Conflict("offset", _("The upload stands elsewhere. It will be continued."))
            upload.offset = until
        else:
            _finish(upload, by)
    return upload


@contextmanager
def _writing(upload: Upload) -> Iterator[BinaryIO]:
    """The part file, locked against a second writer."""
    try:
        part = upload.part.open("r+b")
    except FileNotFoundError:
        raise Conflict("offset", _("The upload stands elsewhere. It will be continued.")) from None
    with part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked("locked", _("This upload is being written. It will be continued.")) from None
        yield part


def _write(part: BinaryIO, offset: int, content: bytes) -> None:
    """All of it and synced, or nothing: bytes of an earlier cut beyond `offset` go too."""
    try:
        part.truncate(offset)
        part.seek(offset)
        part.write(content)
        part.flush()
        os.fsync(part.fileno())
    except OSError:
        part.truncate(offset)
        raise storage.full() from None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file, synced at `path` below MEDIA_ROOT; `kind`, `mime` and `reason` by its first bytes.

    `archive` is the zip it came in, `device` the device that sent it; `matched` when it found the consultation itself.
    """

    path: Path
    name: str
    size: int
    sha256: str
    kind: str
    mime: str
    reason: str
    archive: Image | None = None
    device: str = ""
    matched: bool = False


def _finish(upload: Upload, by: User) -> None:
    """Compare the checksum, look at the head, and write row, job, audit and news at once."""
    sha256 = storage.digest(upload.part)
    if upload.sha256 and sha256 != upload.sha256:
        abort(upload=upload, by=by)
        raise WrongChecksum(Reason.CHECKSUM, sentence(Reason.CHECKSUM))
    kind, mime, reason = look(upload.part)
    if upload.still_id and kind in (Image.Kind.ARCHIVE, Image.Kind.DOCUMENT, Image.Kind.ECG, Image.Kind.SLIDE):
        kind, reason = "", Reason.NOT_AN_IMAGE  # a still is one picture
    if upload.length > settings.MAX_UPLOAD_BYTES and kind not in (Image.Kind.SLIDE, Image.Kind.DICOM):
        kind, reason = "", reason or Reason.TOO_LARGE
    file = Arrived(upload.part, upload.name, upload.length, sha256, kind, mime, reason)

    def moved(images: list[Image]) -> None:
        rows = Upload.objects.filter(pk=upload.pk, offset=upload.offset, image=None)
        if not rows.update(offset=upload.length, image=images[0], sha256=sha256):
            raise Conflict("offset", _("The upload stands elsewhere. It will be continued."))
        if upload.still_id:
            stills.arrived(pk=upload.still_id, image=images[0], by=by)

    [image] = keep(consultation=upload.consultation, by=by, files=[file], also=moved)
    upload.offset, upload.image, upload.sha256 = upload.length, image, sha256


def keep(
    *, consultation: Consultation, by: User, files: list[Arrived], also: Callable[[list[Image]], None] = lambda _: None
) -> list[Image]:
    """An image for each file, one of before where the consultation has the same bytes; `also` joins the transaction.

    The originals are synced first, then all rows, jobs and audit rows are written at once: all of it or nothing.
    """
    places = [_place(file) for file in files]
    storage.sync_all([path for _folder, path in places])
    if places:
        storage.sync(places[0][1].parent)
    _store(places)
    with transaction.atomic():
        Consultation.objects.select_for_update().get(pk=consultation.pk)
        images = _enter(consultation, by, files, [folder for folder, _path in places])
        also(images)
        news.changed(consultation)
        for image, (folder, path) in zip(images, places, strict=True):
            if image.folder != folder:
                store.forget(path)
    for file, image, (folder, path) in zip(files, images, places, strict=True):
        if image.folder != folder:
            storage.forget(path)
        file.path.unlink(missing_ok=True)
    return images


def _place(file: Arrived) -> tuple[str, Path]:
    """Name and path of a new folder that holds the original; empty when it is not to be kept."""
    folder, path = storage.new_folder()
    if file.reason not in NOT_KEPT:
        os.link(file.path, path / "original")
    return folder, path


def _store(places: list[tuple[str, Path]]) -> None:
    """The originals into the bucket, if there is one. Who dies before their rows are written leaves a job behind."""
    if not store.is_on() or not places:
        return
    folders = [folder for folder, _path in places]
    outbox.later(kind="imaging.unclaimed", payload={"folders": folders}, due_at=timezone.now() + UNCLAIMED)
    try:
        store.put(path / "original" for _folder, path in places)
    except StoreAway:
        for _folder, path in places:
            storage.forget(path)
        raise


@outbox.handles("imaging.unclaimed")
def forget_unclaimed(folders: list[str]) -> None:
    """Originals that no image has. May run twice."""
    claimed = set(Image.objects.filter(folder__in=folders).values_list("folder", flat=True))
    for folder in set(folders) - claimed:
        store.forget(Path(settings.MEDIA_ROOT) / "images" / folder)


def look(path: Path) -> tuple[str, str, str]:
    """(kind, MIME type, refusal code or "") by the first bytes."""
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
    try:
        return (*sniff.sniff(head), "")
    except sniff.Unreadable as error:
        return "", "", error.code


def _enter(consultation: Consultation, by: User, files: list[Arrived], folders: list[str]) -> list[Image]:
    """The image of each file; rows, jobs and audit rows of the new ones in a few queries, however many they are."""
    kept = Image.objects.kept().filter(consultation=consultation, sha256__in={file.sha256 for file in files})
    known = {image.sha256: image for image in kept}
    new: list[tuple[Image, Arrived]] = []
    for file, folder in zip(files, folders, strict=True):
        if file.sha256 not in known:
            known[file.sha256] = _image(consultation, by, file, folder)
            new.append((known[file.sha256], file))
    Image.objects.bulk_create([image for image, _file in new])
    due: dict[str, dict[str, dict[str, int]]] = {"imaging.unpack": {}, "imaging.prepare": {}}
    for image, file in new:
        if not file.reason:
            job = "imaging.unpack" if file.kind == Image.Kind.ARCHIVE else "imaging.prepare"
            due[job][f"image-{image.pk}"] = {"image": image.pk}
    for job, payloads in due.items():
        outbox.begin(kind=job, payloads=payloads)
    for who, matched in ((by, False), (None, True)):
        told = [(image, _detail(file)) for image, file in new if file.matched == matched]
        audit.record_all(by=who, action="image.add", things=told, consultation=consultation)
    return [known[file.sha256] for file in files]


def _image(consultation: Consultation, by: User, file: Arrived, folder: str) -> Image:
    return Image(
        consultation=consultation,
        kind=file.kind,
        mime=file.mime,
        reason=file.reason,
        state=Image.State.REFUSED if file.reason else Image.State.RECEIVED,
        name=file.name,
        size=file.size,
        sha256=file.sha256,
        folder=folder,
        archive=file.archive,
        uploaded_by=by,
    )


def _detail(file: Arrived) -> dict[str, Any]:
    detail: dict[str, Any] = {"sha256": file.sha256, "size": file.size, "reason": file.reason}
    return detail | {"device": file.device} if file.device else detail


def abort(*, upload: Upload, by: User) -> None:
    """Forget an unfinished upload. A finished one is an image: withdraw that."""
    with transaction.atomic():
        Upload.objects.filter(pk=upload.pk, by=by, image=None).delete()
        news.changed(upload.consultation)
    upload.part.unlink(missing_ok=True)


@outbox.handles("imaging.expire")
def expire(upload: int) -> None:
    """Forget an upload nobody continued; look again later when somebody did. May run twice."""
    row = Upload.objects.filter(pk=upload).select_related("consultation").first()
    if row is None:
        return
    if row.image_id is None and row.expires_at > timezone.now():
        outbox.later(kind="imaging.expire", payload={"upload": upload}, due_at=row.expires_at)
        return
    row.part.unlink(missing_ok=True)
    row.delete()
    news.changed(row.consultation)
