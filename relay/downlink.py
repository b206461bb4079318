"""The line from the relay to one viewer: numbers its packets, and turns the viewer's feedback into a rate.

Knows no tracks; asks its owner to divide the rate anew (`on_rate`), at most every `INTERVAL`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relay import rtp, twcc
from relay.estimate import Estimator
from relay.keyframes import Schedule
from relay.lane import SendNumbered
from relay.native import SentLog
from relay.probe import Prober
from relay.state import Acked

INTERVAL, CALM_INTERVAL = 0.1, 0.5
"""Seconds between two divisions of the rate, and where the line is no limit."""
GLANCE = 8
"""Of a line that is no limit only every so many packets are looked at."""


class Downlink:
    """See the module. `send` is the transport's, `pad` sends a packet of padding; see `probe.Prober`. `send_rtp` sends
    packets, each with a number: `SentLog.__call__`."""

    def __init__(
        self,
        send: SendNumbered,
        flush: Callable[[], None],
        pad: Callable[[], int],
        on_rate: Callable[[float], None],
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._on_rate = on_rate
        self.send_rtp = log = SentLog(send, clock)
        self._told_bytes = 0
        self._last_ticks: int | None = None
        self._divided_at, self._divided_rate = float("-inf"), 0.0
        self.estimator = Estimator()
        self.prober = Prober(pad, flush, lambda: log.bytes, lambda: log.number, schedule, clock)
        self.needed = 0.0
        """bit/s that would be of use, set by who divides the rate; more than the estimate makes it probe."""

    def on_feedback(self, feedback: twcc.Arrivals, now: float) -> None:
        """The viewer says which packets arrived when."""
        estimator, prober = self.estimator, self.prober
        first = rtp.extend(feedback.base, self.send_rtp.number)
        calm = not prober.busy and self.needed <= estimator.bitrate and estimator.is_calm
        count, told = len(feedback.arrivals), self._told_bytes
        if calm and None not in feedback.arrivals:
            # All arrived, as always of late: some of them say whether a queue begins.
            acked, lost = self._match(first, feedback.arrivals, GLANCE)
            arrived, size = count, max(self._told_bytes - told, 0)
        else:
            calm = False
            acked, lost = self._match(first, feedback.arrivals, 1)
            arrived, size = len(acked), sum([size for _, size, _ in acked])
        if acked or lost:
            estimator.on_feedback(acked, lost, now, arrived, size)
        result = prober.result(first + count, now)
        if result is not None:
            found = estimator.bitrate
            if not estimator.on_probe(*result, now):
                prober.doubted(now)
            elif estimator.bitrate > found * 1.05:
                prober.succeeded()
            else:
                prober.failed(now)
        # Less is acted upon at once.
        if now - self._divided_at >= (CALM_INTERVAL if calm else INTERVAL) or estimator.bitrate < self._divided_rate:
            self._divided_at, self._divided_rate = now, estimator.bitrate
            self._on_rate(now)
            if estimator.is_settled(now):
                prober.want(self.needed, estimator.bitrate, estimator.limited_at == float("-inf"), now)

    def _match(self, first: int, arrivals: Sequence[int | None], step: int) -> tuple[list[Acked], int]:
        """What arrived of the packets from number `first` on, of every `step`th, and how many did not."""
        numbers: list[int] | None = [] if self.prober.busy else None
        acked, lost, told, self._last_ticks = self.send_rtp.match(first, arrivals, step, self._last_ticks, numbers)
        if told >= 0:
            self._told_bytes = told
        for number, packet in zip(numbers or (), acked, strict=False):
            self.prober.arrived(number, packet)
        return acked, lost
