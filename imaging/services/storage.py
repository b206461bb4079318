"""Bytes below MEDIA_ROOT: synced, under random names, with room checked first. Knows no rows."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from consult.errors import StorageFull
from consult.services import store_copies
from imaging.models import Reason, sentence

BLOCK = 1024 * 1024
SYNCS = 8  # at once


def full() -> StorageFull:
    return StorageFull("storage_full", sentence(Reason.STORAGE_FULL))


def need_room(size: int) -> None:
    """Raise StorageFull unless `size` bytes fit and the site can still work."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    store_copies.need_room(root, size)


def new_folder() -> tuple[str, Path]:
    """A fresh random name below images/, and its path, made."""
    name = secrets.token_hex(16)
    path = Path(settings.MEDIA_ROOT) / "images" / name
    path.mkdir(parents=True, mode=0o700)
    return name, path


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """An empty folder of a random name in `folder`, gone afterwards with all that is in it."""
    work = folder / f"work-{secrets.token_hex(4)}"
    work.mkdir(mode=0o700)
    try:
        yield work
    finally:
        forget(work)


def digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make a file's bytes, or a rename or new name in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(paths: list[Path]) -> None:
    """As `sync` for each: several wait at once, so that the disk writes its journal for all of them together."""
    if len(paths) < 2:
        for path in paths:
            sync(path)
        return
    with ThreadPoolExecutor(min(len(paths), SYNCS), "sync") as pool:
        for _ in pool.map(sync, paths):
            pass


def forget(path: Path) -> None:
    """Remove a folder or file that may be gone already."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def clean_name(name: str) -> str:
    """A sender's file name fit to be shown: no folders, control characters or direction marks, at most 160 long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if letter.isprintable() and letter not in _TURNING).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    if len(shown) > 160:
        shown = f"{stem[:140]}{dot}{ending[:16]}" if dot else shown[:160]
    return shown or "image"


_TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
