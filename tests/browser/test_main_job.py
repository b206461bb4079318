"""The main job, end to end, as two people live through it in two Chromium profiles."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.pages import OPINION, Asking, Call, Case
from tests.browser.people import Person, eventually
from tests.platform.site import LargeSite, Site

SMALL = pytest.param("small", marks=pytest.mark.browser)
LARGE = pytest.param("large", marks=[pytest.mark.browser, pytest.mark.large])


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "small":
        with Site() as running:
            yield running
            print(running.log()[-6000:])  # shown when the test failed
    else:
        with LargeSite(*request.getfixturevalue("large_servers")) as running:
            yield running
            print(running.log()[-6000:])


@pytest.mark.slow
@pytest.mark.parametrize("site", [SMALL, LARGE], indirect=True)
def test_a_township_doctor_asks_and_a_specialist_answers(
    site: Site, meet: Callable[..., Person], ct: Path, photo: Path
) -> None:
    """In the large form the two sit on two different site processes."""
    urls = site.urls if isinstance(site, LargeSite) else [site.url, site.url]
    doctor, expert = meet("doctor.nitun", urls[0]), meet("expert.provincial", urls[1])
    number = asks(doctor, ct, photo)
    is_assigned(meet("scheduler", urls[0]), number, expert.name)
    case = Case(expert, number)
    case.open()
    case.act("accept")
    case.becomes("ACCEPTED")

    here, there = Call(doctor, number), Call(expert, number)
    for call in (here, there):
        call.check_devices()
        call.person.shot(f"device-check-{call.person.username}")
        call.join()
    here.sees_and_hears("expert.provincial")
    there.sees_and_hears("doctor.nitun")
    there.comes_as_large_as_shown("doctor.nitun")
    doctor.shot("room-call")

    they_chat(here, there)
    they_look_at_the_ct(here, there)

    there.end_session()
    for call in (here, there):
        call.knows_the_end()
    there.sign_opinion()
    paper = here.opinion_pdf()
    assert text_of(paper).count(OPINION["diagnosis"]) >= 1
    here.sees_and_hears("expert.provincial")  # signing hangs nobody up
    for call in (here, there):
        call.leave()

    asked = Case(doctor, number)
    asked.open()
    asked.becomes("SIGNED")
    asked.decide(OPINION["diagnosis"])
    doctor.shot("consultation-decided")
    print(site.manage("verify_audit"))
    assert doctor.complaints == []
    assert expert.complaints == []


def asks(doctor: Person, *images: Path) -> int:
    request = Asking(doctor)
    number = request.start()
    request.enter_patient()
    request.enter_question()
    request.send_images(*images)
    request.confirm_our_patient()
    request.images_done()
    request.take_consent()
    request.send()
    case = Case(doctor, number)
    case.open()
    assert case.state() == "SUBMITTED"
    return number


def is_assigned(scheduler: Person, number: int, name: str) -> None:
    scheduler.go("/")
    scheduler.shot("worklist-scheduler")
    case = Case(scheduler, number)
    case.open()
    case.assign(name)


def they_chat(here: Call, there: Call) -> None:
    here.write("患者现在胸痛缓解")
    unread = there.page.locator("[data-unread]")
    eventually(lambda: unread.is_visible() and unread.inner_text() == "1", "one unread message")
    there.write("请复查心电图")
    words = ["患者现在胸痛缓解", "请复查心电图"]
    for call in (here, there):
        eventually(lambda call=call: call.messages() == words, f"{call.person.username} reads both messages")


def they_look_at_the_ct(here: Call, there: Call) -> None:
    there.open_image("CT")
    for call in (there, here):  # the other's viewer opens by itself
        eventually(call.shown_image, f"{call.person.username} sees the CT")
    for x, y in ((0.5, 0.5), (0.45, 0.6)):
        there.point_at(x, y)

        def followed(x: float = x, y: float = y) -> bool:
            seen = here.pointer_of("expert.provincial")
            return seen is not None and abs(seen[0] - x) < 0.05 and abs(seen[1] - y) < 0.05

        eventually(followed, "the pointer follows")
    there.measure((0.45, 0.4), (0.55, 0.5))
    eventually(there.measured, "the mark is kept")
    eventually(lambda: here.measured() == there.measured(), "the other sees the same length")
    measured = here.measured()
    here.person.shot("room-ct-doctor")
    there.person.shot("room-ct-expert")
    there.layout("v")
    eventually(lambda: here.layout() == "1x2", "the other sees two images as well")
    for call in (here, there):
        call.person.shot(f"room-panes-{call.person.username}")
    for call, other in ((here, there), (there, here)):  # who follows, and who leads
        call.page.reload()
        eventually(call.shown_image, f"{call.person.username} sees the CT again after a reload")
        eventually(lambda call=call: call.layout() == "1x2", f"{call.person.username} sees both images again")
        eventually(lambda call=call: call.measured() == measured, f"{call.person.username} sees the mark again")
        call.sees_and_hears(other.person.username)
    there.layout("Shift+V")
    eventually(lambda: here.layout() == "1x1", "one image alone again")
    here.close_image()
    there.open_image("wound")
    eventually(here.shown_image, "another image opens where one was closed")


def text_of(paper: bytes) -> str:
    assert paper.startswith(b"%PDF-")
    return subprocess.run(["pdftotext", "-", "-"], input=paper, capture_output=True, check=True).stdout.decode()
