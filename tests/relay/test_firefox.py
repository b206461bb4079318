"""Firefox and Chromium through the relay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.bench import machine
from tests.relay.browser import BrowserStage, Guest, browser_stage
from tests.relay.firefox import firefox
from tests.relay.test_chromium import sees_and_hears

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def stage() -> Iterator[BrowserStage]:
    """Firefox sends nothing to a relay on a loopback address."""
    with browser_stage(RELAY_PUBLIC_ADDRESS=machine.own_address()) as stage:
        yield stage


@pytest.fixture
def fox(stage: BrowserStage) -> Iterator[Guest]:
    with firefox(stage.url) as page:
        yield Guest(stage.background, stage.site, page, "foxes", "fox")


def test_chromium_and_firefox_see_and_hear_each_other(stage: BrowserStage, fox: Guest) -> None:
    ann = stage.guest("foxes", "ann")
    for guest in (ann, fox):
        assert guest.join()["fresh"] is True
        guest.publish()
    for guest in (ann, fox):
        guest.subscribe(stage.tracks("foxes", 4, besides=guest.peer))
    for guest in (ann, fox):
        sees_and_hears(guest)
