"""Instances that a program sends in one request (DICOMweb PS3.18 section 10.5): all of them kept at once, or none.

Each file passes the same intake as one from a browser; only here several share a transaction, so that a study never
lies half in a consultation when the site dies in the middle.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import time

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, TooLarge
from consult.models import Consultation, User
from consult.services import outbox
from imaging.dicom import meta
from imaging.models import Image, Reason, Upload, sentence
from imaging.policies import image as policies
from imaging.raster import sniff
from imaging.services import checking, intake, storage

LEFT_FOR = 86_400  # seconds until a file that no row knows is removed

# Failure Reason (0008,1197): PS3.18 annex I.2.2, PS3.4 annex B.2.3
OUT_OF_RESOURCES, OTHER_STUDY, NOT_UNDERSTOOD = 0xA700, 0xA900, 0xC000
OTHER_CLASS, OTHER_SYNTAX = 0x0122, 0xC122
_FAILURES: dict[str, int] = {
    Reason.UNSUPPORTED_SYNTAX: OTHER_SYNTAX,
    **dict.fromkeys((Reason.NO_PIXELS, Reason.SLIDE, Reason.OTHER_DOCUMENT, Reason.DIRECTORY), OTHER_CLASS),
}


@dataclass(slots=True)
class Instance:
    """One part of the request: `failure` is a Failure Reason, 0 when it is kept as `image`."""

    sop_class: str = ""
    sop_uid: str = ""
    failure: int = 0
    file: intake.Arrived | None = None
    image: Image | None = None


@dataclass(slots=True)
class _Room:
    """What the consultation still takes, counted down while bytes come."""

    size: int
    files: int
    read: int = field(default=0)
    most: int = field(default=0)


def store(*, consultation: Consultation, by: User, files: Iterable[Iterable[bytes]], study: str = "") -> list[Instance]:
    """Keep what `files` bring, each in pieces; `study` is the Study Instance UID that all must have, if any.

    What one file lacks fails that file; NotAllowed, TooLarge and StorageFull, or an error of `files`, fail all.
    """
    if not policies.may_add(by, consultation):
        raise NotAllowed("may_not_add", _("You can no longer add images to this consultation."))
    size, count = intake.left(consultation)
    room = _Room(size=size, files=count, most=max(size, 0) + settings.MAX_UPLOAD_BYTES)
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not connection.in_atomic_block:
        connection.close()  # back to the pool: none is held while bytes come slowly
    found: list[Instance] = []
    parts: list[Path] = []
    try:
        for pieces in files:
            parts.append(folder / f"{secrets.token_urlsafe(32)}.part")
            found.append(_receive(pieces, parts[-1], room))
        _look_into(found, study)
        kept = [instance for instance in found if instance.file is not None]
        images = intake.keep(consultation=consultation, by=by, files=[each.file for each in kept if each.file])
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    for instance, image in zip(kept, images, strict=True):
        instance.image = image
        if image.reason and not instance.failure:
            instance.failure = NOT_UNDERSTOOD
    return found


def _look_into(found: list[Instance], study: str) -> None:
    """What the limited child says of each file, before the program is answered; it reads while the disk syncs."""
    looked = [(each, each.file) for each in found if each.file and not each.file.reason]
    with ThreadPoolExecutor(1, "sync") as pool:
        synced = pool.submit(storage.sync_all, [each.file.path for each in found if each.file])
        claims = checking.claims([file.path for _each, file in looked])
        try:
            synced.result()
        except OSError:
            raise storage.full() from None
    for (instance, file), claim in zip(looked, claims, strict=True):
        if study and claim.study != study:
            instance.failure, instance.file = OTHER_STUDY, None
        else:
            instance.file = replace(file, reason=claim.refused)
            instance.failure = _FAILURES.get(claim.refused, NOT_UNDERSTOOD) if claim.refused else 0


def _receive(pieces: Iterable[bytes], path: Path, room: _Room) -> Instance:
    """Write one file and look at its head; it is synced with the others."""
    storage.need_room(0)
    digest, size, head = hashlib.sha256(), 0, b""
    most = min(settings.MAX_UPLOAD_BYTES, room.size)
    try:
        with open(path, "xb", opener=_private) as part:
            for piece in _counted(pieces, room):
                size += len(piece)
                if size <= most:
                    digest.update(piece)
                    part.write(piece)
                    if len(head) < sniff.HEAD:
                        head += piece[: sniff.HEAD - len(head)]
    except ConnectionError:
        raise
    except OSError:
        raise storage.full() from None
    said = meta.read(head)
    instance = Instance(said.sop_class, said.sop_uid)
    if size > most or room.files <= 0:
        instance.failure = OUT_OF_RESOURCES
        return instance
    kind, mime, reason = intake.look(path)
    if not reason and (kind != Image.Kind.DICOM or not said.sop_uid):
        instance.failure = NOT_UNDERSTOOD
    else:
        room.size, room.files = room.size - size, room.files - 1
        name = f"{said.sop_uid or 'instance'}.dcm"
        instance.file = intake.Arrived(path, name, size, digest.hexdigest(), kind, mime, reason)
    return instance


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _counted(pieces: Iterable[bytes], room: _Room) -> Iterator[bytes]:
    """A sender that goes on long after the room is used up is sent away."""
    for piece in pieces:
        room.read += len(piece)
        if room.read > room.most:
            raise TooLarge(Reason.QUOTA, sentence(Reason.QUOTA))
        yield piece


@outbox.every(timedelta(hours=1), "imaging.leftovers")
def sweep() -> None:
    """Remove what a killed process left: part files and folders of a day ago that no row names."""
    root, before = Path(settings.MEDIA_ROOT), time() - LEFT_FOR
    for path in (root / "uploads").glob("*"):
        if path.stat().st_mtime < before and not Upload.objects.filter(token=path.stem).exists():
            storage.forget(path)
    for path in (root / "images").glob("*"):
        if path.stat().st_mtime < before and not Image.objects.filter(folder=path.name).exists():
            storage.forget(path)
