"""The records of a relay's log (docs/recording.md), as the relay's `recordlog` packs them."""

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

HEAD, STREAM, PACKET, CLOCK, MARK = range(5)
_HEAD = struct.Struct("!BI")
_PACKET = struct.Struct("!HQBId")
_CLOCK = struct.Struct("!HQId")


class Unreadable(Exception):
    """The log was written by something else, or by a later version."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Packets of this number are this person's; `rate` is the RTP clock's in Hz."""

    number: int
    username: str
    peer: str
    kind: str
    source: str
    codec: str
    rate: int


@dataclass(frozen=True, slots=True)
class Packet:
    """`index` is the unwrapped sequence number, `at` seconds of the log at arrival."""

    stream: int
    index: int
    marker: bool
    timestamp: int
    at: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Clock:
    """A sender report: NTP time in 2^-32 s and the RTP timestamp of the same moment; `at`: seconds of the log."""

    stream: int
    ntp: int
    rtp: int
    at: float


@dataclass(frozen=True, slots=True)
class Mark:
    """resumed, paused, closed (`at` seconds of the log), or lost (bytes the disk was too slow for)."""

    event: str
    at: float


Record = Stream | Packet | Clock | Mark


def records(pieces: Iterable[bytes]) -> Iterator[Record]:
    """The records of a log's frames; a record never spans two frames. Raises Unreadable."""
    for piece in pieces:
        at = 0
        while at < len(piece):
            try:
                kind, size = _HEAD.unpack_from(piece, at)
                body = piece[at + _HEAD.size : at + _HEAD.size + size]
                at += _HEAD.size + size
                if len(body) < size:
                    raise Unreadable("a record is cut short")
                record = _read(kind, body)
            except (struct.error, ValueError, KeyError, TypeError) as error:
                raise Unreadable(str(error)) from None
            if record is not None:
                yield record


def _read(kind: int, body: bytes) -> Record | None:
    if kind == PACKET:
        stream, index, marker, timestamp, at = _PACKET.unpack_from(body)
        return Packet(stream, index, bool(marker), timestamp, at, body[_PACKET.size :])
    if kind == CLOCK:
        return Clock(*_CLOCK.unpack(body))
    fields: dict[str, Any] = json.loads(body)
    if kind == STREAM:
        return Stream(
            number=int(fields["stream"]),
            username=str(fields["username"]),
            peer=str(fields["peer"]),
            kind=str(fields["kind"]),
            source=str(fields["source"]),
            codec=str(fields["codec"]),
            rate=int(fields["rate"]),
        )
    if kind == MARK:
        return Mark(str(fields["event"]), float(fields.get("at", -1.0)))
    if kind == HEAD and fields["v"] == 1:
        return None
    raise Unreadable(f"a record of kind {kind}")
