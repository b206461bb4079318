"""Asks a publisher for keyframes: at most two a second, however many viewers want one, until one comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relay.tally import tally

MIN_INTERVAL = 0.5
"""Seconds between two requests for one stream."""
RETRY = 1.0
MAX_RETRIES = 5
CLOCK_SLACK = 0.005
"""Seconds by which a timer may fire early."""

Schedule = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds, like `loop.call_later`."""


class Stream(Protocol):
    """What is looked for in it: `accepted` counts its packets, `wants_keyframe` says that its next keyframe is news."""

    accepted: int
    wants_keyframe: bool


class KeyframeRequester:
    """One video stream's keyframe requests. `send` sends one PLI, `clock` gives monotonic seconds. A silent camera, of
    which `stream` accepts nothing, is not asked again."""

    def __init__(
        self, stream: Stream, send: Callable[[], None], schedule: Schedule, clock: Callable[[], float]
    ) -> None:
        self._stream, self._send, self._schedule, self._clock = stream, send, schedule, clock
        self._sent_at = float("-inf")
        self._due = float("inf")
        self._retries = 0
        self._packets_at_request = 0

    def request(self) -> None:
        """Somebody needs a keyframe."""
        self._stream.wants_keyframe = True
        self._retries = 0
        wait = self._sent_at + MIN_INTERVAL - self._clock()
        if wait <= CLOCK_SLACK:
            self._ask()
        else:
            self._arm(wait)

    def satisfied(self) -> None:
        """A keyframe has begun."""
        tally.keyframes += 1
        self._stream.wants_keyframe = False

    def stop(self) -> None:
        """The stream is over."""
        self._stream.wants_keyframe = False
        self._schedule = _never

    def _ask(self) -> None:
        self._sent_at = self._clock()
        self._packets_at_request = self._stream.accepted
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
        if not self._stream.wants_keyframe:
            return
        wait = self._sent_at + MIN_INTERVAL - self._clock()
        if wait > CLOCK_SLACK:
            self._arm(wait)
        elif self._retries < MAX_RETRIES and (self._stream.accepted > self._packets_at_request or not self._retries):
            self._retries += 1
            self._ask()


def _never(delay: float, callback: Callable[[], None]) -> None:
    pass
