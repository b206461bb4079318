"""Packets of one stream into the encoder's frames: order, whole pictures only, nothing decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

from consult.reel.log import Packet

PATIENCE = 2.0  # seconds a missing packet is waited for: the relay asks for 1.5
MOST_WAITING = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """`timestamp` as in the packets (32 bits), `at` seconds of the log when it was there."""

    timestamp: int
    at: float
    content: bytes
    is_key: bool = True


class Ordered:
    """Puts packets back in order, repeats dropped. Yields (packet, whether something is missing before it)."""

    def __init__(self) -> None:
        self._waiting: dict[int, Packet] = {}
        self._next: int | None = None

    def push(self, packet: Packet) -> Iterator[tuple[Packet, bool]]:
        if self._next is None:
            self._next = packet.index
        if packet.index < self._next:
            return
        self._waiting[packet.index] = packet
        yield from self._ready()
        while self._waiting and (
            packet.at - min(each.at for each in self._waiting.values()) > PATIENCE or len(self._waiting) > MOST_WAITING
        ):
            self._next = min(self._waiting)
            yield from self._ready(gap=True)

    def end(self) -> Iterator[tuple[Packet, bool]]:
        while self._waiting:
            self._next = min(self._waiting)
            yield from self._ready(gap=True)

    def _ready(self, gap: bool = False) -> Iterator[tuple[Packet, bool]]:
        while self._next is not None and (packet := self._waiting.pop(self._next, None)) is not None:
            self._next += 1
            yield packet, gap
            gap = False


class Pictures:
    """Video frames. After a loss nothing until the next keyframe: a picture that stands beats a broken one."""

    def __init__(self, codec: str) -> None:
        self._depayload, self._is_key = CODECS[codec]
        self._parts: list[bytes] = []
        self._timestamp: int | None = None
        self._at = 0.0
        self._is_broken = True  # until the first keyframe
        self._is_whole = True

    def push(self, packet: Packet, gap: bool) -> Iterator[Frame]:
        if gap:
            self._is_whole = False
            self._is_broken = True
        if packet.timestamp != self._timestamp:
            if self._parts:  # its last packet, with the marker, is missing
                self._is_broken = True
            self._parts, self._timestamp = [], packet.timestamp
            self._is_whole = True
        part = self._depayload(packet.payload, not self._parts)
        if part is None:
            self._is_whole = False
        else:
            self._parts.append(part)
        self._at = packet.at
        if packet.marker:
            yield from self._finish()

    def _finish(self) -> Iterator[Frame]:
        content, self._parts = b"".join(self._parts), []
        if not self._is_whole or not content:
            self._is_broken = True
            return
        is_key = self._is_key(content)
        if is_key:
            self._is_broken = False
        if not self._is_broken:
            yield Frame(self._timestamp or 0, self._at, content, is_key)


def vp8(payload: bytes, is_first: bool) -> bytes | None:
    """What follows the payload descriptor (RFC 7741 section 4.2); None for nonsense or when a frame begins inside."""
    if len(payload) < 2:
        return None
    begins = bool(payload[0] & 0x10) and not payload[0] & 0x07
    at = 1
    if payload[0] & 0x80:
        present, at = payload[1], 2
        if present & 0x80:
            if at >= len(payload):
                return None
            at += 2 if payload[at] & 0x80 else 1
        at += bool(present & 0x40) + bool(present & 0x30)
    return payload[at:] if at < len(payload) and begins == is_first else None


START = b"\x00\x00\x00\x01"


def h264(payload: bytes, is_first: bool) -> bytes | None:
    """Annex B of a payload (RFC 6184: single NAL unit, STAP-A, FU-A); None for nonsense."""
    kind = payload[0] & 0x1F if payload else 0
    if 1 <= kind <= 23:
        return START + payload
    if kind == 24:
        return _units(payload)
    if kind == 28 and len(payload) > 2:
        if payload[1] & 0x80:
            return START + bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:]
        return None if is_first else payload[2:]
    return None


def _units(payload: bytes) -> bytes | None:
    units, at = [], 1
    while at + 2 <= len(payload):
        size = payload[at] << 8 | payload[at + 1]
        if not size or at + 2 + size > len(payload):
            return None
        units.append(START + payload[at + 2 : at + 2 + size])
        at += 2 + size
    return b"".join(units) or None


def is_vp8_key(content: bytes) -> bool:
    """Of a whole frame (RFC 6386 section 9.1)."""
    return not content[0] & 0x01


def is_h264_key(content: bytes) -> bool:
    """Of an access unit in Annex B: it has an IDR slice."""
    return any(unit[0] & 0x1F == 5 for unit in content.split(START) if unit)


CODECS = {"vp8": (vp8, is_vp8_key), "h264": (h264, is_h264_key)}
