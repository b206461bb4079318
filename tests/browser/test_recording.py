"""A recorded call in two browsers: asked, agreed, seen by both, moved to another relay, its relay killed, played."""

from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.browser.pages import Call, talking
from tests.browser.people import Person, eventually
from tests.browser.test_relays import accepted, placed, process_of
from tests.platform.site import Site
from tests.recording.test_whole_way import CONSENT, STATE, rows

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]
LOGS = "SELECT seconds FROM consult_recordinglog WHERE recording_id = ? AND size > 0 ORDER BY id"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(RELAYS="2", RELAY_PORT="0") as running:
        yield running
        print(running.log()[-6000:])


@pytest.fixture
def pair(site: Site, meet: Callable[..., Person]) -> tuple[Call, Call]:
    """Two people in a call; the patient has agreed to a recording."""
    number = accepted(site)
    site.python(CONSENT.format(pk=number))
    phone = meet("expert.provincial", site.url, viewport={"width": 360, "height": 740})
    return talking(meet("doctor.nitun", site.url), phone, number)


def strip(call: Call) -> str:
    line = call.page.locator("[data-recording]")
    return str(line.get_attribute("data-recording")) if line.count() else ""


def both(pair: tuple[Call, Call], state: str) -> None:
    for call in pair:
        eventually(lambda call=call: strip(call) == state, f"{call.person.username} reads {state}", 60)


def seconds_of(site: Site, number: int) -> list[float]:
    return [seconds for (seconds,) in rows(site, LOGS, number)]


def test_a_recording_goes_on_when_its_relay_is_drained_and_when_one_is_killed(
    site: Site, pair: tuple[Call, Call]
) -> None:
    here, there = pair
    here.page.locator("[data-control=record]").click()
    eventually(lambda: strip(there) == "asked", "the other is asked")
    assert strip(here) == "waiting"
    there.person.shot("recording-asked")
    there.page.get_by_role("button", name="I agree").click()
    both(pair, "running")
    [(number, state, _, _)] = rows(site, STATE, here.number)
    assert state == "RUNNING"
    eventually(lambda: len(seconds_of(site, number)) == 1, "a log arrives")
    for call in pair:
        clock = call.page.locator("[data-recorded]")
        eventually(lambda clock=clock: (clock.inner_text() or "00:00") >= "00:03", "the clock counts")
        call.person.shot(f"recording-running-{call.person.username}")

    first = placed(site)
    site.manage("relays", "drain", first)
    second = eventually(lambda: (now := placed(site)) != first and now, "the room has moved")
    eventually(lambda: len(seconds_of(site, number)) == 2, "the other relay records", 60)
    both(pair, "running")
    here.sees_and_hears("expert.provincial")

    site.manage("relays", "undrain", first)
    psutil.Process(process_of(site, second)).kill()
    here.sees_and_hears("expert.provincial", 60)
    eventually(lambda: len(seconds_of(site, number)) == 3, "it is recorded again", 60)
    both(pair, "running")
    eventually(lambda: strip(here) == "running", "it goes on")
    here.page.wait_for_timeout(3000)

    there.page.get_by_role("button", name="I withdraw my consent").click()
    both(pair, "ended")
    here.person.shot("recording-ended")
    assert "withdrawn" in here.page.locator("[data-recording]").inner_text()
    here.sees_and_hears("expert.provincial")  # the call goes on
    eventually(lambda: rows(site, STATE, here.number)[0][1] == "READY", "the films are cut", 180)
    played(here, number, rows(site, STATE, here.number)[0][3])


def played(call: Call, number: int, seconds: float) -> None:
    """Both people, to the end."""
    page = call.page
    call.person.go(f"/consultations/{call.number}/recordings/{number}/")
    page.get_by_role("button", name="Play").click()
    films = "[...document.querySelectorAll('[data-film] video')]"
    assert page.evaluate(f"{films}.length") == 2
    eventually(lambda: page.evaluate(f"{films}.every(film => film.currentTime > 1)"), "both play")
    page.get_by_label("Position").evaluate(
        "(node, at) => { node.value = String(at); node.dispatchEvent(new Event('change')); }", seconds - 2
    )
    eventually(lambda: page.evaluate(f"{films}.some(film => !film.paused)"), "it plays near its end")
    call.person.shot("recording-played")
    label = page.locator("[data-play] [data-label]")
    eventually(lambda: label.inner_text() == "Play", "it ends")
    assert page.evaluate(f"{films}.map(film => film.error)") == [None, None]
    assert page.locator("[data-trouble]").inner_text() == ""
