"""What one viewer's line carries, divided among the tracks it gets: the one place where rate and tracks meet.

A viewer whose line is no limit is sent everything directly. Otherwise video goes through the pacer, pictures get
smaller, the least important ones wait, and of those that wait longer than a moment the viewer is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from relay import twcc
from relay.allocate import Allocator, Demand, Layer
from relay.choose import suitable
from relay.downlink import Downlink
from relay.keyframes import Schedule
from relay.limits import TokenBucket
from relay.outbound import OutboundTrack, Sender
from relay.pacer import Pacer
from relay.track import VIDEO

LIMITED = 30.0
"""Seconds after the line last was the limit for which video is still paced."""
TELL_AFTER = 1.5
"""Seconds a picture waits before anybody is told: less is not worth a word."""
TRIAL_EVERY, TRIAL = 15.0, 4.0
"""Seconds between two trials of more, and of one, for a viewer that cannot be probed."""
FEEDBACKS, FEEDBACKS_AT_ONCE = 50, 100
"""Transport-wide feedbacks a viewer may send in a second, and at once."""
NEVER = float("-inf")


class FlushingSender(Sender, Protocol):
    """A transport: packets sent outside the answer to a datagram have to be flushed."""

    def flush(self) -> None: ...


class Budget:
    """One viewer's. `outs` gives its tracks, `on_paused` is told the ids of the tracks that wait for want of room."""

    def __init__(
        self,
        sender: FlushingSender,
        outs: Callable[[], Iterable[OutboundTrack]],
        on_paused: Callable[[frozenset[str]], None],
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._sender, self._outs, self._on_paused = sender, outs, on_paused
        self._downlink = Downlink(sender.send_rtp, sender.flush, self._pad, self.divide, schedule, clock)
        self._pacer = Pacer(self._downlink.send_rtp, sender.flush, self._restart, schedule, clock)
        self._allocator = Allocator()
        self._feedbacks = TokenBucket(FEEDBACKS, FEEDBACKS_AT_ONCE)
        self._waiting_since: dict[str, float] = {}
        self._numbered = self._pacing = False
        self._given = 0.0
        self._trial_at = NEVER
        self.paused: frozenset[str] = frozenset()

    @property
    def bitrate(self) -> float:
        """bit/s the line is taken to carry."""
        estimator = self._downlink.estimator
        return estimator.bitrate if self._numbered else estimator.loss_limit

    def admit(self, out: OutboundTrack) -> None:
        """A track was negotiated, or negotiated anew."""
        self._numbered = self._numbered or out.numbered
        self._route(out)

    def _route(self, out: OutboundTrack) -> None:
        if not out.numbered:
            out.route(self._sender.send_rtp)
        elif self._pacing and out.kind == VIDEO:
            out.route(self._pacer.send_rtp)
        else:
            out.route(self._downlink.send_rtp)

    def on_feedback(self, feedback: twcc.Arrivals, now: float) -> None:
        """The viewer says what arrived when."""
        if self._numbered and self._feedbacks.take(now):
            self._downlink.on_feedback(feedback, now)

    def on_max_bitrate(self, bitrate: int, now: float) -> None:
        """The viewer's own estimate; of use only while it says nothing more exact."""
        if not self._numbered and now - self._trial_at > TRIAL:
            self._downlink.estimator.on_max_bitrate(bitrate, self._given, now)
            self.divide(now)

    def on_loss(self, fraction: float, now: float) -> None:
        """The viewer's receiver reports: `fraction` (0-1) of what was sent to it is missing."""
        if not self._numbered:
            self._downlink.estimator.on_report(fraction, self._given, now)
            self.divide(now)

    def tick(self, now: float) -> None:
        """Once a second: a viewer that cannot be probed is tried with more."""
        if not self._numbered and self._waiting_since and now - self._trial_at > TRIAL_EVERY:
            self._trial_at = now
            self._downlink.estimator.forget()
            self.divide(now)

    def divide(self, now: float) -> None:
        """Aims every track at the layer there is room for."""
        outs = [out for out in self._outs() if out.track is not None]
        found = self._allocator.divide(self.bitrate, [_demand(out) for out in outs], now)
        self._downlink.needed = found.needed
        limited_at = self._downlink.estimator.limited_at
        self._pace(now - limited_at < LIMITED)
        waiting, given = set(), 0.0
        for out in outs:
            layers = out.track.usable() if out.track is not None else ()
            chosen = found.layers[out.mid]
            if out.mid in found.paused and limited_at == NEVER:
                chosen = 0  # the line has shown no limit yet: it is given the benefit of the doubt
            if chosen is None:
                out.aim(None)
                if out.mid in found.paused and out.track is not None:
                    waiting.add(out.track.id)
            else:
                out.aim(layers[chosen])
                given += layers[chosen].bitrate
        self._given = given
        self._tell(waiting, now)

    def _pace(self, limited: bool) -> None:
        self._pacer.rate = self._downlink.estimator.bitrate
        pacing = self._numbered and limited
        if pacing == self._pacing:
            return
        self._pacing = pacing
        self._pacer.release()
        for out in self._outs():
            self._route(out)

    def _tell(self, waiting: set[str], now: float) -> None:
        self._waiting_since = {track: self._waiting_since.get(track, now) for track in waiting}
        paused = frozenset(track for track, since in self._waiting_since.items() if now - since >= TELL_AFTER)
        if paused != self.paused:
            self.paused = paused
            self._on_paused(paused)

    def _pad(self) -> int:
        for out in self._outs():
            if out.numbered and out.kind == VIDEO:
                return out.pad(self._downlink.send_rtp)
        return 0

    def _restart(self) -> None:
        """The pacer dropped what waited: pictures begin again."""
        for out in self._outs():
            if out.kind == VIDEO:
                out.restart()


def _demand(out: OutboundTrack) -> Demand:
    """What `out` would get on a line without limit, and what is smaller."""
    layers = out.track.usable() if out.track is not None else ()
    # Sound is never left out.
    best = suitable(layers, out.shown if out.kind == VIDEO else None)
    sizes = tuple(Layer(layer.bitrate, layer.height) for layer in layers)
    return Demand(out.mid, out.rank, sizes, layers.index(best) if best is not None else None)
