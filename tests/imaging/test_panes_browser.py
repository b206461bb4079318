"""Several panes in a real browser: each its own image, all the same for who follows, however small the screen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect

from consult.models import User
from imaging.models import Image
from tests.browser.people import eventually
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, sent
from tests.imaging.test_priors import asked_elsewhere
from tests.windows import apart, windows

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.small]
SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None

AXE = Path(settings.BASE_DIR) / "static" / "vendor" / "axe.min.js"
# Several people at one page, each with a viewer of their own width; what one sends the others receive.
SEATS = """async ([consultation, image]) => {
  const { mountViewer } = await import("@/viewer/mount.js");
  const main = document.querySelector("main");
  main.replaceChildren();
  window.seats = {};
  window.told = {};
  window.sit = (name, width, height) => {
    const holder = document.createElement("div");
    holder.id = name;
    Object.assign(holder.style, { width: `${width}px`, height: `${height}px` });
    main.append(holder);
    told[name] = [];
    const send = (message) => {
      if (message.t !== "view") return;
      told[name].push(message);
      const text = JSON.stringify({ ...message, by: name });
      for (const other of Object.keys(seats)) if (other !== name) seats[other].receive(JSON.parse(text));
    };
    seats[name] = mountViewer(holder, { consultation, you: name, image, send });
  };
}"""


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"panes-{name}.png")


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


@pytest.fixture
def images(english: Cast) -> list[Image]:
    """Two series of two slices."""
    browser = client(english.doctor)

    def send() -> list[Image]:
        thing = accepted(english)
        made = [
            phantom.ct(seed, InstanceNumber=seed, SeriesNumber=number, SeriesInstanceUID=f"1.2.{number}")
            for number in (1, 2)
            for seed in (1, 2)
        ]
        return [sent(browser, thing, f"{number}.dcm", content) for number, content in enumerate(made)]

    return list(apart(send))


@contextmanager
def opened(chromium: Browser, live_server: Any, user: User, image: Image, width: int = 1280) -> Iterator[Page]:
    with windows(chromium, live_server, user, width=width) as pages:
        pages[0].goto(f"/images/{image.pk}/")
        expect(pages[0].locator(".viewport")).to_have_attribute("data-shown", f"{image.pk}:0", timeout=20_000)
        yield pages[0]


def shows(seat: Locator | Page, *images: Image | None) -> None:
    """What each pane has drawn."""
    for number, image in enumerate(images):
        pane = seat.locator(f".pane[data-pane='{number}']")
        expect(pane).to_have_attribute("data-shown", f"{image.pk}:0" if image else "", timeout=20_000)


def test_each_pane_has_its_own_image_window_and_keys(
    chromium: Browser, live_server: Any, english: Cast, images: list[Image]
) -> None:
    one, two, three, _ = images
    with opened(chromium, live_server, english.doctor, one) as page:
        view, panes = page.locator(".viewport"), page.locator(".pane")
        view.press("v")
        expect(view).to_have_attribute("data-layout", "1x2")
        shows(page, one, three)
        panes.nth(0).focus()
        page.keyboard.press("Tab")
        expect(panes.nth(1)).to_be_focused()
        expect(view).to_have_attribute("data-active", "1")
        page.keyboard.press("2")
        expect(panes.nth(1).locator("[data-overlay-br]")).to_contain_text("W 400 L 40")
        expect(panes.nth(0).locator("[data-overlay-br]")).to_contain_text("W 800")
        page.keyboard.press(",")
        expect(panes.nth(0)).to_be_focused()
        page.keyboard.press("ArrowDown")
        shows(page, two, three)
        page.get_by_role("button", name="Layout").click()
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")
        assert found == []
        shot(page, "menu")
        page.get_by_role("menuitemradio", name="Four").click()
        expect(panes).to_have_count(4)
        expect(panes.nth(3)).to_contain_text("Choose a series")
        page.locator(f"[data-open='{three.pk}']").drag_to(panes.nth(3))
        shows(page, two, three, None, three)
        expect(view).to_have_attribute("data-active", "3")
        page.keyboard.press("d")
        page.keyboard.press("Enter")
        expect(page.locator("[data-mark]")).to_have_count(2)  # two panes show that slice
        shot(page, "four")
        view.press("v")
        expect(panes).to_have_count(1)
        shows(page, three)


def test_all_see_the_same_panes_and_a_small_screen_the_active_one(
    chromium: Browser, live_server: Any, english: Cast, images: list[Image]
) -> None:
    one, _, three, four = images
    with opened(chromium, live_server, english.doctor, one) as page:

        def sight(name: str) -> Any:
            return page.evaluate("name => seats[name].sight()", name)

        def agree(*names: str) -> None:
            eventually(lambda: all(sight(name) == sight("wide") for name in names), f"{names} see what the first sees")

        page.evaluate(SEATS, [images[0].consultation_id, one.pk])
        page.evaluate("sit('wide', 900, 500); sit('phone', 360, 500)")
        wide, phone = page.locator("#wide"), page.locator("#phone")
        shows(wide, one)
        shows(phone, one)
        wide.locator(".viewport").press("v")
        shows(wide, one, three)
        shows(phone, one, three)
        expect(phone.locator(".viewport")).to_have_attribute("data-shape", "2x1")
        wide.locator(".pane").nth(1).click()
        wide.locator(".pane").nth(1).press("ArrowDown")
        wide.locator(".pane").nth(1).press("2")
        shows(phone, one, four)
        page.get_by_role("button", name="Layout").first.click()
        page.get_by_role("menuitemradio", name="Four").first.click()
        wide.locator(".viewport").press("y")
        agree("phone")
        assert sight("phone")["linked"] is True
        expect(phone.locator(".viewport")).to_have_attribute("data-shape", "1x1")
        assert [phone.locator(".pane").nth(number).is_visible() for number in range(4)] == [False, True, False, False]
        assert page.evaluate("told.phone") == []
        people = [{"username": "wide", "session": "a"}, {"username": "phone", "session": "b"}]
        page.evaluate("people => seats.wide.receive({ t: 'people', people })", people)
        page.evaluate("sit('late', 700, 420)")
        shows(page.locator("#late"), one)
        people.append({"username": "late", "session": "c"})
        page.evaluate("people => seats.wide.receive({ t: 'people', people })", people)
        agree("late", "phone")
        assert sight("late")["active"] == 1
        assert page.evaluate("[told.phone, told.late]") == [[], []]
        last = page.evaluate("told.wide.at(-1)")
        assert (last["image"], last["layout"], last["active"]) == (four.pk, "2x2", 1)
        assert [each and each["image"] for each in last["beside"]] == [one.pk, None, None]
        page.evaluate("image => seats.wide.receive({ t: 'view', by: 'z', image, frame: 0 })", three.pk)
        shows(wide, three)
        expect(wide.locator(".viewport")).to_have_attribute("data-layout", "1x1")


def slices(cast: Cast) -> dict[str, list[Image]]:
    """One space: a coarse and a fine axial series, and a sagittal image through both."""
    browser, thing = client(cast.doctor), accepted(cast)
    sagittal = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImagePositionPatient": [10, -20, 15]}
    places: dict[str, list[dict[str, Any]]] = {
        "coarse": [{"ImagePositionPatient": [-15, -10, z]} for z in (0, 10)],
        "fine": [{"ImagePositionPatient": [-15, -10, z]} for z in (0, 5, 10)],
        "sagittal": [sagittal],
    }
    found: dict[str, list[Image]] = {}
    for number, (name, elements) in enumerate(places.items(), 1):
        for index, where in enumerate(elements):
            said = {"SeriesInstanceUID": f"1.2.{number}", "SeriesNumber": number, "InstanceNumber": index + 1}
            content = phantom.ct(index + 1, FrameOfReferenceUID="1.2.9", **said, **where)
            found.setdefault(name, []).append(sent(browser, thing, f"{name}-{index}.dcm", content))
    return found


def test_panes_of_one_patient_scroll_together_and_show_where_they_cut(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    found = apart(lambda: slices(english))
    coarse, fine, sagittal = found["coarse"], found["fine"], found["sagittal"][0]
    with opened(chromium, live_server, english.doctor, coarse[0]) as page:
        view, lines = page.locator(".viewport"), page.locator("[data-line]")
        view.press("v")
        shows(page, coarse[0], fine[0])
        expect(lines).to_have_count(0)  # parallel
        view.press("y")
        view.press("ArrowDown")
        shows(page, coarse[1], fine[2])  # both at z = 10
        page.get_by_role("button", name="Linked").click()
        view.press("ArrowUp")
        shows(page, coarse[0], fine[2])
        page.locator(".pane").nth(1).focus()
        page.locator(f"[data-open='{sagittal.pk}']").click()
        shows(page, coarse[0], sagittal)
        expect(lines).to_have_count(2)
        in_sagittal = page.locator(".pane[data-pane='1'] [data-line]")
        assert in_sagittal.get_attribute("data-line") == "12.69,30.50,42.69,30.50"  # z = 0, y from -10.25 to 13.75
        expect(page.locator(".pane[data-pane='0'] .reference-line-active")).to_have_count(1)
        edges = [page.locator(f".pane[data-pane='{pane}'] [data-edge-right]") for pane in (0, 1)]
        assert [edge.inner_text() for edge in edges] == ["L", "P"]
        page.locator(".pane").nth(1).press("h")
        assert [edge.inner_text() for edge in edges] == ["L", "A"]
        shot(page, "lines")
        page.keyboard.press("s")
        expect(lines).to_have_count(0)


def test_a_prior_opens_beside_the_present_image_and_says_so(chromium: Browser, live_server: Any, english: Cast) -> None:
    def send() -> tuple[list[Image], list[Image], Image]:
        nitun, before, now = client(english.doctor), asked_elsewhere(english), accepted(english)
        sent(nitun, now, "first.dcm", phantom.ct(5, AcquisitionDate="20200101", SeriesNumber=9))
        known = sent(nitun, accepted(english), "known.dcm", phantom.ct(1, AcquisitionDate="20230105"))
        old, new = (
            [sent(nitun, thing, f"{index}.dcm", content) for index, content in enumerate(series)]
            for thing, series in (
                (before, phantom.series(3, AcquisitionDate="20240229", FrameOfReferenceUID="1.2.8")),
                (now, phantom.series(2, AcquisitionDate="20261120")),
            )
        )
        return old, new, known

    old, new, known = apart(send)
    with opened(chromium, live_server, english.doctor, new[0]) as page:
        page.evaluate(SEATS, [new[0].consultation_id, new[0].pk])
        page.evaluate("sit('wide', 1200, 600)")
        wide = page.locator("#wide")
        shows(wide, new[0])
        page.get_by_role("button", name="Compare").click()
        choice = page.get_by_role("menuitem")
        expect(choice).to_have_count(3)
        expect(choice.first).to_contain_text("2024-02-29")
        expect(choice.first).to_contain_text(old[0].consultation.number)
        expect(choice.nth(1)).to_contain_text("2023-01-05")
        expect(choice.last).to_have_text("2020-01-01CT e+1This consultation")
        shot(page, "compare-menu")
        choice.first.click()
        shows(wide, new[0], old[0])
        panes = wide.locator(".pane")
        expect(panes.nth(1).locator("[data-prior]")).to_have_text("Prior of 2024-02-29")
        expect(panes.nth(1).locator("[data-unseen]")).to_have_text("Not seen by: Zhang Wenbo")
        expect(panes.nth(0).locator("[data-prior]")).to_have_count(0)
        expect(panes.nth(0).locator("[data-unseen]")).to_have_text("")
        for pane in (panes.nth(0), panes.nth(1)):
            expect(pane.locator("[data-overlay-tl]")).to_contain_text("王桂英")
        wide.locator(".viewport").press("ArrowDown")
        shows(wide, new[1], old[1])  # another space: one image on
        shot(page, "prior")
        eventually(lambda: page.evaluate("told.wide.at(-1).image") == new[1].pk, "the last move is told")
        told = page.evaluate("told.wide.at(-1)")
    with opened(chromium, live_server, english.expert, new[0], width=700) as page:
        page.evaluate(SEATS, [new[0].consultation_id, new[0].pk])
        page.evaluate("sit('other', 600, 500)")
        other = page.locator("#other")
        shows(other, new[0])
        page.evaluate("message => seats.other.receive({ ...message, by: 'wide' })", told)
        shows(other, new[1], None)
        expect(other.locator(".pane").nth(1)).to_contain_text("This image is not here, or you may not see it.")
        shot(page, "not-for-you")
        other.locator(".pane").nth(0).press("q")
        expect(page.get_by_role("menuitem")).to_have_count(2)  # only what this person sees
        expect(page.get_by_role("menuitem").first).to_be_focused()
        page.keyboard.press("Enter")
        shows(other, new[1], known)
        expect(other.locator("[data-unseen]").nth(1)).to_have_text("")
        expect(page.locator("[data-key-image-add]")).to_be_visible()
        other.locator(".pane").nth(1).click()
        expect(page.locator("[data-key-image-add]")).to_be_hidden()  # it belongs into another opinion
