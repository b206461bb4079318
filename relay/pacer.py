"""Between the relay and a slow line: video waits its turn here instead of in the network, where audio would wait too.

The queue is bounded in time; when it is full everything in it is dropped and its owner is told to begin again. Knows no
tracks; only viewers whose line is the limit have one in their way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from relay.keyframes import Schedule
from relay.lane import Lane, Send
from relay.state import OVERHEAD
from relay.track import Packet

FACTOR = 1.5
"""How much faster than the estimate the queue empties: the estimate must hold over a second, not over a frame."""
MAX_WAIT = 0.8
"""Seconds the queue may take to empty; a keyframe of what fits the line takes less."""
MAX_PACKETS = 1024
BURST = 0.005
"""Seconds worth of packets sent together: timers are no finer."""


class Pacer:
    """Sends through `send`, at most `FACTOR` times `rate` bit/s; `flush` hands to the kernel what a timer sent."""

    def __init__(
        self,
        send: Send,
        flush: Callable[[], None],
        on_overflow: Callable[[], None],
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._send, self._flush, self._on_overflow = send, flush, on_overflow
        self._schedule, self._clock = schedule, clock
        self._waiting: deque[tuple[Lane, Packet]] = deque()
        self._bytes = 0
        self._free_at = 0.0
        self._armed = False
        self.rate = 1_000_000.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def seconds(self) -> float:
        """How long the newest packet in the queue will wait."""
        return self._bytes * 8 / (self.rate * FACTOR)

    def send_rtp(self, lane: Lane, packets: Sequence[Packet]) -> int:
        """Sends packets now or when their turn comes; 0 when the queue was full and everything was dropped."""
        now = self._clock()
        for at, packet in enumerate(packets):
            size = len(packet[3]) + OVERHEAD
            if not self._waiting and self._free_at <= now + BURST:
                self._take(size, now)
                if not self._send(lane, (packet,)):
                    return at
                continue
            self._waiting.append((lane, packet))
            self._bytes += size
            if len(self._waiting) > MAX_PACKETS or self.seconds > MAX_WAIT:
                self.clear()
                self._on_overflow()
                return 0
        if self._waiting:
            self._arm(now)
        return len(packets)

    def _take(self, size: int, now: float) -> None:
        """So many bytes go out now."""
        self._free_at = max(self._free_at, now) + size * 8 / (self.rate * FACTOR)

    def _arm(self, now: float) -> None:
        if not self._armed:
            self._armed = True
            self._schedule(max(self._free_at - now, BURST), self._fire)

    def _fire(self) -> None:
        self._armed = False
        now = self._clock()
        while self._waiting and self._free_at <= now + BURST:
            self._next(now)
        self._flush()
        if self._waiting:
            self._arm(now)

    def _next(self, now: float) -> None:
        lane, packet = self._waiting.popleft()
        size = len(packet[3]) + OVERHEAD
        self._bytes -= size
        self._take(size, now)
        self._send(lane, (packet,))

    def release(self) -> None:
        """Sends all that waits: the line is no limit any more."""
        while self._waiting:
            self._next(self._clock())

    def clear(self) -> None:
        """Drops all that waits."""
        self._waiting.clear()
        self._bytes = 0
