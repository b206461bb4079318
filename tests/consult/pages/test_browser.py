"""The pages in a real browser: nothing typed is lost, two windows do not overwrite each other, all has a name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from consult.models import Consent, OpinionVersion, User
from tests import cast as walk
from tests.cast import PASSWORD, Cast
from tests.windows import apart
from tests.windows import windows as on_screen

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = Path(settings.BASE_DIR) / "static" / "vendor" / "axe.min.js"
RESIDENT_ID = "11010519491231002X"  # the example of GB 11643


@contextmanager
def opened(chromium: Browser, live_server: Any, user: User, *, windows: int = 1, width: int = 1280) -> Iterator[Any]:
    """One window of a person, or several."""
    with on_screen(chromium, live_server, user, count=windows, width=width) as pages:
        yield pages if windows > 1 else pages[0]


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


def sign_by_hand(page: Page) -> None:
    page.wait_for_load_state()
    pad = page.locator("canvas[data-pad]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    for start in (60, 260):
        page.mouse.move(box["x"] + start, box["y"] + 40)
        page.mouse.down()
        for step in range(10):
            page.mouse.move(box["x"] + start + step * 10, box["y"] + 40 + step % 3 * 25)
        page.mouse.up()


def test_a_request_survives_reloads_and_is_sent_with_a_drawn_signature(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    with opened(chromium, live_server, english.doctor) as page:
        page.goto("/")
        page.get_by_role("button", name="New request").click()
        page.get_by_text("Enter a new patient").click()
        page.get_by_label("Name", exact=True).fill("李建设")
        page.get_by_label("Resident identity number").fill(RESIDENT_ID)
        expect(page.get_by_label("Birth date")).to_have_value("1949-12-31")
        expect(page.get_by_label("Female", exact=True)).to_be_checked()
        expect(page.locator("[data-saved]")).to_contain_text("Saved")
        page.reload()
        expect(page.get_by_label("Name", exact=True)).to_have_value("李建设")
        page.get_by_label("Record number").fill("N-0042")
        page.get_by_role("button", name="Next").click()
        page.get_by_label("Emergency", exact=True).check()
        page.get_by_label("Your question").fill("是否需要溶栓？")
        expect(page.locator("[data-saved]")).to_contain_text("Saved")
        page.reload()
        expect(page.get_by_label("Your question")).to_have_value("是否需要溶栓？")
        wanted = page.get_by_label("Wanted time")
        wanted.fill("2001-01-01T10:00")
        expect(page.locator("[data-saved]")).to_contain_text("This time is past")
        page.reload()
        expect(wanted).to_have_value("2001-01-01T10:00")
        wanted.fill("")
        expect(page.locator("[data-saved]")).to_contain_text("Saved")
        page.get_by_role("button", name="Next").click()
        page.get_by_role("link", name="Next").click()
        sign_by_hand(page)
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Save the consent").click()
        expect(page.get_by_role("heading", name="still missing")).to_be_visible()
        page.get_by_role("link", name="Record summary").click()
        expect(page.get_by_label("Record summary")).to_be_visible()
    assert Consent.objects.get().method == "drawn"


def test_two_windows_of_one_opinion_and_signing_it(chromium: Browser, live_server: Any, english: Cast) -> None:
    thing = apart(lambda: walk.opinion_due(english))
    with opened(chromium, live_server, english.expert, windows=2) as (first, second):
        for page in (first, second):
            page.goto(f"/consultations/{thing.pk}/")
            expect(page.get_by_label("Findings")).to_be_visible()
        first.get_by_label("Findings").fill("第一个窗口")
        expect(first.locator("[data-opinion] [data-saved]")).to_contain_text("Saved")
        second.get_by_label("Findings").fill("第二个窗口")
        expect(second.locator("[data-conflict]")).to_contain_text("第一个窗口")
        expect(second.get_by_label("Findings")).to_have_value("第二个窗口")
        second.get_by_role("button", name="Keep my text").click()
        second.get_by_label("Diagnosis").fill("不稳定型心绞痛")
        second.get_by_label("Recommendation").fill("转诊")
        second.get_by_role("button", name="Sign opinion").click()
        dialog = second.get_by_role("dialog")
        expect(dialog).to_contain_text("第二个窗口")
        dialog.get_by_label("Your password").fill("guess")
        second.keyboard.press("Enter")
        expect(dialog.locator(".field-error")).to_be_visible()
        dialog.get_by_label("Your password").fill(PASSWORD)
        second.keyboard.press("Enter")
        expect(second.get_by_role("heading", name="Version 1")).to_be_visible()
        expect(second.get_by_label("Findings")).to_have_count(0)
    assert OpinionVersion.objects.get().findings == "第二个窗口"


def test_declining_by_keyboard(chromium: Browser, live_server: Any, english: Cast) -> None:
    thing = apart(lambda: walk.offered(english))
    with opened(chromium, live_server, english.expert) as page:
        page.goto("/")
        page.get_by_role("button", name="Decline").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Decline")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
        page.keyboard.type("in surgery")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#list-offered tr[data-consultation]")).to_have_count(0)
        expect(page.locator(f"#list-department tr[data-consultation='{thing.pk}']")).to_be_visible()


def test_a_dialog_answers_to_the_first_key(chromium: Browser, live_server: Any, english: Cast) -> None:
    """Nobody is too fast: what a fragment brought is alive the moment it can be seen."""
    thing = apart(lambda: walk.offered(english))
    with opened(chromium, live_server, english.expert) as page:
        page.goto("/")
        page.evaluate(
            """() => document.addEventListener("focusin", ({ target }) => {
              if (!target.closest("dialog") || target.value) return;
              target.value = "in surgery";
              setTimeout(() => target.form.requestSubmit());
            })"""
        )
        page.get_by_role("button", name="Decline").click()
        expect(page.locator(f"#list-department tr[data-consultation='{thing.pk}']")).to_be_visible()


def test_a_message_that_was_not_sent_stays_and_is_sent_again(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    thing = apart(lambda: walk.accepted(english))
    with opened(chromium, live_server, english.doctor) as page:
        page.goto(f"/consultations/{thing.pk}/")
        page.context.set_offline(True)
        page.get_by_label("Write a message").fill("您好")
        page.keyboard.press("Enter")
        expect(page.locator(".message-failed")).to_contain_text("您好")
        page.context.set_offline(False)
        page.get_by_role("button", name="Send again").click()
        expect(page.locator(".message-own[data-seq='1']")).to_contain_text("您好")
        expect(page.locator("[data-token]")).to_have_count(0)
    assert [row.body for row in thing.messages.all()] == ["您好"]


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_without_a_name_or_off_the_screen(
    chromium: Browser, live_server: Any, english: Cast, width: int
) -> None:
    draft, due, signed = apart(lambda: (walk.draft(english), walk.opinion_due(english), walk.signed(english)))
    visits = [(english.doctor, f"/consultations/{draft.pk}/edit/{step}/") for step in ("patient", "question", "check")]
    visits += [(english.doctor, path) for path in ("/", "/requests/new/", f"/consultations/{signed.pk}/")]
    visits += [(english.expert, path) for path in ("/", "/notifications/", f"/consultations/{due.pk}/")]
    visits += [(english.scheduler, "/"), (english.regulator, "/")]
    wrong = []
    for user, path in visits:
        with opened(chromium, live_server, user, width=width) as page:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            session = page.context.new_cdp_session(page)  # past the page's own script policy
            session.send("Runtime.evaluate", {"expression": AXE.read_text()})
            found = page.evaluate("axe.run().then(r => r.violations.filter(v => v.impact != 'minor').map(v => v.id))")
            wrong += [(path, width, name) for name in found]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append((path, width, "wider than the screen"))
    assert wrong == []


def test_a_diagnosis_is_coded_by_keyboard_alone_and_stays_after_a_reload(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    draft = walk.draft(english)
    with opened(chromium, live_server, english.doctor, width=360) as page:
        page.goto(f"/consultations/{draft.pk}/edit/question/")
        box = page.get_by_role("combobox", name="ICD-10 codes")
        first = page.locator(".codes [role=option]:visible").first
        for typed, chosen in (("buwending", "I20.0"), ("i10", "I10")):
            box.focus()
            page.keyboard.type(typed)
            expect(first).to_have_attribute("data-code", chosen)
            page.keyboard.press("Enter")
            expect(page.locator(f'.chip[data-code="{chosen}"]')).to_be_visible()
        expect(page.locator("[data-saved=saved]")).to_be_visible()
        page.reload()
        expect(page.locator(".chip")).to_have_text(["I20.0 Unstable angina", "I10 Essential (primary) hypertension"])
        box.focus()
        page.keyboard.press("Backspace")
        expect(page.locator(".chip")).to_have_count(1)
        page.keyboard.type("angina")
        expect(first).to_be_visible()
        session = page.context.new_cdp_session(page)  # past the page's own script policy
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        assert page.evaluate("axe.run('.codes').then(r => r.violations.map(v => v.id))") == []
        page.keyboard.press("Escape")
        expect(first).to_have_count(0)
