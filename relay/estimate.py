"""How much a viewer's line carries, from what came of the packets sent (draft-ietf-rmcat-gcc-02).

Growing delay says a queue is building: the rate falls below what arrives, before packets are lost. Knows no packets and
no sockets. Rates are bit/s on the wire, times monotonic seconds; arrival times are the viewer's own clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from relay.native import Trend
from relay.state import Acked

START, LOWEST, HIGHEST = 300_000.0, 20_000.0, 30_000_000.0
"""bit/s the estimate begins with, never falls below and never exceeds."""
BACKOFF = 0.85
"""Share of what arrives that is sent after overuse (section 5.5)."""
GROWTH = 1.08
"""Growth in a second while the capacity is unknown (section 5.5)."""
ACKED_WINDOW, LATEST_WINDOW = 0.4, 0.15
"""Seconds over which what arrives is counted, for growing and for falling."""
QUEUE_LIMIT, QUEUE_GONE, QUEUE_SEEN = 0.1, 0.05, 0.02
"""Seconds of standing queue above which it is drained, below which it counts as gone, and below which a slope of the
delay is the noise of busy machines."""
FASTEST_DRAIN = 0.8
"""Seconds of queue less in a second: what is gone faster was none."""
QUEUE_STAYS, NOT_FULL = 0.8, 0.7
"""A longer path and no queue: so much of the delay stays though only so much arrives of what arrived before."""
QUEUE_BAD, FAST_GROWTH = 0.25, 0.4
"""A queue that takes what arrives for the capacity: so many seconds, or so many more in a second."""
GROWTH_INTERVAL = 0.05
"""Seconds the growth of a queue is taken over at least."""
BASE_WINDOW = 15.0
"""Seconds after which the shortest delay seen is forgotten, twice: a longer path is no queue."""
FEW_LOST, MANY_LOST, MOST_LOST = 0.02, 0.15, 0.35
"""Shares of packets lost: grow below, shrink above, and take what arrives for the capacity."""
LOSS_INTERVAL, LOSS_PACKETS = 0.5, 100
LOSS_WEIGHT = 0.3
"""What the newest figure counts: losses come in bursts."""
BURSTS_BELIEVED = 2
"""Bursts in a row that came slower than they were sent, before a line that never was the limit is taken for one."""
SETTLED = 1.5
"""Seconds after a decrease before anything more is tried."""


class AckedRate:
    """What arrives, over the last `window` seconds, by the viewer's clock."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._batches: deque[tuple[float, int]] = deque()
        self._bytes = 0
        self.bitrate: float | None = None

    def add(self, arrived: float, size: int) -> None:
        """`size` bytes had arrived by `arrived`, after those added before."""
        self._batches.append((arrived, size))
        self._bytes += size
        while arrived - self._batches[0][0] > self._window:
            self._bytes -= self._batches.popleft()[1]
        span = arrived - self._batches[0][0]
        if span >= self._window / 2:
            # The first batch only says when the counting began.
            self.bitrate = (self._bytes - self._batches[0][1]) * 8 / span


class Queue:
    """How long packets wait on the way: their delay above the shortest one of late."""

    def __init__(self) -> None:
        self._shortest = self._shortest_before = self._delay = float("inf")
        self._since = self.at = float("-inf")
        self.seconds = self._latest = 0.0
        """What two feedbacks agree on: a machine that stalls, at either end, delays one of them as a queue would."""
        self.growth = 0.0
        """Seconds of queue more in a second: 1 when twice as much is sent as the line carries."""

    def add(self, delay: float, arrived: float, now: float) -> None:
        """No packet of a feedback took less than `delay`, between two clocks that need not agree; the last of them
        arrived at `arrived`."""
        if now - self._since > BASE_WINDOW:
            self._shortest_before, self._shortest, self._since = self._shortest, delay, now
        self._delay, self._shortest = delay, min(self._shortest, delay)
        latest = delay - min(self._shortest, self._shortest_before)
        before, self.seconds, self._latest = self.seconds, min(latest, self._latest), latest
        if arrived > self.at:
            # By the viewer's clock: feedbacks that waited for us come at once.
            self.growth = (self.seconds - before) / max(arrived - self.at, GROWTH_INTERVAL)
        self.at = arrived

    def forget(self) -> None:
        """The path is as long as it seems now: nothing waits."""
        self._shortest = self._shortest_before = self._delay
        self.seconds = self._latest = self.growth = 0.0


class LossLimit:
    """Heavy loss lowers the rate, light loss does not (section 6). In between it grows slowly while no queue builds: a
    bad radio loses 5 % for ever, and less video would not help it."""

    def __init__(self) -> None:
        self._lost = self._arrived = 0
        self._at = float("-inf")
        self.fraction = 0.0
        self.bitrate = HIGHEST

    def add(self, arrived: int, lost: int, rate: float, acked: float | None, now: float) -> None:
        """What came of packets of late, at an estimate of `rate`, while `acked` bit/s arrived."""
        self._arrived += arrived
        self._lost += lost
        passed = now - self._at
        if passed < LOSS_INTERVAL or self._arrived + self._lost < LOSS_PACKETS:
            return
        self.update(self._lost / (self._arrived + self._lost), rate, acked, now)
        self._arrived = self._lost = 0

    def update(self, fraction: float, rate: float, acked: float | None, now: float) -> None:
        """A `fraction` (0-1) of what was sent since the last call was lost."""
        passed = min(now - self._at, 1.0)
        self._at = now
        self.fraction = fraction = self.fraction + (fraction - self.fraction) * LOSS_WEIGHT
        if fraction > MOST_LOST and acked is not None:
            self.bitrate = max(min(rate, acked), LOWEST)
        elif fraction > MANY_LOST:
            self.bitrate = max(min(self.bitrate, rate) * (1 - 0.5 * fraction), LOWEST)
        else:
            growth = GROWTH if fraction < FEW_LOST else 1.03
            self.bitrate = min(self.bitrate * growth**passed, HIGHEST)


class Before(NamedTuple):
    """How it was when a queue was first seen: of `queue` seconds, `at` a time of the viewer's clock."""

    rate: float
    capacity: float | None
    limited_at: float
    queue: float
    at: float


class Standing:
    """Whether a queue is one. A line with a queue is full: less sent is not less that arrives, until it is gone."""

    def __init__(self) -> None:
        self._queue = self._arrived = self._since = 0.0

    def add(self, queue: float, arrived: float, now: float) -> bool:
        """True when `queue` seconds of delay stay although less and less arrives, `arrived` bit/s by now."""
        if queue > self._queue + QUEUE_SEEN:
            self._queue, self._arrived, self._since = queue, arrived, now
        self._arrived = max(self._arrived, arrived)
        stays = queue > QUEUE_STAYS * self._queue and now - self._since > ACKED_WINDOW
        return stays and arrived < NOT_FULL * self._arrived


class Estimator:
    """The rate to send at, `bitrate`. Feed it every feedback of the viewer, in order."""

    def __init__(self) -> None:
        self._trend, self._acked = Trend(), AckedRate(ACKED_WINDOW)
        self._latest = AckedRate(LATEST_WINDOW)
        self._queue, self._losses = Queue(), LossLimit()
        self._delay_rate = START
        self._capacity: float | None = None
        self._updated_at: float | None = None
        self._decreased_at = float("-inf")
        self._draining: Before | None = None
        self._standing = Standing()
        self._slow_bursts = 0
        self.rtt = 0.1
        self.reported: float | None = None
        """The viewer's own estimate (REMB), an upper bound."""
        self.limited_at = float("-inf")
        """When the line last was the limit; before it ever was, the estimate is only how far it got."""

    @property
    def bitrate(self) -> float:
        """bit/s to send at."""
        rate = min(self._delay_rate, self._losses.bitrate)
        return max(min(rate, self.reported or HIGHEST), LOWEST)

    @property
    def acked(self) -> float | None:
        """bit/s that arrived of late."""
        return self._acked.bitrate

    @property
    def loss(self) -> float:
        """Share of packets lost of late, 0 to 1."""
        return self._losses.fraction

    @property
    def loss_limit(self) -> float:
        """bit/s the losses allow: all there is to go by without transport-wide feedback."""
        return min(self._losses.bitrate, self.reported or HIGHEST)

    @property
    def queue(self) -> float:
        """Seconds packets wait on the way."""
        return self._queue.seconds

    def is_settled(self, now: float) -> bool:
        """Whether more may be tried: no queue, no heavy loss, no decrease a moment ago."""
        return (
            self._draining is None
            and self._queue.seconds < QUEUE_GONE
            and self._losses.fraction <= MANY_LOST
            and now - self._decreased_at > SETTLED
        )

    @property
    def is_calm(self) -> bool:
        """Whether nothing says that the line is a limit: no queue, not even one that begins, and no loss."""
        return (
            self._draining is None
            and self._queue.seconds < QUEUE_SEEN
            and self._losses.fraction < FEW_LOST
            and not self._trend.overused
        )

    def on_feedback(self, acked: Sequence[Acked], lost: int, now: float, arrived: int, size: int) -> None:
        """`acked` arrived, in the order of sending, of `arrived` packets with `size` bytes on the wire; `lost` others
        of the same time did not arrive."""
        if acked:
            latest, shortest = self._trend.add_all(acked)
            self._acked.add(latest, size)
            self._latest.add(latest, size)
            self._queue.add(shortest, latest, now)
            self.rtt += (max(now - acked[-1][0] - self._queue.seconds, 0.001) - self.rtt) / 8
        self._losses.add(arrived, lost, self.bitrate, self._acked.bitrate, now)
        if self._losses.fraction > MANY_LOST:
            self.limited_at = now
        self._control(now)

    def _control(self, now: float) -> None:
        passed = min(now - self._updated_at, 1.0) if self._updated_at is not None else 0.0
        self._updated_at = now
        queue, acked = self._queue.seconds, self._acked.bitrate
        if self._draining is not None and acked is not None and self._standing.add(queue, acked, now):
            self._queue.forget()
            self._return_to(self._draining)
        elif (self._trend.overused and queue > QUEUE_SEEN) or (queue > QUEUE_LIMIT and not self._trend.underused):
            self._decrease(queue, now)
        elif self._draining is not None:
            self._finish_draining(queue, self._draining)
        elif not self._trend.overused and not self._trend.underused:
            self._increase(passed)

    def _decrease(self, queue: float, now: float) -> None:
        acked = min((r for r in (self._acked.bitrate, self._latest.bitrate) if r is not None), default=None)
        # What arrives answers to a lower rate only a round trip later.
        if acked is None or now - self._decreased_at < self.rtt + 0.1:
            return
        self._decreased_at = now
        if self._draining is None:
            self._draining = Before(self._delay_rate, self._capacity, self.limited_at, queue, self._queue.at)
            self._standing = Standing()
        if queue > QUEUE_GONE:
            self.limited_at = now
        self._capacity = acked if self._capacity is None else self._capacity + (acked - self._capacity) / 2
        if queue > QUEUE_BAD or (queue > QUEUE_GONE and self._queue.growth > FAST_GROWTH):
            fallen = min(self._delay_rate, acked * max(BACKOFF - queue, 0.3))
        else:
            # Bursts and others on the line make a slope too, and what arrives may be little because little was sent.
            fallen = BACKOFF * self._delay_rate
            if queue < QUEUE_GONE:
                fallen = max(fallen, min(acked, self._delay_rate))
        self._delay_rate = max(fallen, LOWEST)

    def _finish_draining(self, queue: float, before: Before) -> None:
        """Holds until the queue is gone, then goes on near the capacity found."""
        if queue < QUEUE_GONE:
            self._draining = None
            if before.queue - queue > FASTEST_DRAIN * (self._queue.at - before.at):
                # Not even a line nothing is sent on drains so fast: something stood still for a while.
                self._return_to(before)
            elif self._capacity is not None:
                self._delay_rate = max(self._delay_rate, BACKOFF * self._capacity)

    def _return_to(self, before: Before) -> None:
        """There was no queue."""
        self._draining = None
        self._delay_rate, self._capacity, self.limited_at = before.rate, before.capacity, before.limited_at

    def _increase(self, passed: float) -> None:
        acked = self._acked.bitrate
        # Who sends little learns nothing about more: half again of what arrives is the end until somebody probes.
        if acked is not None and self._delay_rate > 1.5 * acked + 10_000:
            return
        if self._capacity is not None and self._delay_rate > 1.3 * self._capacity:
            self._capacity = None
        if self._capacity is not None and self._delay_rate > 0.7 * self._capacity:
            self._delay_rate += 1200 * 8 / (self.rtt + 0.1) * passed
        else:
            self._delay_rate *= GROWTH**passed
        self._delay_rate = min(self._delay_rate, HIGHEST)

    def on_probe(self, sent: float, arrived: float, now: float) -> bool:
        """A burst sent at `sent` bit/s arrived at `arrived` bit/s: the line carries at least so much for a moment.
        False when that is not believed yet: another is needed."""
        full = arrived < 0.9 * sent
        found = 0.95 * arrived if full else min(sent, arrived)
        self._trend.restart()
        if full and not self._is_limit(arrived):
            return False
        if full:
            self.limited_at = now
        else:
            self._slow_bursts = 0
        if self._draining is not None:
            return True
        if found > self._delay_rate:
            self._delay_rate = min(found, HIGHEST)
            self._capacity = found if full else None
        if self._losses.fraction <= MANY_LOST:
            self._losses.bitrate = max(self._losses.bitrate, self._delay_rate)
        return True

    def _is_limit(self, arrived: float) -> bool:
        """Whether a burst that came at `arrived` bit/s, slower than it was sent, met a limit: a busy machine spreads
        one as well. Of a line without limit so far, and without a queue, that is believed the second time, and never
        when more than that arrives all the time."""
        if self.limited_at > float("-inf") or self._queue.seconds > QUEUE_SEEN:
            return True
        if self._acked.bitrate is not None and arrived < self._acked.bitrate:
            return False
        self._slow_bursts += 1
        return self._slow_bursts >= BURSTS_BELIEVED

    def on_report(self, fraction: float, rate: float, now: float) -> None:
        """A receiver report of a viewer without transport-wide feedback: `fraction` (0-1) of `rate` was lost."""
        self._losses.update(fraction, rate, None, now)
        if self.loss > MANY_LOST:
            self.limited_at = now

    def on_max_bitrate(self, bitrate: float, given: float, now: float) -> None:
        """The viewer's own estimate (REMB) while `given` bit/s are sent to it."""
        self.reported = max(bitrate, LOWEST)
        if bitrate < given:
            self.limited_at = now

    def forget(self) -> None:
        """Try again what a viewer that cannot be probed carries."""
        self.reported = None
        self._losses.bitrate = HIGHEST
