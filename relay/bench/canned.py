"""Canned media: VP8 packets with real payload descriptors and keyframe headers (RFC 7741), Opus-sized audio.

What a decoder would read stops after the headers; the last 12 bytes carry the packet's count and when it was made.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

FRAMES_PER_SECOND = 30
VIDEO_PAYLOAD, AUDIO_PAYLOAD = 1100, 80
KEYFRAME_PACKETS = 20
_STAMP = struct.Struct("!LQ")
STAMP_LENGTH = _STAMP.size
_DESCRIPTOR = struct.Struct("!BBH")
_KEYFRAME_HEADER = bytes([0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A]) + struct.pack("<HH", 1280, 720)
_INTERFRAME_HEADER = bytes([0x11, 0x02, 0x00])
_NOISE = os.urandom(VIDEO_PAYLOAD)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one participant sends, in packets per second."""

    video: int = 160
    audio: int = 50


def stamp(count: int, made_ns: int) -> bytes:
    """The last bytes of a payload."""
    return _STAMP.pack(count & 0xFFFFFFFF, made_ns)


def read_stamp(payload: bytes | memoryview) -> tuple[int, int]:
    """Count and nanoseconds of a payload."""
    count, made_ns = _STAMP.unpack(payload[-STAMP_LENGTH:])
    return count, made_ns


def video_payload(picture: int, position: int, keyframe: bool, mark: bytes) -> bytes:
    """Packet number `position` of picture number `picture`, with a 15-bit picture id."""
    start = 0x10 if position == 0 else 0
    head = _DESCRIPTOR.pack(0x80 | start, 0x80, 0x8000 | picture & 0x7FFF)
    if position == 0:
        head += _KEYFRAME_HEADER if keyframe else _INTERFRAME_HEADER
    return head + _NOISE[: VIDEO_PAYLOAD - len(head) - STAMP_LENGTH] + mark


def audio_payload(mark: bytes) -> bytes:
    """20 ms of what could be Opus at 32 kbit/s (its TOC byte says stereo CELT)."""
    return b"\xfc" + _NOISE[: AUDIO_PAYLOAD - 1 - STAMP_LENGTH] + mark
