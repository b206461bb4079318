"""What lies on the disk of a recording: logs as relays send them, films cut from them, all sealed; and their end."""

import errno
import fcntl
import logging
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Refusal, StorageFull
from consult.models import Recording, RecordingFile, RecordingLog, User
from consult.reel.log import Unreadable
from consult.reel.sealed import SealedReader, SealedWriter, Tampered
from consult.services import audit, moves, outbox, recording_keys, store
from consult.services.recording import CUT, GATHER, cut_key, cut_later, on_their_way
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
    if path.exists():
        return path.stat().st_size
    return log.size if log.arrived_at else 0  # in the bucket, its copy gone


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
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageFull("disk_full", "the disk has no room for recordings") from None
            raise
    RecordingLog.objects.filter(pk=log.pk, size__lt=size + len(content)).update(size=size + len(content))
    return size + len(content)


def arrived(*, name: str) -> None:
    """All of a log is here, and kept. The last one of a stopped recording has its films cut now.

    Raises StoreAway: then the relay keeps its own.
    """
    log = RecordingLog.objects.select_related("recording").get(name=name)
    store.put([_path(log)])
    _arrived(log, name)


@transaction.atomic
def _arrived(log: RecordingLog, name: str) -> None:
    now = timezone.now()
    size = offset_of(name)  # a site that was killed after it wrote a piece has not noted it
    RecordingLog.objects.filter(pk=log.pk, arrived_at=None).update(arrived_at=now, size=size)
    RecordingLog.objects.filter(pk=log.pk, closed_at=None).update(closed_at=now, state=RecordingLog.State.CLOSED)
    cut_later(log.recording)


CUTTABLE = {R.CUTTING, R.READY, R.FAILED, R.EMPTY}
LEASE = timedelta(seconds=40)  # renewed every PULSE while films are cut: a killed worker costs no more than this
PULSE = 2.0  # seconds
LATE = timedelta(days=1)  # how long after the end more of a recording may come


@outbox.every(timedelta(seconds=15), "cut_recordings")
def find_uncut() -> int:
    """Whatever message was lost: what has stopped and is not wholly in films is cut. How many were found."""
    late = RecordingLog.objects.filter(recording=OuterRef("pk"), arrived_at__gt=timezone.now() - LATE)
    rows = Recording.objects.filter(state__in=CUTTABLE).annotate(here=Sum("logs__size"))
    rows = rows.filter(Q(state=R.CUTTING) | Q(Exists(late)) & ~Q(here=F("cut_bytes")))
    found = [row for row in rows if _is_due(row) and not outbox.waits(kind=CUT, key=cut_key(row))]
    for row in found:
        cut_later(row)
    return len(found)


def _is_due(row: Recording) -> bool:
    """Whether films are to be cut now: not before all is here, or was waited for long enough."""
    if row.state not in CUTTABLE or row.stopped_at is None or not row.wrapped_key:
        return False
    is_all_here = not on_their_way(row).exists()
    if row.state == R.CUTTING:
        return is_all_here or timezone.now() >= row.stopped_at + GATHER
    return is_all_here and _bytes_here(row) != row.cut_bytes


def _bytes_here(row: Recording) -> int:
    return int(row.logs.aggregate(total=Sum("size"))["total"] or 0)


@outbox.handles(CUT, atomic=False, lease=LEASE)
def cut_recording(recording: int) -> None:
    """Cut films from what is here. Runs again when more has come; whoever dies in it leaves nothing half done."""
    row = Recording.objects.select_related("consultation").get(pk=recording)
    if not _is_due(row):
        return
    had, is_all_here = _bytes_here(row), not on_their_way(row).exists()
    key = recording_keys.key_of(row)
    made: list[Path] = []
    try:
        outcome = _cut(row, key, made)
        outbox.keep()
        _keep(row, outcome, made, had, is_all_here)
    except (Tampered, Unreadable, FileNotFoundError) as error:
        logger.error("recording %s cannot be cut: %s", row.pk, error)
        _fail(row, had)
        _remove(made)
    except BaseException:
        _remove(made)
        raise
    _sweep(row)


def _cut(row: Recording, key: bytes, made: list[Path]) -> "Outcome":
    from consult.reel.cutting import cut  # loads FFmpeg, which only workers need

    home = folder(row)
    told = time.monotonic()

    def sink() -> SealedWriter:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        made.append(home / f"{uuid.uuid4().hex}.film")
        return SealedWriter(made[-1], key)

    def advanced(share: float) -> None:
        nonlocal told
        if time.monotonic() - told > PULSE:
            told = time.monotonic()
            outbox.keep()
            Recording.objects.filter(pk=row.pk).update(cut_share=share)

    outcome = cut([(store.here(_path(log)), key) for log in row.logs.exclude(size=0)], sink, advanced)
    store.put(made)
    return outcome


@transaction.atomic
def _keep(row: Recording, outcome: "Outcome", made: list[Path], had: int, is_all_here: bool) -> None:
    name = "finish" if outcome.films else "find_empty"
    sources, target = RECORDING_MOVES[name]
    is_whole = outcome.is_whole and is_all_here
    columns = {"seconds": outcome.seconds, "cut_bytes": had, "incomplete": row.incomplete or not is_whole}
    if not Recording.objects.filter(pk=row.pk, state__in=sources).update(state=target, cut_share=0.0, **columns):
        raise moves.too_late()
    for path in row.files.values_list("path", flat=True):
        store.forget(Path(settings.RECORDINGS_ROOT) / path)
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
def _fail(row: Recording, had: int) -> None:
    """Films that were cut before stay, without what came since; nothing is tried again until more comes."""
    sources, target = RECORDING_MOVES["fail"]
    Recording.objects.filter(pk=row.pk).update(cut_bytes=had, cut_share=0.0, incomplete=True)
    if Recording.objects.filter(pk=row.pk, state__in=sources).update(state=target):
        audit.record(by=None, action="recording.fail", thing=row, consultation=row.consultation)
        moves.announce(row.consultation, kind="recording", seq=row.pk)


def _sweep(row: Recording) -> None:
    """Remove films of an earlier cut, and logs that are wholly in the films."""
    kept = {Path(path).name for path in row.files.values_list("path", flat=True)}
    row.refresh_from_db()
    is_used = row.state == R.READY and not row.incomplete
    logs = {_path(log) for log in row.logs.select_related("recording")}
    for path in {*folder(row).glob("*"), *logs}:
        if (path.suffix == ".film" and path.name not in kept) or (path.suffix == ".log" and is_used):
            store.forget(path)
            path.unlink(missing_ok=True)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        store.forget(path)
        path.unlink(missing_ok=True)


def open_film(file: RecordingFile) -> SealedReader:
    """Raises Refusal(unreadable) when its key or the file is not what it was."""
    try:
        path = store.here(Path(settings.RECORDINGS_ROOT) / file.path)
        return SealedReader(path, recording_keys.key_of(file.recording))
    except (Tampered, recording_keys.KeyMissing, FileNotFoundError) as error:
        raise _unreadable(f"film {file.number} of recording {file.recording_id}", error) from None


def part(reader: SealedReader, start: int, stop: int) -> bytes:
    """The bytes from `start` to before `stop`. Raises Refusal(unreadable)."""
    try:
        return b"".join(reader.parts(start, stop))
    except Tampered as error:
        raise _unreadable("a film", error) from None


def _unreadable(what: str, error: Exception) -> Refusal:
    logger.error("%s cannot be read: %s", what, error)
    return Refusal("unreadable", _("This part of the recording cannot be read. Tell the operator."))


def is_locked(recording: Recording) -> bool:
    """Whether its key cannot be had: RECORDING_KEY is not the one it was recorded with."""
    try:
        recording_keys.key_of(recording)
    except recording_keys.KeyMissing as error:
        logger.error("%s", error)
        return True
    return False


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
    store.forget(folder(row))
    paths = list(folder(row).glob("*"))
    transaction.on_commit(lambda: _remove(paths))
    return True
