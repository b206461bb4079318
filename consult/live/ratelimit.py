"""How much one socket may send. Knows no messages."""

from collections import deque
from time import monotonic


class Bucket:
    """Lets `rate` events a second through, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._level, self._at = rate, burst, burst, monotonic()

    def take(self) -> bool:
        now = monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Strikes:
    """Says when something happened `limit` times within `window` seconds."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit, self._window, self._times = limit, window, deque[float](maxlen=limit)

    def out(self) -> bool:
        now = monotonic()
        self._times.append(now)
        return len(self._times) == self._limit and now - self._times[0] <= self._window
