"""What lies on the disk of a recording: logs as relays send them, films cut from them, all sealed; and their end."""

import errno
import fcntl
import logging
import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from consult.errors import StorageFull
from consult.models import Recording, RecordingFile, RecordingLog, User
from consult.reel.log import Unreadable
from consult.reel.sealed import SealedReader, SealedWriter, Tampered
from consult.services import audit, moves, outbox, recording_keys
from consult.services.recording import GATHER, cut_when_gathered, on_their_way
from consult.states import RECORDING_MOVES
from consult.states import RecordingState as R

if TYPE_CHECKING:
    from consult.reel.cutting import Cut, Outcome

logger = logging.getLogger(__name__)


def folder(recording: Recording) -> Path:
    return Path(settings.RECORDINGS_ROOT) / recording.token.hex


def _path(log: RecordingLog) -> Path:
    return folder(log.recording) / f"{log.name}.log"


def offset_of(name: str) -> int | None:
    """How much of the log is here; None when it is not known. One whose recording is deleted is known no more."""
    log = RecordingLog.objects.select_related("recording").filter(name=name).first()
    if log is None:
        return None
    path = _path(log)
    return path.stat().st_size if path.exists() else 0


def is_over(name: str) -> bool:
    """Whether the log's content is of no use any more: its films are cut from all of it, or it is deleted."""
    return RecordingLog.objects.filter(name=name).exclude(arrived_at=None).exists() or (
        RecordingLog.objects.filter(name=name, recording__state=R.DELETED).exists()
    )


def append(*, name: str, offset: int, content: bytes) -> int:
    """Add a piece of a log; how much is here now. A piece that does not begin at the end changes nothing.

    Raises KeyError for an unknown log, StorageFull.
    """
    log = RecordingLog.objects.select_related("recording").filter(name=name).first()
    if log is None:
        raise KeyError(name)
    path = _path(log)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the relay may have dialled again while its last piece is being written
        size = file.seek(0, os.SEEK_END)
        if offset != size:
            return size
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            os.ftruncate(file.fileno(), size)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("disk_full", "the disk has no room for recordings") from None
            raise
    RecordingLog.objects.filter(pk=log.pk, size__lt=size + len(content)).update(size=size + len(content))
    return size + len(content)


@transaction.atomic
def arrived(*, name: str) -> None:
    """All of a log is here. The last one of a stopped recording has its films cut now."""
    log = RecordingLog.objects.select_related("recording").get(name=name)
    now = timezone.now()
    RecordingLog.objects.filter(pk=log.pk, arrived_at=None).update(arrived_at=now)
    RecordingLog.objects.filter(pk=log.pk, closed_at=None).update(closed_at=now, state=RecordingLog.State.CLOSED)
    cut_when_gathered(log.recording)


@outbox.handles("cut_recording", atomic=False, lease=timedelta(minutes=10))
def cut_recording(recording: int) -> None:
    """Cut films from what is here. Runs again when more has come; whoever dies in it leaves nothing half done."""
    row = Recording.objects.select_related("consultation").get(pk=recording)
    logs = list(row.logs.all())
    is_all_here = not on_their_way(row).exists()
    had = sum(log.size for log in logs)
    if row.state not in {R.CUTTING, R.READY, R.FAILED} or row.stopped_at is None:
        return
    if row.state == R.READY and had == row.cut_bytes:
        return
    if not is_all_here and row.state == R.CUTTING and timezone.now() < row.stopped_at + GATHER:
        return
    from consult.reel.cutting import cut  # loads FFmpeg, which only workers need

    home = folder(row)
    key = recording_keys.key_of(row)
    made: list[Path] = []

    def sink() -> SealedWriter:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        made.append(home / f"{uuid.uuid4().hex}.film")
        return SealedWriter(made[-1], key)

    try:
        outcome = cut([(_path(log), key) for log in logs if log.size], sink)
        _keep(row, outcome, made, had, is_all_here)
    except (Tampered, Unreadable) as error:
        logger.error("recording %s cannot be cut: %s", row.pk, error)
        _fail(row)
        _remove(made)
    except BaseException:
        _remove(made)
        raise
    _sweep(row)


@transaction.atomic
def _keep(row: Recording, outcome: "Outcome", made: list[Path], had: int, is_all_here: bool) -> None:
    name = "finish" if outcome.films else "find_empty"
    sources, target = RECORDING_MOVES[name]
    is_whole = outcome.is_whole and is_all_here
    columns = {"seconds": outcome.seconds, "cut_bytes": had, "incomplete": row.incomplete or not is_whole}
    if not Recording.objects.filter(pk=row.pk, state__in=sources).update(state=target, **columns):
        raise moves.too_late()
    row.files.all().delete()
    people = User.objects.in_bulk({film.username for film in outcome.films}, field_name="username")
    RecordingFile.objects.bulk_create(
        _file(row, number, film, people[film.username], path)
        for number, (film, path) in enumerate(zip(outcome.films, made, strict=True), 1)
    )
    detail = {"files": len(made), "seconds": round(outcome.seconds), "whole": is_whole}
    audit.record(by=None, action="recording.finish", thing=row, consultation=row.consultation, detail=detail)
    moves.announce(row.consultation, kind="recording", seq=row.pk)


def _file(row: Recording, number: int, film: "Cut", person: User, path: Path) -> RecordingFile:
    return RecordingFile(
        recording=row,
        number=number,
        person=person,
        source=film.source,
        content_type=film.content_type,
        path=str(path.relative_to(settings.RECORDINGS_ROOT)),
        offset=film.offset,
        seconds=film.seconds,
        size=film.sink.size,
        has_video=film.has_video,
        has_sound=film.has_sound,
    )


@transaction.atomic
def _fail(row: Recording) -> None:
    sources, target = RECORDING_MOVES["fail"]
    if Recording.objects.filter(pk=row.pk, state__in=sources).update(state=target):
        audit.record(by=None, action="recording.fail", thing=row, consultation=row.consultation)
        moves.announce(row.consultation, kind="recording", seq=row.pk)


def _sweep(row: Recording) -> None:
    """Remove films of an earlier cut, and logs that are wholly in the films."""
    kept = {Path(path).name for path in row.files.values_list("path", flat=True)}
    row.refresh_from_db()
    for path in folder(row).glob("*"):
        is_old_film = path.suffix == ".film" and path.name not in kept
        is_used_log = path.suffix == ".log" and row.state == R.READY and not row.incomplete
        if is_old_film or is_used_log:
            path.unlink(missing_ok=True)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def open_film(file: RecordingFile) -> SealedReader:
    """Raises Tampered, KeyMissing, FileNotFoundError."""
    key = recording_keys.key_of(file.recording)
    return SealedReader(Path(settings.RECORDINGS_ROOT) / file.path, key)


def bytes_of(recording: Recording) -> int:
    return int(recording.files.aggregate(total=Sum("size"))["total"] or 0)


@outbox.every(timedelta(hours=1), "expire_recordings")
def expire() -> int:
    """Delete what its retention ended for, unless it is held. How many were."""
    due = Recording.objects.filter(
        delete_on__lt=timezone.localdate(), held_at=None, state__in=[R.READY, R.EMPTY, R.FAILED]
    )
    return sum(_delete(row) for row in due.select_related("consultation"))


@transaction.atomic
def _delete(row: Recording) -> bool:
    """The key goes first: without it the files say nothing, wherever copies of them are."""
    sources, target = RECORDING_MOVES["delete"]
    gone = {"state": target, "wrapped_key": b"", "key_id": ""}
    if not Recording.objects.filter(pk=row.pk, state__in=sources, held_at=None).update(**gone):
        return False
    row.files.all().delete()
    detail = {"retention": row.retention, "recorded": row.stopped_at}
    audit.record(by=None, action="recording.delete", thing=row, consultation=row.consultation, detail=detail)
    paths = list(folder(row).glob("*"))
    transaction.on_commit(lambda: _remove(paths))
    return True
