"""Asks a publisher for keyframes: at most two a second, however many viewers want one, until one comes."""

from __future__ import annotations

from collections.abc import Callable

from relay.tally import tally

MIN_INTERVAL = 0.5
"""Seconds between two requests for one stream."""
RETRY = 1.0
MAX_RETRIES = 5
CLOCK_SLACK = 0.005
"""Seconds by which a timer may fire early."""

Schedule = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds, like `loop.call_later`."""


class KeyframeRequester:
    """One video stream's keyframe requests. `send` sends one PLI, `clock` gives monotonic seconds."""

    def __init__(self, send: Callable[[], None], schedule: Schedule, clock: Callable[[], float]) -> None:
        self._send, self._schedule, self._clock = send, schedule, clock
        self._sent_at = float("-inf")
        self._due = float("inf")
        self._retries = 0
        self._packets_at_request = 0
        self.wanted = False
        self.packets = 0
        """Packets of the stream so far, counted by the owner: a silent camera is not asked again."""

    def request(self) -> None:
        """Somebody needs a keyframe."""
        self.wanted = True
        self._retries = 0
        wait = self._sent_at + MIN_INTERVAL - self._clock()
        if wait <= CLOCK_SLACK:
            self._ask()
        else:
            self._arm(wait)

    def satisfied(self) -> None:
        """A keyframe has begun."""
        tally.keyframes += 1
        self.wanted = False

    def stop(self) -> None:
        """The stream is over."""
        self.wanted = False
        self._schedule = _never

    def _ask(self) -> None:
        self._sent_at = self._clock()
        self._packets_at_request = self.packets
        self._send()
        self._arm(RETRY)

    def _arm(self, delay: float) -> None:
        due = self._clock() + delay
        if due < self._due:
            self._due = due
            self._schedule(delay, self._fire)

    def _fire(self) -> None:
        # A timer armed for later than the one that replaced it finds nothing due.
        if self._clock() < self._due - CLOCK_SLACK:
            return
        self._due = float("inf")
        if not self.wanted:
            return
        wait = self._sent_at + MIN_INTERVAL - self._clock()
        if wait > CLOCK_SLACK:
            self._arm(wait)
        elif self._retries < MAX_RETRIES and (self.packets > self._packets_at_request or not self._retries):
            self._retries += 1
            self._ask()


def _never(delay: float, callback: Callable[[], None]) -> None:
    pass
