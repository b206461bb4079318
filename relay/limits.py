"""How much a stranger may ask for: a token bucket and a bounded table of them. Knows no packets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class TokenBucket:
    """Allows `rate` events a second, `burst` at once."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens = burst
        self._updated: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more event is allowed at monotonic time `now` (seconds)."""
        if self._updated is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RateTable:
    """A bucket for each key, for the `size` keys seen last."""

    def __init__(self, rate: float, burst: float, size: int) -> None:
        self._rate, self._burst, self._size = rate, burst, size
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Whether `key` may have one more event at monotonic time `now` (seconds)."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._rate, self._burst)
            if len(self._buckets) > self._size:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(now)

    def __len__(self) -> int:
        return len(self._buckets)
