"""`python -m relay.bench --rooms R --parties P [--seconds S] [--against janus] [--repeat N] [--floor]`: figures as JSON.

Servers that are compared take turns in one run on one machine; each figure is the median of its turns, because the
machine's speed drifts. Only the ratios mean something.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from typing import Any

import uvloop

from relay.bench import floor, machine
from relay.bench.canned import Profile
from relay.bench.janus import JanusMissing, janus_server
from relay.bench.load import Load, Serving, measure
from relay.bench.server import relay_server

PEERS: dict[str, Serving] = {"janus": janus_server}
Figures = dict[str, Any]


def main() -> int:
    """Runs the measurements; 1 when our relay lost packets, 2 when a peer is not installed."""
    parser = argparse.ArgumentParser(prog="python -m relay.bench", description="Load on one relay, measured.")
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--parties", type=int, default=4, help="in each room; everybody sees everybody")
    parser.add_argument("--seconds", type=float, default=10, help="measured, after a warm-up")
    parser.add_argument("--video", type=int, default=160, help="video packets/s of each party")
    parser.add_argument("--audio", type=int, default=50, help="audio packets/s of each party")
    parser.add_argument("--against", choices=sorted(PEERS), action="append", default=[], help="also load this server")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each server; medians are printed")
    parser.add_argument("--floor", action="store_true", help="also measure one sendto and one SRTP protect")
    given = parser.parse_args()
    load = Load(given.rooms, given.parties, given.seconds, Profile(given.video, given.audio))
    try:
        report = compare(load, {name: PEERS[name] for name in given.against}, given.repeat, given.floor)
    except JanusMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2))
    return 1 if report["lost"] or report["silent_tracks"] else 0


def compare(load: Load, peers: dict[str, Serving], repeat: int, with_floor: bool) -> Figures:
    """Our relay's figures, those of `peers` under `against` with the ratio of CPU per packet sent, and the floor."""
    turns: dict[str, list[Figures]] = {"relay": []} | {name: [] for name in peers}
    floors: list[Figures] = []
    for _ in range(repeat):
        for name, serving in {"relay": relay_server, **peers}.items():
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                turns[name].append(runner.run(measure(load, serving)))
        if with_floor:
            floors.append(floor.measure())
    ours = _median(turns["relay"])
    cost = ours["us_cpu_per_packet_sent"]
    report: Figures = {
        "rooms": load.rooms,
        "parties": load.parties,
        "video_packets_per_s": load.profile.video,
        "audio_packets_per_s": load.profile.audio,
        "turns": repeat,
        **ours,
    }
    for name in peers:
        theirs = _median(turns[name])
        theirs["ours_to_theirs"] = round(cost / theirs["us_cpu_per_packet_sent"], 3)
        report.setdefault("against", {})[name] = theirs
    if floors:
        report["floor"] = _median(floors)
        report["times_the_floor"] = round(cost / report["floor"]["us"], 2)
    return report | {"machine": machine.describe()}


def _median(turns: list[Figures]) -> Figures:
    """The median of each figure; what was lost is added up."""
    summed = ("lost", "expected", "silent_tracks")
    return {
        key: sum(t[key] for t in turns) if key in summed else round(statistics.median(t[key] for t in turns), 3)
        for key in turns[0]
    }


if __name__ == "__main__":
    sys.exit(main())
