"""Asks a publisher for keyframes: at most two a second, however many viewers want one, until one comes."""

from __future__ import annotations

from collections.abc import Callable

MIN_INTERVAL = 0.5
"""Seconds between two requests for one stream."""
RETRY = 1.0
MAX_RETRIES = 5

Schedule = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds, like `loop.call_later`."""


class KeyframeRequester:
    """One video stream's keyframe requests. `send` sends one PLI, `clock` gives monotonic seconds."""

    def __init__(self, send: Callable[[], None], schedule: Schedule, clock: Callable[[], float]) -> None:
        self._send, self._schedule, self._clock = send, schedule, clock
        self._sent_at = float("-inf")
        self._armed = False
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
        if wait <= 0:
            self._ask()
        else:
            self._arm(wait)

    def satisfied(self) -> None:
        """A keyframe has begun."""
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
        if not self._armed:
            self._armed = True
            self._schedule(delay, self._fire)

    def _fire(self) -> None:
        self._armed = False
        if not self.wanted:
            return
        wait = self._sent_at + MIN_INTERVAL - self._clock()
        if wait > 0:
            self._arm(wait)
        elif self._retries < MAX_RETRIES and (self.packets > self._packets_at_request or not self._retries):
            self._retries += 1
            self._ask()


def _never(delay: float, callback: Callable[[], None]) -> None:
    pass
