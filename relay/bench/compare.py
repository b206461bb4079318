"""Several servers under the same load, turn by turn, and their cost as ratios."""

from __future__ import annotations

import asyncio
import statistics
from functools import partial
from typing import Any, cast

import uvloop

from relay.bench import floor, machine
from relay.bench.janus import janus_server
from relay.bench.load import Load, Serving, measure
from relay.bench.mediarelay import mediarelay_server
from relay.bench.server import relay_server

Variants = dict[str, Serving]
"""A server set up in several ways, of which the one that costs least counts."""
PEERS: dict[str, Variants] = {
    "janus": {"a thread for each connection": janus_server, "event_loops = 2": partial(janus_server, loops=2)},
    "mediarelay": {"": mediarelay_server},
}
Figures = dict[str, Any]
OURS = ("relay", "")


def compare(load: Load, peers: dict[str, Variants], repeat: int, with_floor: bool, pure: bool = False) -> Figures:
    """Our relay's figures (`pure`: without compiled code), those of `peers` under `against` with the ratio of CPU per
    packet sent, and the floor: what one SRTP protect and one sendto cost while the relay is loaded, and when the
    machine has nothing else to do."""
    servers: dict[tuple[str, str], Serving] = {
        (name, way): serving for name, ways in peers.items() for way, serving in ways.items()
    }
    servers[OURS] = partial(relay_server, pure=pure)
    turns: dict[tuple[str, str], list[Figures]] = {name: [] for name in servers}
    floors: list[Figures] = []
    idle: list[Figures] = []
    for _ in range(repeat):
        for server, serving in servers.items():
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(measure(load, serving, with_floor and server == OURS))
            if "floor" in figures:
                floors.append(cast(Figures, figures.pop("floor")))
                idle.append(floor.measure())
            turns[server].append(figures)
    ours = _median(turns[OURS])
    cost = ours["us_cpu_per_packet_sent"]
    report: Figures = {
        "rooms": load.rooms,
        "parties": load.parties,
        "publishers": load.publishers,
        "video_packets_per_s": load.profile.video,
        "audio_packets_per_s": load.profile.audio,
        "turns": repeat,
        **ours,
    }
    for name, ways in peers.items():
        best = min(ways, key=lambda way: float(_median(turns[name, way])["us_cpu_per_packet_sent"]))
        theirs = _median(turns[name, best]) | {"set_up": best}
        theirs["ours_to_theirs"] = round(statistics.median(_ratios(turns[OURS], turns[name, best])), 3)
        report.setdefault("against", {})[name] = theirs
    if floors:
        report["floor"] = _median(floors)
        report["times_the_floor"] = round(cost / report["floor"]["us"], 2)
        report["floor_of_an_idle_machine"] = _median(idle)
    return report | {"machine": machine.describe()}


def _ratios(ours: list[Figures], theirs: list[Figures]) -> list[float]:
    """CPU per packet sent, ours to theirs, turn by turn."""
    cost = "us_cpu_per_packet_sent"
    return [one[cost] / other[cost] for one, other in zip(ours, theirs, strict=True)]


def _median(turns: list[Figures]) -> Figures:
    """The median of each figure; what was lost is added up."""
    found: Figures = {}
    for key in turns[0]:
        values = [turn[key] for turn in turns]
        if None in values:
            found[key] = None
        elif key in ("lost", "expected", "silent_tracks"):
            found[key] = sum(values)
        elif isinstance(values[0], bool):
            found[key] = all(values)
        else:
            found[key] = round(statistics.median(values), 3)
    return found
