"""What this process has done since it started, in whole numbers that only grow; the last layer above nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counted where it happens, read by `metrics`. `lost`: given up after every repeat; `rejected`: packets that were
    not what they claimed (keys, replays, bounds)."""

    nacks_sent: int = 0
    nacks_received: int = 0
    resent: int = 0
    lost: int = 0
    plis_sent: int = 0
    plis_received: int = 0
    keyframes: int = 0
    dtls_connected: int = 0
    dtls_failed: int = 0
    rejected: int = 0
    joins: int = 0
    refusals: int = 0


tally = Tally()
"""One a process, as the process is what is measured."""
