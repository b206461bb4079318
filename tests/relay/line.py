"""A simulated line to viewers, deterministic and without waiting: rate with a queue, delay, seeded loss; and a viewer
on it that watches pictures in three layers and sends transport-wide feedback."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from relay import twcc
from relay.allocate import OTHERS, SOUND, Allocator, Demand, Layer
from relay.downlink import Downlink
from relay.pacer import OVERHEAD, Pacer
from tests.relay.fakes import Clock

LADDER = (Layer(150_000, 180), Layer(500_000, 360), Layer(1_500_000, 720))
TALK = Layer(70_000, 0)
FEEDBACK_INTERVAL = 0.1
FRAME = 1 / 25


class Line:
    """Sends one packet after the other at `rate` bit/s; what would wait longer than `limit` seconds is dropped."""

    def __init__(self, clock: Clock, rate: float, delay: float = 0.03, loss: float = 0.0, limit: float = 1.0) -> None:
        self._clock, self.rate, self.delay, self.loss, self._limit = clock, rate, delay, loss, limit
        self._random = random.Random(7)
        self._free_at = 0.0
        self.dropped = 0

    @property
    def queue(self) -> float:
        """Seconds a packet sent now would wait."""
        return max(self._free_at - self._clock(), 0.0)

    def send(self, size: int, deliver: Callable[[], None]) -> None:
        if self.queue > self._limit or self._random.random() < self.loss:
            self.dropped += 1
            return
        self._free_at = max(self._free_at, self._clock()) + size * 8 / self.rate
        self._clock.schedule(self._free_at + self.delay - self._clock(), deliver)


class Viewer:
    """Watches `pictures` and hears one voice over `line`, its clock `offset` seconds ahead of the relay's."""

    def __init__(self, clock: Clock, line: Line, pictures: Sequence[Demand] = (), offset: float = 5000.0) -> None:
        self.clock, self.line, self._offset = clock, line, offset
        self.demands = [Demand("voice", SOUND, (TALK,), 0), *(pictures or [Demand("face", OTHERS, LADDER, 2)])]
        self.layers: dict[str, int | None] = {}
        self.allocator = Allocator()
        self.paused: frozenset[str] = frozenset()
        self.changes: list[tuple[float, dict[str, int | None]]] = []
        self.log = twcc.ArrivalLog()
        self.received = self.voice_sent = self.voice_received = 0
        self.voice_delays: list[float] = []
        self.overflows = 0
        self.downlink = Downlink(self._transmit, _nothing, self._pad, self._divide, clock.schedule, clock)
        self.pacer = Pacer(self.downlink.send_rtp, _nothing, self._overflowed, clock.schedule, clock)
        self._owed = {demand.id: 0.0 for demand in self.demands}
        self._divide(clock())
        self._voice()
        self._frame()
        self._feed_back()

    def _transmit(
        self,
        second: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        extension: bytes | bytearray,
        payload: bytes,
        first: int = 0x80,
    ) -> bool:
        number, voice, at = extension[5] << 8 | extension[6], ssrc == 0, self.clock()
        self.line.send(len(payload) + OVERHEAD, lambda: self._receive(number, len(payload), voice, at))
        return True

    def _receive(self, number: int, size: int, voice: bool, sent_at: float) -> None:
        self.log.arrived(number, self.clock() + self._offset)
        self.received += size
        if voice:
            self.voice_received += 1
            self.voice_delays.append(self.clock() - sent_at)

    def _feed_back(self) -> None:
        for packet in self.log.feedback(1, 2):
            feedback = twcc.parse(packet[4:])
            self.clock.schedule(self.line.delay, lambda f=feedback: self.downlink.on_feedback(f, self.clock()))  # type: ignore[misc]
        self.clock.schedule(FEEDBACK_INTERVAL, self._feed_back)

    def _divide(self, now: float) -> None:
        rate = self.downlink.estimator.bitrate
        found = self.allocator.divide(rate, self.demands, now)
        if found.layers != self.layers:
            self.changes.append((now, found.layers))
            for demand in self.demands:
                layer = found.layers[demand.id]
                if layer is not None and layer != self.layers.get(demand.id) and demand.rank != SOUND:
                    self._owed[demand.id] += demand.layers[layer].bitrate * 0.25 / 8  # a keyframe
        self.layers, self.paused = found.layers, found.paused
        self.downlink.needed = found.needed
        self.pacer.rate = rate

    def _pad(self) -> int:
        self.downlink.send_rtp(0, 0, 0, 1, bytearray(12), bytes(255))
        return 255 + OVERHEAD

    def _overflowed(self) -> None:
        self.overflows += 1

    def _voice(self) -> None:
        self.voice_sent += 1
        self.downlink.send_rtp(0, 0, 0, 0, bytearray(12), bytes(int(TALK.bitrate / 50 / 8) - OVERHEAD))
        self.clock.schedule(0.02, self._voice)

    def _frame(self) -> None:
        for demand in self.demands:
            layer = self.layers[demand.id]
            if demand.rank == SOUND or layer is None:
                continue
            owed = self._owed[demand.id] + demand.layers[layer].bitrate * FRAME / 8
            while owed > 200:
                size = min(1150, int(owed))
                self.pacer.send_rtp(0, 0, 0, 1, bytearray(12), bytes(size - OVERHEAD))
                owed -= size
            self._owed[demand.id] = owed
        self.clock.schedule(FRAME, self._frame)

    def bitrate(self, seconds: float) -> float:
        """bit/s received over the next `seconds`."""
        before = self.received
        self.clock.advance(seconds)
        return (self.received - before) * 8 / seconds


def _nothing() -> None:
    pass
