"""`python -m relay.bench --rooms R --parties P [--against janus] [--repeat N] [--floor]`: prints JSON.

Servers that are compared take turns in one run on one machine; each figure is the median of its turns, because the
machine's speed drifts. Only the ratios mean something.
"""

from __future__ import annotations

import argparse
import json
import sys

from relay.bench.canned import Profile
from relay.bench.compare import PEERS, compare
from relay.bench.janus import JanusMissing
from relay.bench.load import Load


def main() -> int:
    """Runs the measurements; 1 when our relay lost packets, 2 when a peer is not installed."""
    parser = argparse.ArgumentParser(prog="python -m relay.bench", description="Load on one relay, measured.")
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--parties", type=int, default=4, help="in each room; everybody sees everybody")
    parser.add_argument("--publishers", type=int, help="of the parties of a room; the others watch (default: all)")
    parser.add_argument("--seconds", type=float, default=10, help="measured, after a warm-up")
    parser.add_argument("--video", type=int, default=160, help="video packets/s of each party")
    parser.add_argument("--audio", type=int, default=50, help="audio packets/s of each party")
    parser.add_argument("--against", choices=sorted(PEERS), action="append", default=[], help="also load this server")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each server; medians are printed")
    parser.add_argument("--floor", action="store_true", help="also measure one sendto and one SRTP protect")
    parser.add_argument("--pure", action="store_true", help="our relay without its compiled code")
    given = parser.parse_args()
    profile = Profile(given.video, given.audio)
    load = Load(given.rooms, given.parties, given.publishers or given.parties, given.seconds, profile)
    try:
        report = compare(load, {name: PEERS[name] for name in given.against}, given.repeat, given.floor, given.pure)
    except JanusMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2))
    return 1 if report["lost"] or report["silent_tracks"] else 0


if __name__ == "__main__":
    sys.exit(main())
