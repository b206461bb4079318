"""Sealed files (docs/recording.md): read in order or anywhere, written in order. The relay writes the same format.

`TMSEAL1\\n`, 16 bytes of salt, the largest frame (u32); then frames: u32 length (top bit: the last one), ciphertext
with tag. Nothing that was changed, moved or joined from two files is handed out; a cut shows by the missing last frame.
"""

import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"TMSEAL1\n"
KEY_BYTES = 32
LAST_BIT = 0x80000000
TAG_BYTES = 16
FRAME_BYTES = 1024 * 1024  # of a film: what one range request decrypts at least
LARGEST_FRAME = 4 * 1024 * 1024
_SIZE = struct.Struct("!I")
HEADER_BYTES = len(MAGIC) + 16 + _SIZE.size


class Tampered(Exception):
    """The file is not what was written: changed, reordered, or sealed with another key."""


def _cipher(key: bytes, header: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, header[len(MAGIC) : len(MAGIC) + 16], header).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class Frames:
    """The frames of a file in order. `is_whole` afterwards: the last frame was there, nothing is missing."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._key = path, key
        self.is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        """Raises Tampered. A frame that is cut short ends the file: its writer died."""
        self.is_whole = False
        with self._path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            if len(header) < HEADER_BYTES:
                return
            if not header.startswith(MAGIC):
                raise Tampered("not a sealed file")
            cipher, number = _cipher(self._key, header), 0
            while (frame := _read_frame(file, cipher, number)) is not None:
                plain, self.is_whole = frame
                yield plain
                number += 1
                if self.is_whole:
                    if file.read(1):
                        raise Tampered("something follows the last frame")
                    return


def _read_frame(file: BinaryIO, cipher: AESGCM, number: int) -> tuple[bytes, bool] | None:
    """The next frame and whether it is the last; None at the end or before a piece of a frame."""
    head = file.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    size, last = _SIZE.unpack(head)[0] & ~LAST_BIT, bool(head[0] & 0x80)
    if not TAG_BYTES <= size <= LARGEST_FRAME:
        raise Tampered(f"frame {number} has an impossible length")
    sealed = file.read(size)
    if len(sealed) < size:
        return None
    try:
        return cipher.decrypt(_nonce(number, last), sealed, None), last
    except InvalidTag:
        raise Tampered(f"frame {number} was changed") from None


class SealedWriter:
    """A file-like object that seals what is written. Only the first frame may be written again until `close`."""

    def __init__(self, path: Path, key: bytes, frame_bytes: int = FRAME_BYTES) -> None:
        self._header = MAGIC + secrets.token_bytes(16) + _SIZE.pack(frame_bytes)
        self._cipher = _cipher(key, self._header)
        self._frame_bytes = frame_bytes
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._first, self._tail = bytearray(), bytearray()
        self._number = 1  # of the frame in `_tail`
        self._at = 0
        self.size = 0

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence] + offset
        return self._at

    def write(self, content: bytes) -> int:
        """Raises ValueError for a place whose frame is sealed already."""
        rest = memoryview(content)
        while rest:
            number, inside = divmod(self._at, self._frame_bytes)
            if number not in (0, self._number) or self._at > self.size:
                raise ValueError("this part of the file is sealed")
            frame = self._first if number == 0 else self._tail
            piece = rest[: self._frame_bytes - inside]
            frame[inside : inside + len(piece)] = piece
            self._at += len(piece)
            self.size = max(self.size, self._at)
            rest = rest[len(piece) :]
            if len(self._tail) == self._frame_bytes:
                self._put(self._number, self._tail, last=False)
                self._number += 1
                self._tail = bytearray()
        return len(content)

    def _put(self, number: int, plain: bytes | bytearray, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(number, last), bytes(plain), None)
        self._file.seek(HEADER_BYTES + number * (_SIZE.size + self._frame_bytes + TAG_BYTES))
        self._file.write(_SIZE.pack(len(sealed) | (LAST_BIT if last else 0)) + sealed)

    def close(self) -> None:
        """Seals the rest; the last frame is never full, so there always is one."""
        if self._file.closed:
            return
        is_short = len(self._first) < self._frame_bytes
        if not is_short:
            self._put(self._number, self._tail, last=True)
        self._put(0, self._first, last=is_short)
        self._file.seek(0)
        self._file.write(self._header)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class SealedReader:
    """A file of full frames and one last, read anywhere. `size` is that of the plaintext in bytes."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._file = path.open("rb")
        header = self._file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
            raise Tampered("not a sealed file")
        self._cipher = _cipher(key, header)
        self._frame_bytes = _SIZE.unpack(header[-_SIZE.size :])[0]
        stride = _SIZE.size + self._frame_bytes + TAG_BYTES
        length = path.stat().st_size - HEADER_BYTES
        self._last, rest = divmod(length, stride)
        if rest < _SIZE.size + TAG_BYTES:
            raise Tampered("the last frame is missing")
        self.size = self._last * self._frame_bytes + rest - _SIZE.size - TAG_BYTES

    def parts(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, a frame at a time. Raises Tampered. Closes the file at the end."""
        with self._file as file:
            while start < stop:
                number, inside = divmod(start, self._frame_bytes)
                file.seek(HEADER_BYTES + number * (_SIZE.size + self._frame_bytes + TAG_BYTES))
                frame = _read_frame(file, self._cipher, number)
                if frame is None or frame[1] != (number == self._last):
                    raise Tampered(f"frame {number} is not where it was")
                piece = frame[0][inside : inside + stop - start]
                if not piece:
                    raise Tampered(f"frame {number} is too short")
                yield piece
                start += len(piece)

    def close(self) -> None:
        self._file.close()
