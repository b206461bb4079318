"""Runs rooms full of parties against one relay and measures both ends."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from relay.bench import floor, machine
from relay.bench.canned import FRAMES_PER_SECOND, Profile
from relay.bench.party import Party
from relay.bench.server import RelayServer, Server
from relay.dtls import Certificate

WARM_UP = 1.5
SETTLE = 0.5
PACER_SLEEP = 0.001
FEEDBACK_INTERVAL = 0.1
"""Seconds between a receiver's feedbacks; browsers take 50 to 250 ms."""
AT_ONCE = 12
"""Connections made at a time."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `parties` in each of `rooms`, of whom `publishers` send, measured for `seconds`."""

    rooms: int
    parties: int
    publishers: int
    seconds: float
    profile: Profile


class Pacer:
    """Calls functions at their intervals (seconds), each with a phase of its own."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._heap: list[tuple[float, int, float, Callable[[], None]]] = []
        self.behind = 0.0

    def every(self, interval: float, call: Callable[[], None]) -> None:
        """Adds a function; never removed."""
        phase = secrets.randbelow(1000) / 1000 * interval
        heapq.heappush(self._heap, (time.monotonic() + phase, next(self._order), interval, call))

    async def run(self) -> None:
        """Until cancelled. `behind` is the worst lateness so far, seconds."""
        while True:
            await asyncio.sleep(PACER_SLEEP)
            now = time.monotonic()
            # A turn is short even when much is due: what arrives must be read in between.
            for _ in range(20):
                due, order, interval, call = self._heap[0]
                if due > now:
                    break
                self.behind = max(self.behind, now - due)
                call()
                heapq.heapreplace(self._heap, (due + interval, order, interval, call))


Serving = Callable[[int], AbstractAsyncContextManager[Server]]
"""Starts a server for rooms of so many and stops it at the end."""


async def measure(load: Load, serving: Serving, with_floor: bool = False) -> dict[str, object]:
    """Starts a server, loads it; the figures, and under `floor` those of the least a packet costs, taken while the load
    goes on."""
    async with serving(load.parties) as server:
        return await _run(load, server, with_floor)


async def _run(load: Load, server: Server, with_floor: bool) -> dict[str, object]:
    empty = machine.resident_bytes(server.pid)
    certificate = Certificate()
    parties = [
        server.party(f"room-{room}", certificate, load.profile)
        for room in range(load.rooms)
        for _ in range(load.parties)
    ]
    pacer = Pacer()
    await _connect(parties, server, load, pacer)
    pacing = asyncio.create_task(pacer.run())
    try:
        await asyncio.sleep(WARM_UP)
        figures = await _window(load, parties, server, pacer)
        if with_floor:
            figures["floor"] = await floor.measure_beside()
        if isinstance(server, RelayServer):
            figures["native"] = server.is_native
    finally:
        pacing.cancel()
    await asyncio.sleep(SETTLE)
    figures |= _losses(parties)
    full = machine.resident_bytes(server.pid)
    figures["rss_mb"] = round(full / 1e6, 1)
    figures["kb_per_participant"] = round((full - empty) / len(parties) / 1e3)
    for party in parties:
        party.close()
    return figures


async def _connect(parties: list[Party], server: Server, load: Load, pacer: Pacer) -> None:
    for position, party in enumerate(parties):
        party.publishes = position % load.parties < load.publishers
    first = parties[:: load.parties]
    for party in first:  # who makes the room
        await _enter(party)
    await _some_at_once([_enter(party) for party in parties if party not in first])
    await _some_at_once([_watch(party, server) for party in parties])
    for party in parties:
        pacer.every(1.0, party.send_reports)
        pacer.every(FEEDBACK_INTERVAL, party.send_feedback)
        if not party.publishes:
            continue
        if load.profile.audio:
            pacer.every(1 / load.profile.audio, party.send_audio)
        pacer.every(1 / FRAMES_PER_SECOND, party.send_picture)


async def _enter(party: Party) -> None:
    await (party.publish() if party.publishes else party.join())


async def _watch(party: Party, server: Server) -> None:
    tracks = await server.tracks(party.room)
    party.tracks = {track["id"]: track["kind"] for track in tracks if track["peer"] == party.peer}
    if others := [track for track in tracks if track["peer"] != party.peer]:
        await party.subscribe(others)


async def _some_at_once(calls: list[Coroutine[None, None, None]]) -> None:
    """Janus misses the first flight of every handshake, and the second comes a second later: many wait together."""
    room = asyncio.Semaphore(AT_ONCE)

    async def act(call: Coroutine[None, None, None]) -> None:
        async with room:
            await call

    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(act(call))


async def _window(load: Load, parties: list[Party], server: Server, pacer: Pacer) -> dict[str, object]:
    pacer.behind = 0.0
    sent = _sent(parties)
    busy, own, at = machine.cpu_seconds(server.pid), time.process_time(), time.monotonic()
    for party in parties:
        party.measuring = True
    await asyncio.sleep(load.seconds)
    busy = machine.cpu_seconds(server.pid) - busy
    own, passed = time.process_time() - own, time.monotonic() - at
    for party in parties:
        party.measuring = False
    received = sum(party.received for party in parties)
    delays = sorted(delay for party in parties for delay in party.delays)
    return {
        "seconds": round(passed, 2),
        "packets_in_per_s": round((_sent(parties) - sent) / passed),
        "packets_out_per_s": round(received / passed),
        "relay_cpu_s": round(busy, 2),
        "relay_cpu_share": round(busy / passed, 3),
        "us_cpu_per_packet_sent": round(busy / max(received, 1) * 1e6, 2),
        "delay_ms_p50": _percentile(delays, 0.5),
        "delay_ms_p99": _percentile(delays, 0.99),
        "generator_cpu_share": round(own / passed, 3),
        "generator_behind_ms": round(pacer.behind * 1e3, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _sent(parties: list[Party]) -> int:
    return sum(source.count for party in parties for source in party.sources.values())


def _percentile(ordered: list[int], share: float) -> float | None:
    return round(ordered[int((len(ordered) - 1) * share)] / 1e6, 2) if ordered else None


def _losses(parties: list[Party]) -> dict[str, object]:
    """Packets sent from the first one a receiver saw on, less what it got; silent tracks count as well."""
    by_room: dict[str, list[Party]] = {}
    for party in parties:
        by_room.setdefault(party.room, []).append(party)
    lost = expected = silent = 0
    for members in by_room.values():
        for receiver in members:
            for sink in receiver.sinks.values():
                sender = next(m for m in members if m.tracks.get(sink.track))
                last = sender.sources[sender.tracks[sink.track]].count
                if last == 0:
                    continue
                silent += sink.received == 0
                expected += last - sink.first + 1
                lost += last - sink.first + 1 - sink.received
    return {"lost": lost, "expected": expected, "silent_tracks": silent}
