"""A simulated line to viewers, deterministic and without waiting: rate with a queue, delay, seeded loss; and a viewer
on it that watches pictures in three layers and sends transport-wide feedback."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

from relay import twcc
from relay.allocate import OTHERS, SOUND, Allocator, Demand, Layer
from relay.downlink import Downlink
from relay.lane import Lane
from relay.pacer import OVERHEAD, Pacer
from relay.track import Packet
from tests.relay.fakes import Clock

LADDER = (Layer(150_000, 180), Layer(500_000, 360), Layer(1_500_000, 720))
TALK = Layer(70_000, 0)
FEEDBACK_INTERVAL = 0.1
FRAME = 1 / 25
SOUND_LANE, PICTURE_LANE = Lane(1, 111), Lane(2, 96)


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


class Machine:
    """A processor with too much to do: at random, for `longest` seconds at most, nothing of ours runs on it."""

    def __init__(self, clock: Clock, longest: float = 0.0, seed: int = 0) -> None:
        self._clock, self._longest, self._random = clock, longest, random.Random(seed)
        self._begins = self._ends = clock() if longest else float("inf")

    def run(self, act: Callable[[], None]) -> None:
        """Acts now, or when the machine has time again, in order."""
        now = self._clock()
        while now >= self._ends:
            self._begins = self._ends + self._random.uniform(0.05, 0.5)
            self._ends = self._begins + self._random.uniform(0.02, self._longest)
        if now >= self._begins:
            self._clock.schedule(self._ends - now, act)
        else:
            act()

    def schedule(self, delay: float, act: Callable[[], None]) -> None:
        """A timer of a program on this machine."""
        self._clock.schedule(delay, lambda: self.run(act))


class Viewer:
    """Watches `pictures` and hears one voice over `line`, its clock `offset` seconds ahead of the relay's. Relay and
    page stand still for `stalls` seconds at most, and so do packets that are about to leave."""

    def __init__(
        self,
        clock: Clock,
        line: Line,
        pictures: Sequence[Demand] = (),
        offset: float = 5000.0,
        stalls: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.clock, self.line, self._offset = clock, line, offset
        self._relay, self._socket, self._page = (Machine(clock, stalls, 3 * seed + each) for each in range(3))
        self.demands = [Demand("voice", SOUND, (TALK,), 0), *(pictures or [Demand("face", OTHERS, LADDER, 2)])]
        self.layers: dict[str, int | None] = {}
        self.allocator = Allocator()
        self.paused: frozenset[str] = frozenset()
        self.changes: list[tuple[float, dict[str, int | None]]] = []
        self.log = twcc.ArrivalLog()
        self.received = self.voice_sent = self.voice_received = 0
        self.voice_delays: list[float] = []
        self.overflows = 0
        self.downlink = Downlink(self._transmit, _nothing, self._pad, self._divide, self._relay.schedule, clock)
        self.pacer = Pacer(self.downlink.send_rtp, _nothing, self._overflowed, self._relay.schedule, clock)
        self._owed = {demand.id: 0.0 for demand in self.demands}
        self._divide(clock())
        self._voice()
        self._frame()
        self._feed_back()

    def _transmit(self, lane: Lane, packets: Sequence[Packet], number: int = 0) -> int:
        at, voice = self.clock(), lane is SOUND_LANE
        for count, (_, _, _, payload) in enumerate(packets):
            receive = partial(self._receive, number + count & 0xFFFF, len(payload), voice, at)
            arrive = partial(self._page.run, receive)
            self._socket.run(partial(self.line.send, len(payload) + OVERHEAD, arrive))
        return len(packets)

    def _receive(self, number: int, size: int, voice: bool, sent_at: float) -> None:
        self.log.arrived(number, self.clock() + self._offset)
        self.received += size
        if voice:
            self.voice_received += 1
            self.voice_delays.append(self.clock() - sent_at)

    def _feed_back(self) -> None:
        for packet in self.log.feedback(1, 2):
            feedback = twcc.parse(packet[4:])
            self._relay.schedule(self.line.delay, lambda f=feedback: self.downlink.on_feedback(f, self.clock()))  # type: ignore[misc]
        self._page.schedule(FEEDBACK_INTERVAL, self._feed_back)

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
        self.downlink.send_rtp(PICTURE_LANE, [(0, 0, 0, bytes(255))])
        return 255 + OVERHEAD

    def _overflowed(self) -> None:
        self.overflows += 1

    def _voice(self) -> None:
        self._relay.run(self._speak)
        self.clock.schedule(0.02, self._voice)

    def _speak(self) -> None:
        self.voice_sent += 1
        self.downlink.send_rtp(SOUND_LANE, [(0, 0, 0, bytes(int(TALK.bitrate / 50 / 8) - OVERHEAD))])

    def _frame(self) -> None:
        self._relay.run(self._show)
        self.clock.schedule(FRAME, self._frame)

    def _show(self) -> None:
        for demand in self.demands:
            layer = self.layers[demand.id]
            if demand.rank == SOUND or layer is None:
                continue
            owed = self._owed[demand.id] + demand.layers[layer].bitrate * FRAME / 8
            while owed > 200:
                size = min(1150, int(owed))
                self.pacer.send_rtp(PICTURE_LANE, [(0, 0, 0, bytes(size - OVERHEAD))])
                owed -= size
            self._owed[demand.id] = owed

    def bitrate(self, seconds: float) -> float:
        """bit/s received over the next `seconds`."""
        before = self.received
        self.clock.advance(seconds)
        return (self.received - before) * 8 / seconds


def _nothing() -> None:
    pass
