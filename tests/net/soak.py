"""`make soak`: hours of people who come, go, vanish and lose packets, against one relay. `SOAK_SECONDS` says how long.

Prints a sample every 15 s and a verdict as JSON lines: memory and file descriptors flat, no room, task or connection
left behind when everybody has gone. Exit code 1 when it is not so.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import sys
import time
import urllib.request
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop
from prometheus_client.parser import text_string_to_metric_families

from relay.bench import machine
from relay.bench.canned import FRAMES_PER_SECOND, Profile
from relay.bench.party import Party
from relay.bench.process import RelayProcess, running_relay
from relay.bench.site import RefusedByRelay, SiteEnd, site_end
from relay.dtls import Certificate
from tests.net.line import CLEAR, Line
from tests.net.proxy import Proxy, proxy

SECONDS = float(os.environ.get("SOAK_SECONDS", 2 * 3600))
SECRET = "soak-secret"
ROOMS, PEOPLE = 4, 5
SAMPLE_EVERY = 15.0
CUT_SECONDS = 3.0
GONE_WITHIN = 60.0
"""Seconds after which somebody who vanished must be gone (45, and the sweep)."""
WARM_UP = 0.2
WARM_UP_SECONDS = 600.0
"""What does not count: a fifth of the time and ten minutes at least. Buffers fill, and what malloc holds settles."""
MAX_GROWTH = 0.05
"""Share by which memory may be higher at the end than after the warm-up."""
LINES = (
    CLEAR,
    Line(loss=0.02, delay=0.02),
    Line(loss=0.05, delay=0.04, jitter=0.01),
    Line(burst=0.1, delay=0.04, reorder=0.02),
    Line(cut=True),
)
GAUGES = ("rooms", "participants", "connections", "tasks", "process_resident_memory_bytes", "process_open_fds")


@dataclass
class Person:
    """Somebody in a room with what keeps them talking."""

    party: Party
    talking: asyncio.Task[None]


class Soak:
    """Random comings and goings; the seed decides them, the machine their moments."""

    def __init__(self, site: SiteEnd, network: Proxy, seed: int) -> None:
        self._site, self._network = site, network
        self._chance = random.Random(seed)
        self._certificate = Certificate()
        self.people: list[Person] = []
        self._joining: set[asyncio.Task[None]] = set()
        self.joins = self.leaves = self.vanished = self.failed = 0

    async def run(self, until: float) -> None:
        """Until that moment (monotonic seconds), then everybody leaves in one way or another."""
        while time.monotonic() < until:
            await self._step()
            await asyncio.sleep(self._chance.uniform(0.1, 0.7))
        self._network.use(CLEAR, CLEAR)
        await asyncio.gather(*self._joining)
        for person in list(self.people):
            await self._end(person)

    async def _step(self) -> None:
        if self._chance.random() < 0.1:
            line = self._chance.choice(LINES)
            self._network.use(line, line)
            if line.cut:
                asyncio.get_running_loop().call_later(CUT_SECONDS, self._network.use, CLEAR, CLEAR)
        present = len(self.people) + len(self._joining)
        if self._chance.random() < (0.7 if present < ROOMS * PEOPLE / 2 else 0.4) and present < ROOMS * PEOPLE:
            joining = asyncio.create_task(self._join())
            self._joining.add(joining)
            joining.add_done_callback(self._joining.discard)
        elif self.people:
            await self._end(self._chance.choice(self.people))

    async def _join(self) -> None:
        room = f"soak-{self._chance.randrange(ROOMS)}"
        party = Party(self._site, room, self._certificate, Profile(video=60, audio=50))
        try:
            async with asyncio.timeout(8):
                await party.publish()
                others = [track for track in self._tracks(room) if track["peer"] != party.peer]
                if others:
                    await party.subscribe(others)
        except (TimeoutError, ConnectionError, RefusedByRelay, IndexError):
            # The line was cut or too bad, or a track ended between the list and the answer (no SSRC for it there).
            self.failed += 1
            party.close()
            return
        self.joins += 1
        self.people.append(Person(party, asyncio.create_task(_talk(party))))

    def _tracks(self, room: str) -> list[dict[str, str]]:
        rooms = [event for event in self._site.events if event["t"] == "room" and event["room"] == room]
        del self._site.events[:-200]
        return list(rooms[-1]["tracks"]) if rooms else []

    async def _end(self, person: Person) -> None:
        self.people.remove(person)
        person.talking.cancel()
        way = self._chance.random()
        if way < 0.4:
            await self._site.ask("leave", room=person.party.room, peer=person.party.peer)
            self.leaves += 1
        elif way < 0.7:
            self._vanish(person.party)
            return
        else:
            self.leaves += 1
        person.party.close()

    def _vanish(self, party: Party) -> None:
        """No farewell: the socket is closed first."""
        self.vanished += 1
        for connection in (party.pub, party.sub):
            connection.abandon()
            connection.close()


async def _talk(party: Party) -> None:
    beat = 0
    while True:
        party.send_audio()
        if beat % 2 == 0:
            party.send_picture()
        if beat % 5 == 0:
            party.send_feedback()
        if beat % FRAMES_PER_SECOND == 0:
            party.send_reports()
        beat += 1
        await asyncio.sleep(1 / 50)


def _metrics(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    every = {sample.name.removeprefix("telemed_relay_"): sample.value for f in families for sample in f.samples}
    return {name: every[name] for name in GAUGES}


async def _metrics_url(relay: RelayProcess) -> str:
    async with asyncio.timeout(10):
        while not (found := re.search(r"metrics tcp=(\d+)", "\n".join(relay.log))):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return f"http://127.0.0.1:{found[1]}/metrics"


async def _sample(url: str, began: float, soak: Soak, samples: list[dict[str, float]]) -> None:
    while True:
        await asyncio.sleep(SAMPLE_EVERY)
        sample = {"at": round(time.monotonic() - began), **await asyncio.to_thread(_metrics, url)}
        samples.append(sample)
        print(json.dumps({**sample, "joins": soak.joins, "here": len(soak.people)}), flush=True)


def verdict(samples: list[dict[str, float]], empty: dict[str, float], left: dict[str, float]) -> dict[str, object]:
    """What is wrong, by name; `empty` is the relay before anybody came, `left` after everybody went."""
    begin = max(samples[-1]["at"] * WARM_UP, min(WARM_UP_SECONDS, samples[-1]["at"] / 2))
    counted = [sample for sample in samples if sample["at"] >= begin]
    memory = [sample["process_resident_memory_bytes"] for sample in counted]
    third = max(len(memory) // 3, 1)
    growth = statistics.median(memory[-third:]) / statistics.median(memory[:third]) - 1
    wrong = []
    if growth > MAX_GROWTH:
        wrong.append("memory")
    if left["process_open_fds"] > empty["process_open_fds"]:
        wrong.append("file descriptors")
    wrong += [name for name in ("rooms", "participants", "connections") if left[name]]
    if left["tasks"] > empty["tasks"]:
        wrong.append("tasks")
    return {"verdict": "flat" if not wrong else "not flat", "wrong": wrong, "memory_growth": round(growth, 4)}


async def main() -> int:
    """The soak; 0 when everything is flat."""
    async with AsyncExitStack() as stack:
        site, port = await stack.enter_async_context(site_end(SECRET))
        network = await stack.enter_async_context(proxy(("127.0.0.1", 0)))
        env = {"RELAY_PUBLIC_PORT": str(network.port), "RELAY_METRICS_PORT": "0", "RELAY_ROOM_SIZE": "100"}
        relay = await stack.enter_async_context(running_relay(port, SECRET, **env))
        network.target = ("127.0.0.1", relay.port)
        await site.connected()
        url = await _metrics_url(relay)
        empty = await asyncio.to_thread(_metrics, url)
        soak, began = Soak(site, network, seed=1), time.monotonic()
        samples: list[dict[str, float]] = []
        sampling = asyncio.create_task(_sample(url, began, soak, samples))
        await soak.run(began + SECONDS)
        sampling.cancel()
        await asyncio.sleep(GONE_WITHIN)
        left = await asyncio.to_thread(_metrics, url)
        errors = [line for line in relay.log if "ERROR" in line or "Traceback" in line]
    report = {
        "seconds": round(time.monotonic() - began),
        "joins": soak.joins,
        "leaves": soak.leaves,
        "vanished": soak.vanished,
        "joins_that_failed_on_a_cut_line": soak.failed,
        "empty": empty,
        "left": left,
        "errors_logged": len(errors),
        "machine": machine.describe(),
        **verdict(samples, empty, left),
    }
    print(json.dumps(report, indent=1), *errors[:5], sep="\n")
    return int(report["verdict"] != "flat" or bool(errors))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
