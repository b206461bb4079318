"""Runs one scenario in the laboratory and says what each person got."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

from tests.net.measure import Look, between, look
from tests.net.scenarios import ANN, BEN, BOTH, Scenario, Step
from tests.net.stage import Complaints, Laboratory
from tests.relay.browser import Guest, until
from tests.relay.clients import Client

PERIOD = 1.0
"""Seconds between two looks of the course."""


class Run:
    """Ann publishes, Ben watches in Chromium, Cid watches with aiortc on a line like Ben's."""

    def __init__(self, lab: Laboratory, scenario: Scenario) -> None:
        self._lab, self._scenario = lab, scenario
        self._room = f"lab-{time.monotonic_ns()}"
        self.ann, self.ben = lab.person(self._room, ANN), lab.person(self._room, BEN)
        self.cid: Client = lab.client(self._room, "cid")
        width, height = scenario.size
        self.ann.publish({"width": width, "height": height})
        tracks = lab.tracks(self._room, 2, besides=BEN)
        self.ben.subscribe(tracks)
        lab.background.run(self._watch(tracks))
        until(lambda: sum(self.ben.frames()) > 10)

    async def _watch(self, tracks: list[dict[str, str]]) -> None:
        await self.cid.join()
        await self.cid.subscribe(tracks)

    def measure(self) -> dict[str, Any]:
        """The figures of the scenario."""
        steps = list(self._scenario.steps)
        for step in [step for step in steps if step.at == 0]:
            self._take(step)
        time.sleep(self._scenario.settle)
        complaints = Complaints()
        logging.getLogger("aiortc").addHandler(complaints)
        counts = self._cid_frames()
        course = [look(self.ben)]
        started = time.monotonic()
        back: float | None = None
        for step in [*(step for step in steps if step.at > 0), None]:
            until_ = started + (step.at if step else self._scenario.seconds)
            while (left := until_ - time.monotonic()) > 0:
                time.sleep(min(left, PERIOD))
                course.append(look(self.ben))
            if step is not None:
                self._take(step)
                if step.at == self._scenario.back:
                    back = self._until_pictures()
        logging.getLogger("aiortc").removeHandler(complaints)
        return {
            "scenario": self._scenario.name,
            **between(course[0], course[-1]),
            "back_after_s": back,
            "aiortc_frames_per_s": round((self._cid_frames() - counts) / (time.monotonic() - started), 1),
            "aiortc_decode_errors": complaints.count,
            "longest_queue_ms": self._longest_queue(),
            "course_kbit_s": _course(course),
        }

    def _take(self, step: Step) -> None:
        people: dict[str, list[Guest | Client]] = {ANN: [self.ann], BEN: [self.ben, self.cid]}
        people[BOTH] = [*people[ANN], *people[BEN]]
        for person in people[step.who]:
            assert person.proxy is not None
            if step.act == "move":
                self._lab.move(person.proxy)
            else:
                self._lab.change(person.proxy, step.up or step.line, step.down or step.line)

    def _until_pictures(self) -> float:
        """Seconds until Ben's picture moves and he hears something again."""
        began, pictures, sound = time.monotonic(), sum(self.ben.frames()), sum(self.ben.energy())
        until(lambda: sum(self.ben.frames()) > pictures + 2 and sum(self.ben.energy()) > sound, 60)
        return round(time.monotonic() - began, 1)

    def _cid_frames(self) -> int:
        return sum(r.frames for r in self.cid.received.values() if r.track.kind == "video")

    def _longest_queue(self) -> int:
        networks = [person.proxy for person in (self.ann, self.ben)]
        links = [link for network in networks if network is not None for link in (network.up, network.down)]
        return round(max(link.count.longest_queue for link in links) * 1000)

    def close(self) -> None:
        """Everybody leaves."""
        for guest in (self.ann, self.ben):
            guest.ask("leave")
            guest.page.context.close()
        self._lab.background.run(self.cid.close())


def _course(looks: list[Look]) -> list[int]:
    """kbit/s of video from one look to the next."""
    pairs = itertools.pairwise(looks)
    return [round((b.video - a.video) * 8 / max(b.at - a.at, 0.01) / 1000) for a, b in pairs]


def run(lab: Laboratory, scenario: Scenario) -> dict[str, Any]:
    """One scenario from an empty room to an empty room."""
    people = Run(lab, scenario)
    try:
        return people.measure()
    finally:
        people.close()
