"""Files below MEDIA_ROOT whose name is the hash of their content: written once, whole, never changed."""

import os
import tempfile
from pathlib import Path

from consult.services import store


def keep(path: Path, content: bytes) -> None:
    """Whole or not at all: written beside, synced, renamed, and the name synced too. Twice is once."""
    if store.key_of(path) is None:
        raise ValueError(f"nothing of this name is kept: {path.name}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    store.put([path])


def forget(path: Path) -> None:
    """A file that no row names; in the caller's transaction, if there is one."""
    store.forget(path)
    path.unlink(missing_ok=True)


def read(path: Path) -> bytes:
    """Raises FileNotFoundError, StoreAway."""
    return store.here(path).read_bytes()
