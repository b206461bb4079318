"""When a packet was captured, in seconds of the log: RTP clock -> publisher's NTP clock -> relay's clock.

Sender reports (RFC 3550 section 6.4.1) tie each stream's RTP clock to the publisher's NTP clock, which its microphone
and camera share: between two reports the line through both is taken, so a drifting sound card stays in step. The
publisher's NTP clock is tied to the relay's by the fastest reports of each minute, so that people stay in step.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

from consult.reel.log import Clock

BUCKET = 60.0  # seconds in which one report is the fastest
LEAST_APART = 0.5  # seconds between two reports that make a line
LARGEST_DRIFT = 0.01  # a line steeper than this is a clock that was set, not one that drifts
NTP_UNIT = 1 / (1 << 32)


class Unwrapper:
    """32-bit RTP timestamps as numbers that only grow past the wrap."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        if self._last is None:
            self._last = timestamp + (1 << 32)
        else:
            self._last += ((timestamp - self._last + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        return self._last


@dataclass(slots=True)
class StreamClock:
    """One stream's reports: (unwrapped RTP, NTP seconds); and its fastest packet, for when there is no report."""

    rate: int
    reports: list[tuple[int, float]] = field(default_factory=list)
    _fastest: float = float("inf")

    def arrived(self, timestamp: int, at: float) -> None:
        self._fastest = min(self._fastest, at - timestamp / self.rate)

    def reported(self, timestamp: int, ntp: float) -> None:
        if not self.reports or ntp > self.reports[-1][1] + LEAST_APART:
            self.reports.append((timestamp, ntp))

    def ntp(self, timestamp: int) -> float | None:
        """The publisher's time of an unwrapped timestamp; None without any report."""
        if not self.reports:
            return None
        place = bisect_right(self.reports, timestamp, key=lambda report: report[0])
        before, after = self.reports[max(place - 1, 0)], self.reports[min(place, len(self.reports) - 1)]
        slope = 1 / self.rate
        if after[0] > before[0]:
            line = (after[1] - before[1]) / (after[0] - before[0])
            slope = line if abs(line * self.rate - 1) < LARGEST_DRIFT else slope
        return before[1] + (timestamp - before[0]) * slope

    def by_arrival(self, timestamp: int) -> float:
        return timestamp / self.rate + self._fastest


class PeerClock:
    """One publisher's NTP clock against the log's."""

    def __init__(self) -> None:
        self._fastest: dict[int, tuple[float, float]] = {}  # minute -> (NTP, least difference)
        self._line: list[tuple[float, float]] = []

    def reported(self, ntp: float, at: float) -> None:
        minute = int(at // BUCKET)
        if minute not in self._fastest or at - ntp < self._fastest[minute][1]:
            self._fastest[minute] = (ntp, at - ntp)
            self._line = []

    def log_time(self, ntp: float) -> float:
        """Seconds of the log at the publisher's time `ntp`; there is at least one report."""
        if not self._line:
            self._line = sorted(self._fastest.values())
        line = self._line
        place = bisect_right(line, ntp, key=lambda point: point[0])
        if place in (0, len(line)):
            return ntp + line[min(place, len(line) - 1)][1]
        (start, before), (end, after) = line[place - 1], line[place]
        return ntp + before + (after - before) * (ntp - start) / (end - start)


class Clocks:
    """All clocks of a log. Feed it everything in order first, then ask."""

    def __init__(self) -> None:
        self.streams: dict[int, StreamClock] = {}
        self._peers: defaultdict[str, PeerClock] = defaultdict(PeerClock)
        self._peer_of: dict[int, str] = {}
        self._unwrappers: defaultdict[int, Unwrapper] = defaultdict(Unwrapper)

    def begin(self, stream: int, peer: str, rate: int) -> None:
        self.streams[stream] = StreamClock(rate)
        self._peer_of[stream] = peer

    def arrived(self, stream: int, timestamp: int, at: float) -> None:
        self.streams[stream].arrived(self._unwrappers[stream].unwrap(timestamp), at)

    def reported(self, clock: Clock) -> None:
        ntp = clock.ntp * NTP_UNIT
        self.streams[clock.stream].reported(self._unwrappers[clock.stream].unwrap(clock.rtp), ntp)
        self._peers[self._peer_of[clock.stream]].reported(ntp, clock.at)

    def captured(self, stream: int, timestamp: int) -> float:
        """Seconds of the log when the unwrapped `timestamp` was captured, less the fastest way's delay."""
        ntp = self.streams[stream].ntp(timestamp)
        if ntp is None:
            return self.streams[stream].by_arrival(timestamp)
        return self._peers[self._peer_of[stream]].log_time(ntp)
