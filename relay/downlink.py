"""The line from the relay to one viewer: numbers its packets, and turns the viewer's feedback into a rate.

Knows no tracks; asks its owner to divide the rate anew (`on_rate`), at most every `INTERVAL`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

from relay import twcc
from relay.estimate import Acked, Estimator
from relay.keyframes import Schedule
from relay.lane import Lane, SendNumbered
from relay.pacer import OVERHEAD
from relay.probe import Prober
from relay.track import Packet

REMEMBERED = 4096
"""Packets whose feedback may still come: 5 s of 6 Mbit/s. A power of two."""
INTERVAL = 0.1
"""Seconds between two divisions of the rate."""
_TICK_WRAP = 1 << 32

_Sent = tuple[int, float, int]
_NOTHING: _Sent = (-1, 0.0, 0)


class Downlink:
    """See the module. `send` is the transport's, `pad` sends a packet of padding; see `probe.Prober`."""

    def __init__(
        self,
        send: SendNumbered,
        flush: Callable[[], None],
        pad: Callable[[], int],
        on_rate: Callable[[float], None],
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._send, self._clock, self._on_rate = send, clock, on_rate
        self._sent: list[_Sent] = [_NOTHING] * REMEMBERED
        self._number = 0x10000
        self._bytes = 0
        self._last_ticks: int | None = None
        self._divided_at, self._divided_rate = float("-inf"), 0.0
        self.estimator = Estimator()
        self.prober = Prober(pad, flush, lambda: self._bytes, lambda: self._number, schedule, clock)
        self.needed = 0.0
        """bit/s that would be of use, set by who divides the rate; more than the estimate makes it probe."""

    def send_rtp(self, lane: Lane, packets: Sequence[Packet]) -> int:
        """Sends packets of a numbered lane, each with a number of its own; how many of them."""
        number = self._number
        sent = self._send(lane, packets, number)
        sizes = [len(payload) + OVERHEAD for _, _, _, payload in packets[:sent]]
        now, end, at = self._clock(), number + sent, number & (REMEMBERED - 1)
        entries = list(zip(range(number, end), repeat(now), sizes))
        if at + sent <= REMEMBERED:
            self._sent[at : at + sent] = entries
        else:
            for entry in entries:
                self._sent[entry[0] & (REMEMBERED - 1)] = entry
        self._number = end
        self._bytes += sum(sizes)
        return sent

    def on_feedback(self, feedback: twcc.Arrivals, now: float) -> None:
        """The viewer says which packets arrived when."""
        acked, lost, end = self._match(feedback)
        estimator, prober = self.estimator, self.prober
        if acked or lost:
            estimator.on_feedback(acked, lost, now)
        result = prober.result(end, now)
        if result is not None:
            found = estimator.bitrate
            estimator.on_probe(*result, now)
            if estimator.bitrate > found * 1.05:
                prober.succeeded()
            else:
                prober.failed(now)
        # Less is acted upon at once.
        if now - self._divided_at >= INTERVAL or estimator.bitrate < self._divided_rate:
            self._divided_at, self._divided_rate = now, estimator.bitrate
            self._on_rate(now)
            if estimator.is_settled(now):
                prober.want(self.needed, estimator.bitrate, estimator.limited_at == float("-inf"), now)

    def _match(self, feedback: twcc.Arrivals) -> tuple[list[Acked], int, int]:
        """What arrived, how many did not, and the number after the last one spoken of."""
        first = self._number + ((feedback.base - self._number + 0x8000) & 0xFFFF) - 0x8000
        acked: list[Acked] = []
        lost, sent, shift, probing = 0, self._sent, None, self.prober.busy
        mask = REMEMBERED - 1
        for number, ticks in enumerate(feedback.arrivals, first):
            known, sent_at, size = sent[number & mask]
            if known != number:
                continue
            sent[number & mask] = _NOTHING
            if ticks is None:
                lost += 1
                continue
            if shift is None:
                shift = self._unwrap(ticks)
            packet = (sent_at, size, (ticks + shift) * twcc.TICK)
            acked.append(packet)
            if probing:
                self.prober.arrived(number, packet)
        return acked, lost, first + len(feedback.arrivals)

    def _unwrap(self, ticks: int) -> int:
        """What to add to the ticks of a feedback so that they go on from the last one's."""
        last = self._last_ticks if self._last_ticks is not None else ticks
        unwrapped = last + ((ticks - last + _TICK_WRAP // 2) & (_TICK_WRAP - 1)) - _TICK_WRAP // 2
        self._last_ticks = unwrapped
        return unwrapped - ticks
