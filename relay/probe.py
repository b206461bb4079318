"""Finds out whether a viewer's line carries more than is sent: short bursts of padding, measured by the feedback."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from relay.keyframes import Schedule
from relay.state import Acked

DURATION = 0.06
"""Seconds of one burst: at twice what the line carries it leaves 60 ms of queue."""
LONGER = 3.0
"""So many times as long is the burst after one that was not believed: what a busy machine adds counts less."""
MIN_BYTES = 2000
"""Bytes of the shortest burst: a slow line takes longer."""
STEP = 0.005
MIN_PACKETS, MIN_ARRIVED = 5, 0.8
"""Packets, and share of them, that must have arrived for a burst to say something."""
FACTOR, FIRST_FACTOR = 2.0, 3.0
"""How far above the estimate a burst goes at once, and as long as the line has shown no limit."""
RETRY, MAX_RETRY = 4.0, 8.0
"""Seconds after a burst that found no more; half again after each."""
SPREAD, GOLDEN = 0.2, 0.618
"""Share by which that varies, and what makes near numbers differ most."""
UNSURE = 0.5
"""Seconds after a burst that found no more because a busy machine held it up, at either end."""
STALL, STALL_FACTOR = 0.01, 2.0
"""Seconds between two arrivals, and how often what their bytes take at the burst's own rate, that no line explains."""
SENT_ENOUGH = 0.8
"""Share of the burst's rate at which it must have been sent."""
TIMEOUT = 2.0


class Prober:
    """One viewer's bursts. `pad` sends one packet of padding and says its bytes on the wire (0: none can be sent),
    `sent` says how many bytes have been sent in all, `number` the number of the next packet."""

    def __init__(
        self,
        pad: Callable[[], int],
        flush: Callable[[], None],
        sent: Callable[[], int],
        number: Callable[[], int],
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._pad, self._flush, self._sent, self._number = pad, flush, sent, number
        self._schedule, self._clock = schedule, clock
        self._rate, self._duration, self._stretch = 0.0, DURATION, 1.0
        self._begun_at = self._begun_bytes = 0.0
        self._first = 0
        self._end: int | None = None
        self._arrived: list[Acked] = []
        self._retry = RETRY
        self._next_at = float("-inf")
        self.busy = self._unsure = False
        self.bursts = 0

    def want(self, needed: float, estimate: float, first: bool, now: float) -> None:
        """`needed` bit/s would be of use while `estimate` is what the line is known to carry; `first`: nothing else
        is known of it."""
        if self.busy:
            if now - self._begun_at > TIMEOUT:
                self.failed(now)
            return
        if needed <= estimate or now < self._next_at:
            return
        self.busy, self._unsure, self._end = True, False, None
        self._rate = min((FIRST_FACTOR if first else FACTOR) * estimate, needed * 1.2)
        self._duration = max(DURATION * self._stretch, MIN_BYTES * 8 / self._rate)
        self._stretch = 1.0
        self._begun_at, self._begun_bytes, self._first = now, self._sent(), self._number()
        self._arrived.clear()
        self.bursts += 1
        self._step()

    def _step(self) -> None:
        if not self.busy:
            return
        passed = self._clock() - self._begun_at
        due = self._rate * min(passed + STEP, self._duration) / 8
        while self._sent() - self._begun_bytes < due:
            if not self._pad():
                break
        self._flush()
        if passed < self._duration:
            self._schedule(STEP, self._step)
        else:
            self._end = self._number()

    def arrived(self, number: int, packet: Acked) -> None:
        """The packet `number` (unwrapped) arrived, in the order of sending."""
        if number >= self._first and (self._end is None or number < self._end):
            self._arrived.append(packet)

    def result(self, up_to: int, now: float) -> tuple[float, float] | None:
        """The rates at which the burst was sent and arrived, once the feedback has come `up_to` its end; None until
        then, and when too little arrived to say. Both the same when it was held up: the line carries that at least."""
        if not self.busy or self._end is None or up_to < self._end:
            return None
        self.busy = False
        packets = self._arrived
        if len(packets) < max(MIN_PACKETS, MIN_ARRIVED * (self._end - self._first)):
            self.failed(now)
            return None
        sent = packets[-1][0] - packets[0][0]
        arrived = packets[-1][2] - packets[0][2]
        total = sum(size for _, size, _ in packets)
        if sent <= 0 or arrived <= 0:
            self.failed(now)
            return None
        # n packets leave in n - 1 gaps: the last one's bytes come after the sending was over, the first one's before.
        rates = (total - packets[-1][1]) * 8 / sent, (total - packets[0][1]) * 8 / arrived
        self._unsure = rates[0] < SENT_ENOUGH * self._rate or _is_held_up(packets, rates[1])
        return (min(rates), min(rates)) if self._unsure else rates

    def succeeded(self) -> None:
        """The burst found more: go on at once."""
        self._retry = RETRY
        self._next_at = float("-inf")

    def doubted(self, now: float) -> None:
        """What the burst found is not believed: soon another, and a longer one."""
        self.busy, self._next_at, self._stretch = False, now + UNSURE, LONGER

    def failed(self, now: float) -> None:
        """The burst found nothing: wait before the next."""
        self.busy = False
        if self._unsure:
            self._next_at = now + UNSURE
            return
        # Two behind one line, whose bursts met, would meet each time: packet numbers are as good as chance.
        self._next_at = now + self._retry * (1 - SPREAD + 2 * SPREAD * (self._number() * GOLDEN % 1))
        self._retry = min(self._retry * 1.5, MAX_RETRY)


def _is_held_up(packets: Sequence[Acked], rate: float) -> bool:
    """Whether somewhere between `packets`, that arrived at `rate` bit/s, much longer passed than one of them takes."""
    return any(
        after[2] - before[2] > STALL + STALL_FACTOR * after[1] * 8 / rate
        for before, after in itertools.pairwise(packets)
    )
