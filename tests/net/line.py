"""One direction of a bad network as arithmetic: when a datagram comes out, or that it does not. Knows no sockets.

The same seed and the same calls give the same losses. Nothing here sleeps: `Link.departure` is told the time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

IP_AND_UDP = 28
"""Bytes of headers that a datagram has on the wire and not in the socket."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one direction does to datagrams. Shares are 0 to 1, times seconds, rates bit/s. The default does nothing.

    `burst` is the share lost in bursts of `burst_length` datagrams in the middle (Gilbert's model: a good state that
    loses nothing and a bad one that loses all). `jitter` is added evenly between 0 and its value, without changing
    the order; `reorder` is the share that is overtaken by `reorder_by`. What would wait longer than `queue` for its
    turn at `rate` is dropped, as a router's full buffer does. `cut`: nothing comes through.
    """

    loss: float = 0.0
    burst: float = 0.0
    burst_length: float = 8.0
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.02
    rate: float | None = None
    queue: float = 0.3
    cut: bool = False


CLEAR = Line()


@dataclass(slots=True)
class Count:
    """Datagrams and bytes so far; `longest_queue` is the longest wait for a turn, seconds."""

    passed: int = 0
    octets: int = 0
    lost: int = 0
    overflowed: int = 0
    longest_queue: float = 0.0


class Link:
    """A direction whose `line` may be replaced at any time. Times are monotonic seconds."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self.count = Count()
        self._random = random.Random(seed)
        self._in_burst = False
        self._free_at = 0.0
        self._last_out = 0.0

    def departure(self, size: int, now: float) -> float | None:
        """When a datagram of `size` bytes that arrives at `now` comes out; None when it never does."""
        line = self.line
        if line.cut or self._is_lost(line):
            self.count.lost += 1
            return None
        turn = self._turn(line, size, now)
        if turn is None:
            self.count.overflowed += 1
            return None
        self.count.passed += 1
        self.count.octets += size
        out = turn + line.delay + self._random.uniform(0, line.jitter)
        if line.reorder and self._random.random() < line.reorder:
            return out + line.reorder_by
        self._last_out = out = max(out, self._last_out)
        return out

    def _is_lost(self, line: Line) -> bool:
        if line.burst:
            leave = 1 / line.burst_length
            enter = leave * line.burst / (1 - line.burst)
            self._in_burst = self._random.random() < (1 - leave if self._in_burst else enter)
            if self._in_burst:
                return True
        return line.loss > 0 and self._random.random() < line.loss

    def _turn(self, line: Line, size: int, now: float) -> float | None:
        """When the last bit has been sent at the line's rate; None when the queue is full."""
        if line.rate is None:
            return now
        waits = max(self._free_at - now, 0.0)
        if waits > line.queue:
            return None
        self.count.longest_queue = max(self.count.longest_queue, waits)
        self._free_at = now + waits + (size + IP_AND_UDP) * 8 / line.rate
        return self._free_at
