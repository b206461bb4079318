"""A clock that moves when told, for everything that waits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Clock:
    """Time and timers: pass `clock` as clock and `clock.schedule` as schedule."""

    def __init__(self) -> None:
        self.now = 100.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def schedule(self, delay: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + delay, next(self._order), callback))

    def advance(self, seconds: float) -> None:
        """Moves on, running what becomes due at its moment."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, callback = heapq.heappop(self._timers)
            callback()
        self.now = end
