"""Pieces of files on their way out, read as fast as they are taken and never whole."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from consult.services import store

BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` bytes of a file from `offset`."""

    path: Path
    offset: int
    length: int

    def read(self) -> bytes:
        with store.here(self.path).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), self.length, self.offset)


async def written(pieces: list[tuple[bytes, Piece]], end: bytes = b"") -> AsyncIterator[bytes]:
    """Each piece after its head. Asynchronous: Django would gather a plain iterator whole before a byte leaves."""
    for head, piece in pieces:
        yield head
        with await asyncio.to_thread(_opened, piece.path) as file:
            file.seek(piece.offset)
            left = piece.length
            while left and (block := await asyncio.to_thread(file.read, min(BLOCK, left))):
                left -= len(block)
                yield block
    yield end


def _opened(path: Path) -> BinaryIO:
    return store.here(path).open("rb")
