"""One picture stream through the relay's own repair code in virtual time: what a busy machine cannot blur.

Publisher and viewer are models of Chromium: it repeats a packet at most once a round trip, asks for a missing one at
once and again every round trip, and shows a picture when it and all before it are whole. No sockets, no SRTP.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from relay import codecs, rtcp
from relay.inbound import InboundStream, RetransmissionStream
from relay.lane import Lane
from relay.outbound import OutboundTrack
from relay.sdp import Format
from relay.track import VIDEO, Packet, Track
from tests.net.line import Line, Link
from tests.relay.fakes import Clock

VP8, RTX = 96, 97
SSRC = 1000
SIZE = 1100
ASK_EVERY = 0.02
"""Seconds between two looks of a viewer at what is still missing."""
KEYFRAME, INTERFRAME = b"\x10\x10\x02\x00\x9d\x01\x2a", b"\x10\x11\x02\x00"


@dataclass
class Publisher:
    """Sends `packets` for each picture; answers requests."""

    packets: int
    rtt: float
    sent: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    repeated: dict[int, float] = field(default_factory=dict)
    repeats: int = 0

    def picture(self, number: int) -> list[tuple[int, int, int, bytes]]:
        """The packets of a picture: number, marker, timestamp, payload."""
        made = []
        for position in range(self.packets):
            sequence = number * self.packets + position
            head = (b"\x10" if position == 0 else b"\x00") + (INTERFRAME if number else KEYFRAME)[1:]
            payload = head + sequence.to_bytes(4, "big")
            self.sent[sequence] = (0x80 if position == self.packets - 1 else 0, number * 4500, payload)
            made.append((sequence, *self.sent[sequence]))
        return made

    def may_repeat(self, sequence: int, now: float) -> bool:
        """Whether this request is answered."""
        if sequence not in self.sent or now - self.repeated.get(sequence, -1.0) < self.rtt:
            return False
        self.repeated[sequence] = now
        self.repeats += 1
        return True


@dataclass
class Viewer:
    """Collects packets, remembers what to ask for, notes when pictures were whole."""

    packets: int
    rtt: float
    highest: int = -1
    overtaken: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    here: set[int] = field(default_factory=set)
    asked: dict[int, float] = field(default_factory=dict)
    whole: list[float] = field(default_factory=list)

    def take(self, number: int, repeated: bool, now: float) -> list[int]:
        """Packet `number` arrived; the packets to ask for now: when as many came after them as usually overtake
        one that is late (the median of the last 128, at most 9)."""
        if number in self.here:
            return []
        self.here.add(number)
        self.asked.pop(number, None)
        if number < self.highest and not repeated:
            self.overtaken = [*self.overtaken[-127:], min(self.highest - number, 9)]
        self.waiting += range(self.highest + 1, number)
        self.highest = max(self.highest, number)
        patience = statistics.median_low(self.overtaken) if self.overtaken else 0
        self.waiting = [lost for lost in self.waiting if lost not in self.here]
        missing = [lost for lost in self.waiting if self.highest - lost >= patience]
        self.waiting = [lost for lost in self.waiting if lost not in missing]
        for lost in missing:
            self.asked[lost] = now
        while all(len(self.whole) * self.packets + p in self.here for p in range(self.packets)):
            self.whole.append(now)
        return missing

    def again(self, now: float) -> list[int]:
        """What to ask for once more."""
        due = [number for number, at in self.asked.items() if now - at >= self.rtt]
        for number in due:
            self.asked[number] = now
        return due


class _Sender:
    """What an outbound track sends goes down the viewer's line."""

    connected = True

    def __init__(self, call: VirtualCall) -> None:
        self._call = call

    def send_rtp(self, lane: Lane, packets: Sequence[Packet]) -> int:
        for index, _, _, payload in packets:
            self._send(int.from_bytes(payload[-4:], "big"), index + lane.add & 0xFFFF, lane.kind == RTX, payload)
        return len(packets)

    def _send(self, number: int, sequence: int, repeat: bool, payload: bytes) -> None:
        call = self._call
        call.sent += 1
        call.carry(call.viewer_down, lambda: call.at_viewer(number, sequence, repeat, payload))


class VirtualCall:
    """Everything on one clock. `line` is both directions of both lines; `packets` are for each of `rate` pictures/s."""

    def __init__(self, line: Line, rate: int = 20, packets: int = 3, seed: int = 1) -> None:
        self.clock = Clock()
        self.rate, self.sent = rate, 0
        rtt = line.delay * 2
        self.publisher, self.viewer = Publisher(packets, rtt), Viewer(packets, rtt)
        self.publisher_up, self.publisher_down = Link(line, seed), Link(line, seed + 1)
        self.viewer_up, self.viewer_down = Link(line, seed + 2), Link(line, seed + 3)
        self.track = Track("camera", "ann", VIDEO, "camera")
        self.inbound = InboundStream(
            self.track, SSRC, codecs.VP8, VP8, True, self._to_publisher, self.clock.schedule, self.clock
        )
        self.rtx = RetransmissionStream(self.inbound, RTX)
        self.track.bind(self.inbound)
        self.out = OutboundTrack(_Sender(self), VIDEO, "1", self._choose, self.clock)
        self.out.rtt = rtt
        self.out.negotiate({codecs.VP8.name: Format(codecs.VP8, VP8, RTX)}, None)
        self.out.follow(self.track)
        self._sequences: dict[int, int] = {}

    def _choose(self) -> None:
        self.out.aim((*self.track.layers, None)[0])

    def carry(self, link: Link, arrive: object) -> None:
        """`arrive` is called when a datagram has crossed `link`, or never."""
        out = link.departure(SIZE, self.clock.now)
        if out is not None:
            self.clock.schedule(out - self.clock.now, arrive)  # type: ignore[arg-type]

    def run(self, seconds: float) -> None:
        """The call, and a second more for what is on its way. The first picture is not lost."""
        count = int(seconds * self.rate)
        lossless, self.publisher_up.line = self.publisher_up.line, Line(delay=self.publisher_up.line.delay)
        for number in range(count):
            self.clock.schedule(number / self.rate, lambda number=number: self._picture(number))
        for tick in range(int((seconds + 1) / ASK_EVERY)):
            self.clock.schedule(tick * ASK_EVERY, lambda: self._ask(self.viewer.again(self.clock.now)))
        self.clock.advance(0.001)
        self.publisher_up.line = lossless
        self.clock.advance(seconds + 1)

    def _picture(self, number: int) -> None:
        for sequence, marker, timestamp, payload in self.publisher.picture(number):
            self._up(marker | VP8, sequence, timestamp, payload, self.inbound)

    def _up(self, second: int, sequence: int, timestamp: int, payload: bytes, stream: object) -> None:
        receive = stream.receive  # type: ignore[attr-defined]
        self.carry(
            self.publisher_up,
            lambda: receive(second, sequence & 0xFFFF, timestamp, payload, self.clock.now),
        )

    def _to_publisher(self, packet: bytes) -> None:
        wanted = [n for item in rtcp.parse(packet) if isinstance(item, rtcp.Nack) for n in item.sequences]
        self.carry(self.publisher_down, lambda: self._repeat(wanted))

    def _repeat(self, wanted: list[int]) -> None:
        for sequence in wanted:
            if self.publisher.may_repeat(sequence, self.clock.now):
                marker, timestamp, payload = self.publisher.sent[sequence]
                self._up(marker | RTX, 0, timestamp, sequence.to_bytes(2, "big") + payload, self.rtx)

    def at_viewer(self, number: int, sequence: int, repeated: bool, payload: bytes) -> None:
        """A packet reached the viewer; its own number tells which picture it belongs to."""
        if repeated:
            sequence = int.from_bytes(payload[:2], "big")
        self._sequences[number] = sequence
        self._ask(self.viewer.take(number, repeated, self.clock.now))

    def _ask(self, numbers: list[int]) -> None:
        if numbers:
            anchor = next(iter(self._sequences.items()))
            wanted = tuple((anchor[1] + number - anchor[0]) & 0xFFFF for number in numbers)
            self.carry(self.viewer_up, lambda: self.out.on_nack(wanted, self.clock.now))

    def frozen(self, buffer: float) -> float:
        """The share of time frozen as getStats counts it, for a viewer that shows pictures `buffer` seconds after
        they could be there at the earliest."""
        usual = 1 / self.rate
        start = self.viewer.whole[0] + buffer
        shown = [max(start + number * usual, at) for number, at in enumerate(self.viewer.whole)]
        gaps = [after - before for before, after in itertools.pairwise(shown)]
        return sum(gap for gap in gaps if gap > max(3 * usual, usual + 0.15)) / (len(shown) * usual)
