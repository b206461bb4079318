"""Which packets are missing and when to ask for them again (RFC 4585 section 6.2.1). Sends nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from relay.tally import tally

REORDER_DELAY = 0.01
"""Seconds to wait for a packet that was merely overtaken."""
MAX_TRIES = 10
MAX_AGE = 1.5
MAX_MISSING = 250
MIN_RETRY = 0.03
PATIENCE = 1.05
"""Round trips until a packet is asked for again. Chromium repeats none twice within one."""
DEFAULT_RTT = 0.1


@dataclass(slots=True)
class _Missing:
    since: float
    due: float
    tries: int = 0
    asked: float = 0.0


class NackList:
    """Missing packets of one stream. Sequence numbers are unwrapped, times monotonic seconds."""

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self.rtt = DEFAULT_RTT
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._missing)

    def gap(self, first: int, end: int, now: float) -> bool:
        """Packets `first` to `end` - 1 were skipped. False when too many are missing to be worth asking for."""
        if end - first + len(self._missing) > MAX_MISSING:
            self.given_up += end - first
            self.clear()
            return False
        for index in range(first, end):
            self._missing[index] = _Missing(now, now + REORDER_DELAY)
        return True

    def clear(self) -> None:
        """Asks for nothing of what is missing now."""
        self.given_up += len(self._missing)
        self._missing.clear()

    def arrived(self, index: int, now: float) -> None:
        """Packet `index` came late or again; its delay tells the round trip time if it was asked for once."""
        entry = self._missing.pop(index, None)
        if entry is not None and entry.tries == 1:
            self.rtt += (min(now - entry.asked, 1.0) - self.rtt) / 8

    def due(self, now: float) -> list[int]:
        """The packets to ask for now, ascending; drops those not worth another try."""
        asking: list[int] = []
        for index, entry in list(self._missing.items()):
            if entry.due > now:
                continue
            if entry.tries >= MAX_TRIES or now - entry.since > MAX_AGE:
                del self._missing[index]
                self.given_up += 1
                tally.lost += 1
                continue
            entry.tries += 1
            entry.asked = now
            entry.due = now + max(self.rtt * PATIENCE, MIN_RETRY)
            asking.append(index)
        return sorted(asking)

    def next_due(self) -> float | None:
        """When `due` has something to say again; None when nothing is missing."""
        return min((entry.due for entry in self._missing.values()), default=None)
