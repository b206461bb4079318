"""Runs one scenario in the laboratory and says what each person got."""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import dataclass
from typing import Any

from tests.net.line import Link
from tests.net.measure import Look, between, look
from tests.net.scenarios import ANN, BEN, BOTH, Scenario, Step
from tests.net.stage import Complaints, Laboratory
from tests.relay.browser import Guest, until
from tests.relay.clients import Client

PERIOD = 1.0
"""Seconds between two looks of the course."""
RECOVERED = 0.7
"""Share of the bit rate before a line got narrow from which on the picture counts as back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What Ben has received `at` seconds after the beginning, and how many datagrams narrow lines have dropped."""

    at: float
    look: Look
    overflowed: int


class Run:
    """Ann publishes, Ben watches in Chromium, Cid watches with aiortc on a line like Ben's."""

    def __init__(self, lab: Laboratory, scenario: Scenario) -> None:
        self._lab, self._scenario = lab, scenario
        self._room = f"lab-{time.monotonic_ns()}"
        self._course: list[Moment] = []
        self._began = 0.0
        self.ann, self.ben = lab.person(self._room, ANN), lab.person(self._room, BEN)
        self.cid: Client = lab.client(self._room, "cid")

    def meet(self) -> None:
        """Ben and Cid see Ann."""
        width, height = self._scenario.size
        self.ann.publish({"width": width, "height": height}, self._scenario.layers)
        tracks = self._lab.tracks(self._room, 2, besides=BEN)
        self.ben.subscribe(tracks)
        self._lab.background.run(self._watch(tracks))
        until(lambda: sum(self.ben.frames()) > 10)

    async def _watch(self, tracks: list[dict[str, str]]) -> None:
        await self.cid.join()
        await self.cid.subscribe(tracks)

    def measure(self) -> dict[str, Any]:
        """The figures of the scenario."""
        for step in [step for step in self._scenario.steps if step.at == 0]:
            self._take(step)
        time.sleep(self._scenario.settle)
        complaints = Complaints()
        logging.getLogger("aiortc").addHandler(complaints)
        counts = self._cid_frames()
        self._began = time.monotonic()
        self._look()
        back = self._play()
        logging.getLogger("aiortc").removeHandler(complaints)
        down, up = self._followed()
        return {
            "scenario": self._scenario.name,
            **between(self._course[0].look, self._course[-1].look),
            "back_after_s": back,
            "down_after_s": down,
            "up_after_s": up,
            "aiortc_frames_per_s": round((self._cid_frames() - counts) / (time.monotonic() - self._began), 1),
            "aiortc_decode_errors": complaints.count,
            "longest_queue_ms": self._longest_queue(),
            "course_kbit_s": [rate for _, rate in self._rates()],
        }

    def _play(self) -> float | None:
        """Everything that happens, with looks meanwhile; how long Ben was without a picture after `back`."""
        back: float | None = None
        for step in [*(step for step in self._scenario.steps if step.at > 0), None]:
            end = self._began + (step.at if step else self._scenario.seconds)
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, PERIOD))
                self._look()
            if step is not None:
                self._take(step)
                if step.at == self._scenario.back:
                    back = self._until_pictures()
                    self._look()
        return back

    def _look(self) -> None:
        overflowed = sum(link.count.overflowed for link in self._links())
        self._course.append(Moment(time.monotonic() - self._began, look(self.ben), overflowed))

    def _rates(self) -> list[tuple[float, int]]:
        """When each stretch of the course ended, and its kbit/s of video."""
        found = []
        for one, two in itertools.pairwise(self._course):
            seconds = max(two.look.at - one.look.at, 0.01)
            found.append((two.at, round((two.look.video - one.look.video) * 8 / seconds / 1000)))
        return found

    def _followed(self) -> tuple[float | None, float | None]:
        """Seconds after the line got narrow in which it still had to drop something; seconds after it got wide until
        the picture had its rate again, None when it never had. To the next `PERIOD`."""
        if self._scenario.narrow is None:
            return None, None
        narrow, wide = self._scenario.narrow
        dropped = [
            two.at
            for one, two in itertools.pairwise(self._course)
            if narrow < two.at <= wide and two.overflowed > one.overflowed
        ]
        before = [rate for at, rate in self._rates() if narrow - 5 < at <= narrow]
        enough = RECOVERED * sum(before) / len(before)
        up = next(
            (round(at - wide, 1) for at, rate in self._rates() if at > wide + PERIOD / 2 and rate >= enough), None
        )
        return round(max([at - narrow for at in dropped], default=0.0), 1), up

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

    def _links(self) -> list[Link]:
        networks = [person.proxy for person in (self.ann, self.ben)]
        return [link for network in networks if network is not None for link in (network.up, network.down)]

    def _longest_queue(self) -> int:
        return round(max(link.count.longest_queue for link in self._links()) * 1000)

    def close(self) -> None:
        """Everybody leaves."""
        for guest in (self.ann, self.ben):
            guest.ask("leave")
            guest.page.context.close()
        self._lab.background.run(self.cid.close())


def run(lab: Laboratory, scenario: Scenario) -> dict[str, Any]:
    """One scenario from an empty room to an empty room; what it leaves behind when it fails is the caller's."""
    people = Run(lab, scenario)
    people.meet()
    measured = people.measure()
    people.close()
    return measured
