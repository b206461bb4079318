"""Files nobody reads, changes, reorders or shortens unnoticed: AES-256-GCM in numbered frames (docs/recording.md).

`TMSEAL1\\n`, 16 bytes of salt, the largest frame (u32); then frames: u32 length (top bit: the last one), ciphertext
with tag. The file's own key is HKDF-SHA256 of the data key, salted, bound to the header. The nonce is the frame's
number and whether it is the last, as in STREAM (Hoang et al. 2015): a frame at another place, or a cut, never passes.
"""

from __future__ import annotations

import secrets
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"TMSEAL1\n"
KEY_BYTES = 32
LAST_BIT = 0x80000000
_SIZE = struct.Struct("!I")


class Sealer:
    """Turns plaintext frames into the bytes of one file. `frame_size` is the most bytes a frame may hold."""

    def __init__(self, data_key: bytes, frame_size: int) -> None:
        if len(data_key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        salt = secrets.token_bytes(16)
        self.frame_size = frame_size
        self.header = MAGIC + salt + _SIZE.pack(frame_size)
        self._cipher = AESGCM(HKDF(SHA256(), KEY_BYTES, salt, self.header).derive(data_key))
        self._count = 0

    def frame(self, plain: bytes, last: bool = False) -> bytes:
        """The next frame; after the last one there is no other."""
        if len(plain) > self.frame_size:
            raise ValueError(f"a frame holds at most {self.frame_size} bytes")
        nonce = self._count.to_bytes(11, "big") + bytes([last])
        self._count += 1
        sealed = self._cipher.encrypt(nonce, plain, None)
        return _SIZE.pack(len(sealed) | (LAST_BIT if last else 0)) + sealed
