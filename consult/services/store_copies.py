"""Copies of what a bucket keeps, on this machine: which files those are, and no more of them than S3_CACHE_MB.

A copy is a file without write permission. It goes only when it was not used for a while and the bucket says that it
has the same. Knows no rows, so that any thread of any process may tidy.
"""

import fcntl
import heapq
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from consult.errors import StorageFull, StoreAway
from consult.services import bucket, outbox

KEPT = re.compile(
    r"files/images/[0-9a-f]{32}/(original|shown/[^/.][^/]*)"
    r"|files/arrivals/[\w-]{43}"
    r"|files/exports/[\w-]{43}/study\.zip"
    r"|files/\w+/\w+/[0-9a-f]{64}\.\w+"  # named by their content: consents, key images, opinions, letters
    r"|recordings/[0-9a-f]{32}/[^/.]+\.(film|log)"
)
MADE_AGAIN = re.compile(r"files/images/[0-9a-f]{32}/stored")
ROOTS = ("files", "recordings")
RESERVE = 64 * 1024 * 1024  # stays free on the disk
SPARED, HARD_PRESSED = 600.0, 60.0  # seconds since the last use; the second where the disk has no room
LEAVES = 0.9  # of the most, when it was more
LEFT_FOR = 86_400  # seconds until a part of a fetch that was killed goes

log = logging.getLogger(__name__)
_grown_by = 0
_lock = threading.Lock()


def is_on() -> bool:
    """Whether a bucket keeps the files."""
    return bool(settings.S3_BUCKET)


def key_of(path: Path) -> str | None:
    """The name in the bucket; None for what stays on this machine."""
    name = name_of(path)
    return name if KEPT.fullmatch(name) else None


def name_of(path: Path) -> str:
    """As `key_of`, also of folders and of what is not kept; "" for what lies elsewhere."""
    for name, root in zip(ROOTS, (settings.MEDIA_ROOT, settings.RECORDINGS_ROOT), strict=True):
        if path.is_relative_to(root):
            return f"{name}/{path.relative_to(root).as_posix()}"
    return ""


def path_of(name: str) -> Path:
    """Where what has this name lies on this machine."""
    root, _slash, rest = name.partition("/")
    return Path(settings.MEDIA_ROOT if root == ROOTS[0] else settings.RECORDINGS_ROOT) / rest


@contextmanager
def locked(name: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Held by one process and thread of this machine, or shared. Raises BlockingIOError with LOCK_NB."""
    folder = Path(settings.MEDIA_ROOT) / "locks"
    try:
        handle = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def is_here(path: Path) -> bool:
    """Whether there is such a file; that it is used is noted, and so it is spared from now on."""
    with locked("copies", fcntl.LOCK_SH):
        try:
            os.utime(path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


def need_room(folder: Path, size: int) -> None:
    """Raises StorageFull unless `size` bytes fit and the site can still work; copies that nobody uses go first."""
    lacking = size + RESERVE - shutil.disk_usage(folder).free
    if lacking > 0 and is_on():
        tidy(wanted=lacking)
        lacking = size + RESERVE - shutil.disk_usage(folder).free
    if lacking > 0:
        words = _("The server's disk is full. Nothing was lost; tell the administrator, then retry.")
        raise StorageFull("storage_full", words)


def grown(size: int) -> None:
    """So many bytes of copies were added. After a twentieth of the most, a thread looks whether some have to go."""
    global _grown_by
    with _lock:
        _grown_by += size
        if _grown_by < settings.S3_CACHE_BYTES // 20:
            return
        _grown_by = 0
    threading.Thread(target=tidy, name="tidy", daemon=True).start()


@dataclass(order=True, slots=True)
class _Copy:
    used: float
    size: int
    path: Path
    is_folder: bool = False


def tidy(*, wanted: int = 0) -> int:
    """Remove copies, those first that were not used for longest, until they fit, and `wanted` bytes; how many bytes."""
    if not is_on():
        return 0
    try:
        with locked("tidy", fcntl.LOCK_EX | fcntl.LOCK_NB):
            return _tidy(wanted)
    except (BlockingIOError, StoreAway):  # somebody is at it; nothing goes that the bucket does not vouch for
        return 0


@outbox.every(timedelta(minutes=5), "store.tidy")
def _every() -> int:
    return tidy()


def _tidy(wanted: int) -> int:
    copies = list(_copies())
    total, most = sum(copy.size for copy in copies), settings.S3_CACHE_BYTES
    over = max(wanted, total - int(most * LEAVES) if total > most else 0)
    before = time.time() - (HARD_PRESSED if wanted else SPARED)
    heapq.heapify(copies)
    removed = 0
    while copies and removed < over:
        copy = heapq.heappop(copies)
        if copy.used > before:
            break
        removed += copy.size * _remove(copy)
    return removed


def _copies() -> Iterator[_Copy]:
    """All that may be fetched or made again."""
    for root in (settings.MEDIA_ROOT, settings.RECORDINGS_ROOT):
        for at, folders, names in os.walk(root):
            folder = Path(at)
            if MADE_AGAIN.fullmatch(name_of(folder)):
                folders.clear()
                yield _made_again(folder, names)
                continue
            for name in names:
                with suppress(FileNotFoundError):
                    said = (folder / name).lstat()
                    if name.startswith(".fetch-") and said.st_mtime < time.time() - LEFT_FOR:
                        (folder / name).unlink()
                    elif not said.st_mode & 0o222 and key_of(folder / name):
                        yield _Copy(said.st_mtime, said.st_size, folder / name)


def _made_again(folder: Path, names: list[str]) -> _Copy:
    copy = _Copy(0.0, 0, folder, is_folder=True)
    for path in (folder, *(folder / name for name in names)):
        with suppress(FileNotFoundError):
            said = path.lstat()
            copy.used, copy.size = max(copy.used, said.st_mtime), copy.size + said.st_size
    return copy


def _remove(copy: _Copy) -> bool:
    """Unless the bucket does not have it, or somebody uses it since it was looked at."""
    key = key_of(copy.path)
    if not copy.is_folder:
        kept = bucket.look(key or "")
        if kept is None or kept.size != copy.size:
            log.error("%s is not in the bucket: it stays here", key)
            copy.path.chmod(0o600)
            return False
    with locked("copies"), suppress(FileNotFoundError):
        if copy.is_folder:
            if _made_again(copy.path, os.listdir(copy.path)).used > copy.used:
                return False
            gone = copy.path.with_name(f"work-{secrets.token_hex(4)}")
            copy.path.rename(gone)
        elif copy.path.lstat().st_mtime > copy.used:
            return False
        else:
            copy.path.unlink()
            return True
    if copy.is_folder:
        shutil.rmtree(gone, ignore_errors=True)
    return True
