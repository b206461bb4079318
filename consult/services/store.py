"""Files that must not be lost. They are on this machine's disk; with S3_BUCKET they are in the bucket, and here copies.

What `put` has returned from is in the bucket. Copies may go and come at any moment (store_copies), so whoever opens a
file that is kept asks `here` for it first. Parts of uploads, folders of workers and what is made again when it is
wanted never leave this machine.
"""

import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from consult.services import bucket, outbox
from consult.services.bucket import Kept
from consult.services.store_copies import KEPT, grown, is_here, is_on, key_of, locked, name_of, need_room, path_of

AT_ONCE = 8
LARGE = 16 * 1024 * 1024  # files from here on go one after the other, in the caller's thread
PULSE = 5.0  # seconds
LINES = 64  # fetches of different files that may run at the same time
ONE_THING = re.compile(r"(files/\w+|recordings)/[^/]{16,}(/.+)?")

log = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(AT_ONCE, "store")


def put(paths: Iterable[Path]) -> None:
    """Keep these files: all are in the bucket when this returns. Raises StoreAway, and may be asked again."""
    if not is_on():
        return
    files = [(path, key) for path in paths if (key := key_of(path)) and path.is_file()]
    small = [each for each in files if each[0].stat().st_size < LARGE]
    waiting = [_pool.submit(_put, path, key) for path, key in small]
    for path, key in files:
        if (path, key) not in small:
            _put(path, key)
    for each in waiting:
        each.result()


def _put(path: Path, key: str) -> None:
    bucket.put(path, key, _digest(path), _Pulse())
    path.chmod(0o400)
    grown(path.stat().st_size)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def here(path: Path) -> Path:
    """`path`, with its bytes on this machine for the next minutes; without them where they are lost.

    Raises StoreAway, StorageFull.
    """
    if is_on() and not is_here(path) and (key := key_of(path)):
        _bring(path, key)
    return path


def bring(paths: Iterable[Path]) -> None:
    """The same for many, several at once."""
    if is_on():
        list(_pool.map(here, [path for path in paths if not path.is_file()]))


def there(paths: Iterable[Path]) -> bool:
    """Whether all of these are kept, here or in the bucket."""
    lacking = [path for path in paths if not path.is_file()]
    if not lacking or not is_on():
        return not lacking
    return all(_pool.map(lambda path: bucket.look(key_of(path) or ""), lacking))


def piece(path: Path, offset: int, length: int) -> bytes:
    """Some bytes of a file without fetching all of it, fewer at its end. Raises FileNotFoundError, StoreAway."""
    if is_on() and not is_here(path) and (key := key_of(path)):
        found = bucket.piece(key, offset, length)
        if found is None:
            raise FileNotFoundError(path)
        return found
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def forget(path: Path) -> None:
    """Write in the caller's transaction that a file or folder goes from the bucket; here the caller removes it."""
    if is_on():
        name = name_of(path)
        key = hashlib.sha256(name.encode()).hexdigest()[:40]
        outbox.later(kind="store.forget", payload={"name": name}, key=key)


@outbox.handles("store.forget", atomic=False)
def forget_now(name: str) -> None:
    """May run twice. A copy that was fetched meanwhile goes too."""
    if not (KEPT.fullmatch(name) or ONE_THING.fullmatch(name)):
        raise ValueError("not the name of one thing")
    keys = [key for key, _at in bucket.listed(name) if key == name or key.startswith(f"{name}/")]
    if keys:
        bucket.delete(keys)
    path = path_of(name)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def listed(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """What the bucket keeps of a folder, and since when."""
    if is_on():
        yield from ((path_of(key), at) for key, at in bucket.listed(f"{name_of(folder)}/"))


def _bring(path: Path, key: str) -> None:
    """Fetch a file once, however many want it: the others wait for the first."""
    with locked(f"fetch-{int(hashlib.sha256(key.encode()).hexdigest(), 16) % LINES}"):
        if is_here(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.parent / f".fetch-{secrets.token_hex(8)}"
        try:
            kept = bucket.fetch(key, lambda kept: _begun(part, kept), _Pulse())
            if kept is None or not _is_same(part, kept):
                log.error("%s is not in the bucket as it was put", key)
                return
            part.chmod(0o400)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
    grown(kept.size)


def _begun(part: Path, kept: Kept) -> BinaryIO:
    need_room(part.parent, kept.size)
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _is_same(part: Path, kept: Kept) -> bool:
    """Whether what came is what was put. Raises StoreAway when it is cut short."""
    if part.stat().st_size != kept.size:
        raise bucket.away()
    return kept.sha256 in ("", _digest(part))


class _Pulse:
    """While a large file is on its way, the job that moves it says that it is alive."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def __call__(self, count: int) -> None:
        if time.monotonic() - self.told > PULSE:
            self.told = time.monotonic()
            outbox.keep()
