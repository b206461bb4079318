"""Whether packets take longer and longer to arrive (draft-ietf-rmcat-gcc-02 sections 5.2 to 5.4). Knows no rates.

Times are seconds, sending and arriving each by a clock of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from operator import mul

BURST = 0.005
"""Seconds within which packets sent together count as one group (section 4.1)."""
WINDOW = 20
"""Groups the slope of the delay is taken over."""
SMOOTHING, GAIN = 0.9, 4.0
THRESHOLD, LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 12.5, 6.0, 600.0
K_UP, K_DOWN = 0.0087, 0.039
OVERUSE_TIME = 0.01


class Trend:
    """Whether a queue is building: the slope of the delay between groups of packets (sections 5.2 to 5.4)."""

    def __init__(self) -> None:
        self._groups = 0
        self._first_sent = self._last_sent = self._last_arrived = -1.0
        self._sent_before = self._arrived_before = -1.0
        self._accumulated = self._smoothed = 0.0
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._delays: deque[float] = deque(maxlen=WINDOW)
        self._threshold = THRESHOLD
        self._slope = 0.0
        self._over_since: float | None = None
        self.overused = self.underused = False

    def add_all(self, acked: Sequence[tuple[float, int, float]]) -> tuple[float, float]:
        """Packets that arrived, in the order of sending: when each was sent, its bytes, when it arrived. When the last
        one arrived, and the shortest time that one took."""
        latest, shortest = float("-inf"), float("inf")
        for sent, _, arrived in acked:
            latest, shortest = max(latest, arrived), min(shortest, arrived - sent)
            self.add(sent, arrived)
        return latest, shortest

    def add(self, sent: float, arrived: float) -> None:
        """The next packet that arrived, in the order of sending."""
        if sent - self._first_sent <= BURST and self._first_sent >= 0:
            self._last_sent = sent
            self._last_arrived = max(self._last_arrived, arrived)
            return
        if self._sent_before >= 0:
            self._measure(self._last_sent - self._sent_before, self._last_arrived - self._arrived_before)
        self._sent_before, self._arrived_before = self._last_sent, self._last_arrived
        self._first_sent = self._last_sent = sent
        self._last_arrived = arrived

    def _measure(self, sent: float, arrived: float) -> None:
        """One group more: seconds between it and the one before, at the sender and at the receiver."""
        if arrived > 3 or sent > 3:
            self.restart()
            return
        self._groups += 1
        self._accumulated += (arrived - sent) * 1000
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._times.append(self._last_arrived * 1000)
        self._delays.append(self._smoothed)
        slope = _slope(self._times, self._delays) if len(self._times) == WINDOW else 0.0
        self._detect(slope, min(self._groups, 60) * slope * GAIN, max(sent, 0.0))
        self._slope = slope

    def _detect(self, slope: float, trend: float, passed: float) -> None:
        if trend > self._threshold:
            self._over_since = (self._over_since or 0.0) + passed
            if self._over_since > OVERUSE_TIME and slope >= self._slope:
                self.overused = True
        else:
            self._over_since = None
            self.overused = False
        self.underused = trend < -self._threshold
        self._adapt(abs(trend), min(passed, 0.1))

    def _adapt(self, trend: float, passed: float) -> None:
        """The threshold follows the noise of the path, so that others' traffic does not starve ours (section 5.4)."""
        if trend > self._threshold + 15:
            return
        k = K_DOWN if trend < self._threshold else K_UP
        threshold = self._threshold + k * (trend - self._threshold) * passed * 1000
        self._threshold = min(max(threshold, LOWEST_THRESHOLD), HIGHEST_THRESHOLD)

    def restart(self) -> None:
        """What was sent before says nothing of what comes; the threshold stays."""
        self._groups = 0
        self._first_sent = self._sent_before = -1.0
        self._accumulated = self._smoothed = self._slope = 0.0
        self._times.clear()
        self._delays.clear()
        self._over_since = None
        self.overused = self.underused = False


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Least squares through the points."""
    mean = sum(xs) / len(xs)
    away = [x - mean for x in xs]
    over = sum(map(mul, away, away))
    return sum(map(mul, away, ys)) / over if over else 0.0
