"""What is killed during a call, and what the two people notice of it."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.browser.pages import Asking, Call, Case
from tests.browser.people import Person, eventually
from tests.browser.test_main_job import is_assigned
from tests.platform.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BACK_SECONDS = 30  # how long is waited; how long it took is printed, the promise is 10


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running
        print(running.log()[-4000:])


@pytest.fixture
def pair(site: Site, meet: Callable[..., Person]) -> tuple[Call, Call]:
    """Two people in a call."""
    doctor, expert = meet("doctor.nitun", site.url), meet("expert.provincial", site.url)
    number = _accepted(site, doctor, expert, meet)
    calls = Call(doctor, number), Call(expert, number)
    for call in calls:
        call.check_devices()
        call.join()
    calls[0].sees_and_hears("expert.provincial")
    calls[1].sees_and_hears("doctor.nitun")
    return calls


def _accepted(site: Site, doctor: Person, expert: Person, meet: Callable[..., Person]) -> int:
    """A request that was asked, assigned and accepted by clicks."""
    request = Asking(doctor)
    number = request.start()
    request.enter_patient()
    request.enter_question()
    request.images_done()
    request.take_consent()
    request.send()
    is_assigned(meet("scheduler", site.url), number, expert.name)
    case = Case(expert, number)
    case.open()
    case.act("accept")
    case.becomes("ACCEPTED")
    return number


def _marked(call: Call) -> None:
    """Lets a reload be told from a page that went on."""
    call.page.evaluate("window.untouched = true")


def _untouched(call: Call) -> bool:
    return bool(call.page.evaluate("window.untouched === true"))


def test_the_call_survives_kill_9_of_the_relay_and_of_the_site(site: Site, pair: tuple[Call, Call]) -> None:
    here, there = pair
    for call in pair:
        _marked(call)

    site.kill9("relay")
    killed = time.monotonic()
    eventually(lambda: "relay" in here.banner(), "a banner says what happened", BACK_SECONDS)
    here.sees_and_hears("expert.provincial", BACK_SECONDS)
    there.sees_and_hears("doctor.nitun", BACK_SECONDS)
    print(f"after kill -9 of the relay both saw and heard each other again in {time.monotonic() - killed:.1f} s")
    eventually(lambda: here.banner() == "", "the banner goes")

    site.kill9("site")
    here.sees_and_hears("expert.provincial", 5)  # media never went through the site
    here.write("还能听见吗？")  # kept by the page until the site is back
    eventually(lambda: there.messages() == ["还能听见吗？"], "the message arrives", BACK_SECONDS)
    here.sees_and_hears("expert.provincial")
    there.sees_and_hears("doctor.nitun")
    assert [_untouched(call) for call in pair] == [True, True]
    here.person.shot("room-after-faults")

    here.page.reload()
    here.sees_and_hears("expert.provincial")  # without the device check
    there.sees_and_hears("doctor.nitun")
    assert not here.page.locator("[data-check]").is_visible()
    tiles = there.page.locator("[data-tile='doctor.nitun']")
    eventually(lambda: tiles.count() == 1, "the reloaded person is shown once")
    here.leave()
    case = Case(here.person, here.number)
    eventually(lambda: case.state() in {"INTERRUPTED", "IN_SESSION"}, "leaving ends nothing")
    assert site.manage("verify_audit")
