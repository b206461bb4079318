"""One network goes and another one comes during a call, in the real pages: the cable is pulled and a mobile network
takes over. The doctor's computer is a network namespace with two interfaces, which needs root.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.pages import Call
from tests.browser.people import CHROMIUM, Person, eventually
from tests.browser.test_relays import WATCH_GAPS
from tests.net.calls import DOCTOR, EXPERT, joined, until_both_flow
from tests.net.namespace import SERVER, Computer, computer
from tests.platform.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]
GAP_SECONDS = 3.0  # without media when the interface changes
PATIENCE = 30


@pytest.fixture
def laptop() -> Iterator[Computer]:
    with computer() as laptop:
        yield laptop


@pytest.fixture
def call(laptop: Computer, meet: Callable[..., Person], tmp_path: Path) -> Iterator[tuple[Call, Call]]:
    """The doctor on the laptop and the expert here see and hear each other."""
    # Bound to its address, or answers by each cable would come from this machine's end of that cable.
    relay = {"RELAY_PUBLIC_ADDRESS": SERVER, "RELAY_BIND": SERVER}
    with Site(HOST="0.0.0.0", ALLOWED_HOSTS=f"127.0.0.1,{SERVER}", **relay) as site:
        doctor = meet(DOCTOR, f"http://{SERVER}:{site.port}", program=laptop.program(CHROMIUM, tmp_path))
        calls = joined(site, doctor, meet(EXPERT, site.url))
        yield calls
        print(site.log()[-3000:])


def test_media_are_back_within_three_seconds_of_another_interface(laptop: Computer, call: tuple[Call, Call]) -> None:
    here, _ = call
    here.page.evaluate("window.untouched = true")
    for one in call:
        one.page.evaluate(WATCH_GAPS)

    def gap(what: str, change: Callable[[], None]) -> float:
        """The longest time that somebody saw or heard nothing new."""
        for one in call:
            one.page.evaluate("window.gaps.video = window.gaps.audio = 0")
        change()
        until_both_flow(*call, PATIENCE)
        eventually(lambda: here.banner() == "", "the banner goes", PATIENCE)
        time.sleep(3)  # and nothing breaks once more
        longest = max(gap for one in call for gap in one.page.evaluate("window.gaps").values())
        print(f"{what}: both saw and heard again after {longest:.1f} s")
        return float(longest)

    def another() -> None:
        laptop.pull(laptop.lan)
        laptop.plug(laptop.mobile)

    def the_better_one() -> None:
        laptop.plug(laptop.lan)
        time.sleep(2)
        laptop.pull(laptop.mobile)

    gaps = [gap("cable pulled, mobile comes", another), gap("cable comes, mobile goes", the_better_one)]
    assert max(gaps) < GAP_SECONDS
    assert here.page.evaluate("window.untouched")
