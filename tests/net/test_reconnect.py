"""Networks that change or vanish during a call in the real room: how the pages come back by themselves.

How long was waited is printed; what is promised is 3 s after a new path works, and 2 s for a reload.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.browser.pages import Call
from tests.browser.people import Person, eventually
from tests.net.calls import DOCTOR, EXPERT, Lines, joined, until_both_flow
from tests.net.line import CLEAR, Line
from tests.platform.site import Site
from tests.relay.browser import Background

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]
PATIENCE = 30
"""How long is waited on a busy machine."""
CUT = Line(cut=True)


@pytest.fixture
def call(meet: Callable[..., Person]) -> Iterator[tuple[Call, Call, Lines]]:
    """Two people who see and hear each other, each through a line of their own."""
    background = Background()
    with Site() as site:
        lines = Lines(background, site.relay_port)
        doctor, expert = meet(DOCTOR, site.url), meet(EXPERT, site.url)
        for person in (doctor, expert):
            lines.use(person)
        calls = joined(site, doctor, expert)
        yield (*calls, lines)
        print(site.log()[-3000:])
        lines.close()
    background.stop()


def cut(lines: Lines, *names: str) -> None:
    for name in names:
        lines.change(name, lambda proxy: proxy.use(CUT, CUT))


def mend(lines: Lines, *names: str) -> None:
    for name in names:
        lines.change(name, lambda proxy: proxy.use(CLEAR, CLEAR))


def test_changed_addresses_a_lost_path_and_a_reload(call: tuple[Call, Call, Lines]) -> None:
    here, there, lines = call
    here.page.evaluate("window.untouched = true")

    lines.change(DOCTOR, lambda proxy: proxy.move_clients())
    print(f"another address: both again after {until_both_flow(here, there, PATIENCE):.1f} s")

    # The address the page knows is dead in both directions, until it asks for another: a restart.
    cut(lines, DOCTOR)
    eventually(lambda: here.page.locator("[data-banner=media]").count(), "the page says so", PATIENCE)
    lines.change(DOCTOR, lambda proxy: proxy.move_clients())
    mend(lines, DOCTOR)
    print(f"a lost path: both again {until_both_flow(here, there, PATIENCE):.1f} s after there was a new one")
    eventually(lambda: here.banner() == "", "the banner goes", PATIENCE)
    assert here.page.evaluate("window.untouched")

    began = time.monotonic()
    here.page.reload()
    until_both_flow(here, there, PATIENCE)
    print(f"a reload: both again after {time.monotonic() - began:.1f} s")


def test_thirty_seconds_without_a_network(call: tuple[Call, Call, Lines]) -> None:
    """Media and site are both unreachable, and the page is not touched."""
    here, there, lines = call
    here.page.evaluate("window.untouched = true")
    here.person.context.set_offline(True)
    cut(lines, DOCTOR)
    time.sleep(30)
    tile = there.page.locator(f"[data-tile='{DOCTOR}']")
    assert tile.count() == 1  # still a participant
    here.person.context.set_offline(False)
    mend(lines, DOCTOR)
    print(f"30 s without a network: both again after {until_both_flow(here, there, PATIENCE):.1f} s")
    assert here.page.evaluate("window.untouched")
