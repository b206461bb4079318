"""Video waits its turn before a slow line, in order and not for ever."""

from __future__ import annotations

from collections.abc import Sequence

from relay.lane import Lane
from relay.pacer import FACTOR, MAX_WAIT, OVERHEAD, Pacer
from relay.track import Packet
from tests.relay.fakes import Clock

LANE = Lane(1, 96)
PAYLOAD = bytes(1000 - OVERHEAD)


class Scene:
    """A pacer and what comes out of it: (time, sequence)."""

    def __init__(self, rate: float) -> None:
        self.clock = Clock()
        self.sent: list[tuple[float, int]] = []
        self.flushed = self.overflows = 0
        self.pacer = Pacer(self._send, self._flush, self._overflow, self.clock.schedule, self.clock)
        self.pacer.rate = rate

    def _send(self, lane: Lane, packets: Sequence[Packet]) -> int:
        self.sent += [(self.clock() - 100.0, index) for index, _, _, _ in packets]
        return len(packets)

    def _flush(self) -> None:
        self.flushed += 1

    def _overflow(self) -> None:
        self.overflows += 1

    def offer(self, first: int, count: int) -> list[bool]:
        return [bool(self.pacer.send_rtp(LANE, [(first + i, 0, 0, PAYLOAD)])) for i in range(count)]


def test_a_burst_leaves_at_the_paced_rate_in_order() -> None:
    scene = Scene(rate=800_000)
    assert scene.offer(0, 50) == [True] * 50  # 50,000 bytes at 1.2 Mbit/s are a third of a second
    assert len(scene.sent) == 1
    scene.clock.advance(0.2)
    assert 27 <= len(scene.sent) <= 33
    scene.clock.advance(0.3)
    assert [sequence for _, sequence in scene.sent] == list(range(50))
    assert abs(scene.sent[-1][0] - 50_000 * 8 / (800_000 * FACTOR)) < 0.02
    assert scene.flushed > 10
    assert len(scene.pacer) == 0


def test_what_fits_leaves_at_once() -> None:
    scene = Scene(rate=8_000_000)
    for number in range(20):
        scene.offer(number, 1)
        scene.clock.advance(0.01)
    assert [round(at, 3) for at, _ in scene.sent] == [round(n * 0.01, 3) for n in range(20)]
    assert scene.flushed == 0


def test_a_full_queue_is_dropped_whole_and_its_owner_told() -> None:
    scene = Scene(rate=100_000)
    most = int(MAX_WAIT * 100_000 * FACTOR / 8000)
    answers = scene.offer(0, most + 2)
    assert answers.count(False) == 1
    assert scene.overflows == 1
    assert len(scene.pacer) <= 1
    scene.clock.advance(5.0)
    assert len(scene.sent) <= 2


def test_without_a_limit_everything_waiting_leaves_in_order() -> None:
    scene = Scene(rate=800_000)
    scene.offer(0, 50)
    scene.pacer.release()
    assert [sequence for _, sequence in scene.sent] == list(range(50))
    scene.clock.advance(1.0)
    assert len(scene.sent) == 50
