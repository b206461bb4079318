"""The roster in a real browser: planned and published by keyboard alone, dragged by mouse, nothing axe objects to."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from consult.models import Change, Role, Shift, User
from consult.policies import repeat
from consult.services import plan, publication
from tests.cast import Cast
from tests.consult.pages.test_browser import AXE, opened
from tests.windows import apart

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


def next_monday() -> date:
    today = timezone.localdate()
    return today + timedelta(days=7 - today.weekday())


def planned(cast: Cast) -> date:
    """Zhang every day of next week, with a gap at night; Liu has nothing yet."""
    monday = next_monday()
    role = Role.objects.get(person=cast.expert, kind=Role.Kind.EXPERT)
    fields = {"role": role, "rrule": repeat.daily(), "first": monday, "starts": time(8), "minutes": 720}
    plan.add_rule(by=cast.scheduler, fields=fields)
    publication.want(by=cast.scheduler, department=cast.cardiology, days="all", starts=0, ends=24, least=1)
    return monday


def to(page: Page, key: str) -> None:
    """Tab until the shift has the focus."""
    for _turn in range(60):
        if page.evaluate("document.activeElement.dataset.entry") == key:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {key} by the Tab key")


def test_a_week_is_moved_and_published_by_keyboard_alone(chromium: Browser, live_server: Any, english: Cast) -> None:
    monday = apart(lambda: planned(english))
    rule = english.expert.roles.get().rules.get().pk
    key = f"r{rule}-{monday}"
    with opened(chromium, live_server, english.scheduler) as page:
        page.goto(f"/roster/?of=d{english.cardiology.pk}&day={monday}")
        to(page, key)
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.on") == str(monday + timedelta(days=1))
        page.keyboard.press("ArrowLeft")
        for pressed in (" ", "ArrowUp", "ArrowRight"):
            page.keyboard.press(pressed)
        expect(page.locator("[data-roster-said]")).to_contain_text("Liu Min")
        page.keyboard.press("Escape")
        expect(page.locator("[data-roster-said]")).to_have_text("Put back.")
        for pressed in (" ", "ArrowUp", " "):
            page.keyboard.press(pressed)
        expect(page.locator("tr", has_text="Liu Min").locator(f"[data-entry='{key}']")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url("**/roster/entries/**")
        page.get_by_label("Standby").focus()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Keep in the plan").focus()
        page.keyboard.press("Enter")
        expect(page.locator(f"[data-entry='{key}']")).to_contain_text("Standby")
        page.get_by_role("link", name="Check and publish").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Publish").focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("although there are gaps")
        dialog.get_by_role("button", name="Publish").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Those concerned are told")).to_be_visible()
        expect(page.get_by_text("As published")).to_be_visible()
    assert Change.objects.get().role.person == english.second_expert
    levels = Shift.objects.order_by("starts_at").values_list("role__person", "level")
    assert list(levels)[:2] == [(english.second_expert.pk, "standby"), (english.expert.pk, "duty")]


def test_a_shift_is_dragged_by_mouse_to_a_colleague_and_in_the_month_to_another_day(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    monday = apart(lambda: planned(english))
    rule = english.expert.roles.get().rules.get().pk
    key = f"r{rule}-{monday}"
    with opened(chromium, live_server, english.scheduler) as page:
        page.goto(f"/roster/?of=d{english.cardiology.pk}&day={monday}")
        row = page.locator("tr", has_text="Liu Min")
        page.locator(f"[data-entry='{key}']").drag_to(row.locator(f"[data-on='{monday}']"))
        expect(row.locator(f"[data-entry='{key}']")).to_be_visible()
        page.goto(f"/roster/?of=d{english.cardiology.pk}&view=month&day={monday}")
        there = monday + timedelta(days=2)
        page.locator(f"[data-entry='{key}']").drag_to(page.locator(f"td[data-on='{there}'] .day-head"))
        expect(page.locator(f"td[data-on='{there}'] [data-entry='{key}']")).to_be_visible()
    change = Change.objects.get()
    assert (change.role.person, change.on) == (english.second_expert, there)


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    monday = apart(lambda: planned(english))
    rule = english.expert.roles.get().rules.get().pk
    place = english.cardiology.pk
    desk = [f"/roster/?of=h{english.provincial.pk}&day={monday}", f"/roster/?of=d{place}&view=month&day={monday}"]
    desk += [f"/roster/departments/{place}/", f"/roster/rules/{rule}/", f"/roster/entries/r{rule}-{monday}/"]
    desk += [f"/roster/departments/{place}/publish/", "/roster/holidays/", "/roster/fairness/", "/roster/swaps/"]
    wrong = []
    for person, paths in ((english.scheduler, desk), (english.expert, ["/roster/mine/", "/roster/swaps/"])):
        for width, theme in ((360, "light"), (1920, "dark")):
            with opened(chromium, live_server, person, width=width) as page:
                page.emulate_media(color_scheme=theme)
                for path in paths:
                    page.goto(path)
                    session = page.context.new_cdp_session(page)  # past the page's own script policy
                    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
                    found = page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
                    wrong += [(path, width, name) for name in found]
                    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        wrong.append((path, width, "wider than the screen"))
    assert wrong == []
