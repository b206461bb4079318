"""`python -m relay.bench --rooms R --parties P [--seconds S] [--floor]`: prints the figures as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import uvloop

from relay.bench import floor, machine
from relay.bench.canned import Profile
from relay.bench.load import Load, measure


def main() -> int:
    """Runs one measurement; 1 when packets were lost."""
    parser = argparse.ArgumentParser(prog="python -m relay.bench", description="Load on one relay, measured.")
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--parties", type=int, default=4, help="in each room; everybody sees everybody")
    parser.add_argument("--seconds", type=float, default=10, help="measured, after a warm-up")
    parser.add_argument("--video", type=int, default=160, help="video packets/s of each party")
    parser.add_argument("--audio", type=int, default=50, help="audio packets/s of each party")
    parser.add_argument("--floor", action="store_true", help="also measure one sendto and one SRTP protect")
    given = parser.parse_args()
    load = Load(given.rooms, given.parties, given.seconds, Profile(given.video, given.audio))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(measure(load))
    report: dict[str, object] = {
        "rooms": load.rooms,
        "parties": load.parties,
        "video_packets_per_s": load.profile.video,
        "audio_packets_per_s": load.profile.audio,
        **figures,
        "machine": machine.describe(),
    }
    if given.floor:
        report["floor"] = floor.measure()
    print(json.dumps(report, indent=2))
    return 1 if figures["lost"] or figures["silent_tracks"] else 0


if __name__ == "__main__":
    sys.exit(main())
