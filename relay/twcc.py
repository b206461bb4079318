"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), read and written.

The sender numbers all packets of a connection in a header extension; the receiver says when each arrived. Knows no
tracks and no sockets. Arrival times are whole ticks of 250 us since a moment only the receiver knows.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub
from typing import cast

from relay.feedback import (
    BIG,
    CHUNK,
    HEAD,
    LARGE,
    MAX_PACKETS,
    MISSING,
    REFERENCE_WRAP,
    SMALL,
    TICK,
    TICKS_PER_REFERENCE,
)
from relay.native import Jotter, read_feedback

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FEEDBACK = "transport-cc"
FMT = 15
"""Feedback message type within RTPFB (section 3.1)."""
_RTCP = struct.Struct("!BBH")
MIN_DELTA, MAX_DELTA = -0x8000, 0x7FFF
"""Ticks that fit between two packets that follow each other in one feedback: about 8 s."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One feedback. `base` is the 16-bit number of the first packet, `count` counts feedbacks (8 bits), `arrivals`
    are the ticks at which each packet from `base` on arrived, None for those that did not. Ticks start again after
    12 days (24 bits of 64 ms)."""

    ssrc: int
    base: int
    count: int
    arrivals: tuple[int | None, ...]


def parse(body: bytes) -> Arrivals:
    """The feedback in the `body` of an RTCP packet (all behind its first four bytes, padding may be left). Raises
    ValueError when it is cut short, too long or says nothing."""
    return Arrivals(*read_feedback(body))


def pack(sender: int, feedback: Arrivals) -> bytes:
    """The RTCP packet for `feedback` from SSRC `sender`. At least one packet must have arrived, and those next to each
    other must be within MIN_DELTA to MAX_DELTA; ValueError otherwise."""
    first = next((ticks for ticks in feedback.arrivals if ticks is not None), None)
    if first is None or len(feedback.arrivals) > MAX_PACKETS:
        raise ValueError("a feedback is about at least one packet that arrived, and not too many")
    reference = first // TICKS_PER_REFERENCE
    symbols, deltas = _deltas(feedback.arrivals, reference * TICKS_PER_REFERENCE)
    head = HEAD.pack(
        sender,
        feedback.ssrc,
        feedback.base,
        len(symbols),
        reference % REFERENCE_WRAP << 8 | feedback.count & 0xFF,
    )
    body = head + _chunks(symbols) + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    first_byte = 0x80 | (0x20 if padding else 0) | FMT
    return _RTCP.pack(first_byte, 205, len(body) // 4) + body


def _deltas(arrivals: Sequence[int | None], before: int) -> tuple[list[int], bytes]:
    if None not in arrivals:
        every = cast("Sequence[int]", arrivals)
        changes = list(map(sub, every, (before, *every)))
        if min(changes) >= 0 and max(changes) <= 0xFF:
            return [SMALL] * len(every), bytes(changes)
    symbols, deltas = [], bytearray()
    for ticks in arrivals:
        if ticks is None:
            symbols.append(MISSING)
            continue
        delta = ticks - before
        before = ticks
        if 0 <= delta <= 0xFF:
            symbols.append(SMALL)
            deltas.append(delta)
        elif MIN_DELTA <= delta <= MAX_DELTA:
            symbols.append(BIG)
            deltas += LARGE.pack(delta)
        else:
            raise ValueError("two packets are too far apart for one feedback")
    return symbols, bytes(deltas)


def _chunks(symbols: Sequence[int]) -> bytes:
    """Runs where they are longer than a vector, else 14 one-bit or 7 two-bit symbols."""
    packed = bytearray()
    at, end = 0, len(symbols)
    while at < end:
        run = at
        while run < end and symbols[run] == symbols[at]:
            run += 1
        if run - at > 14 or run == end:
            length = min(run - at, 0x1FFF)
            packed += CHUNK.pack(symbols[at] << 13 | length)
            at += length
        elif BIG in symbols[at : at + 14]:
            packed += CHUNK.pack(0xC000 | _vector(symbols[at : at + 7], 7, 2))
            at += 7
        else:
            packed += CHUNK.pack(0x8000 | _vector(symbols[at : at + 14], 14, 1))
            at += 14
    return bytes(packed)


def _vector(symbols: Sequence[int], room: int, bits: int) -> int:
    value = 0
    for symbol in symbols:
        value = value << bits | symbol
    return value << bits * (room - len(symbols))


class ArrivalLog(Jotter):
    """What arrived on one connection since the last feedback; `feedback` writes it down. Times in seconds."""

    MAX_AHEAD = 512
    """Numbers a packet may be away from the highest one: more is another counting, or somebody keeping us busy."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived: dict[int, int] = {}
        self._highest = -1
        self._next = 0
        self._count = 0

    def _place(self, sequence: int, now: float) -> None:
        """Finds out which packet that was."""
        highest = self._highest
        index = highest + ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000
        if highest < 0 or abs(index - highest) > self.MAX_AHEAD:
            self._arrived.clear()
            # One cycle up, so that packets overtaken by the first one have positive numbers.
            index = self._highest = self._next = sequence + 0x10000
        elif index > highest:
            self._highest = index
        self._arrived.setdefault(index, int(now / TICK))

    def feedback(self, sender: int, ssrc: int) -> list[bytes]:
        """The RTCP packets about what arrived since the last call; usually one, none when nothing did."""
        told = len(self)
        if self._highest >= 0 and self._highest == self._next - 1:
            written = self.written(sender, ssrc, self._next, self._count)
            if written is not None:
                self._next, self._highest = self._next + told, self._highest + told
                self._count = (self._count + 1) & 0xFF
                return [written]
        fresh = self.take()
        if (at_once := self._in_order(fresh)) is not None:
            first, self._next = self._next, self._next + len(at_once)
            self._highest = self._next - 1
            return [self._pack(sender, ssrc, first, at_once)]
        for sequence, now in fresh:
            self._place(sequence, now)
        packets = []
        waiting = sorted(self._arrived.items())
        while waiting:
            first = min(waiting[0][0], self._next)
            if waiting[0][0] - first >= MAX_PACKETS:
                first = waiting[0][0]
            arrivals = self._fill(first, waiting)
            packets.append(self._pack(sender, ssrc, first, arrivals))
            end = first + len(arrivals)
            self._next = max(self._next, end)
            waiting = [item for item in waiting if item[0] >= end]
        self._arrived.clear()
        return packets

    def _in_order(self, fresh: list[tuple[int, float]]) -> list[int] | None:
        """The ticks of what arrived when it follows what was told before, each after the other: so it mostly is."""
        first = self._next & 0xFFFF
        if self._highest < 0 or not fresh or fresh[0][0] != first or self._highest != self._next - 1:
            return None
        numbers, times = zip(*fresh, strict=True)
        if numbers != tuple(range(first, first + len(fresh))) or times[-1] - times[0] > 1:
            return None
        return [int(at / TICK) for at in times]

    def _pack(self, sender: int, ssrc: int, first: int, arrivals: Sequence[int | None]) -> bytes:
        packed = pack(sender, Arrivals(ssrc, first & 0xFFFF, self._count, tuple(arrivals)))
        self._count = (self._count + 1) & 0xFF
        return packed

    def _fill(self, first: int, waiting: list[tuple[int, int]]) -> list[int | None]:
        """The packets from `first` on. What an earlier feedback said is not said again: late ones go alone."""
        arrivals: list[int | None] = []
        before = waiting[0][1]
        for index, ticks in waiting:
            skipped = index - first - len(arrivals)
            if len(arrivals) + skipped >= MAX_PACKETS:
                break
            if (skipped and first < self._next) or not MIN_DELTA <= ticks - before <= MAX_DELTA - TICKS_PER_REFERENCE:
                break
            arrivals += [None] * skipped
            arrivals.append(ticks)
            before = ticks
            if first < self._next and first + len(arrivals) == self._next:
                break
        return arrivals
