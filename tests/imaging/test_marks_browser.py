"""Marks on images between people of different screens: drawn by mouse, finger and key, the same place for all."""

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from consult.models import Consultation, User
from imaging.models import Annotation, Image
from tests.browser.people import eventually
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, sent
from tests.windows import apart, windows

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.small]
SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None
# The live server has no sockets: this stands for the news that would ring here.
NEWS = "setInterval(() => document.body?.dispatchEvent(new CustomEvent('annotations')), 500);"
# Where the browser itself draws points of the image: by the canvas's own transform, in pixels of the viewport.
DRAWN = """async (points) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let count = 0; count < 3; count++) await frame();  // a row of tools that has just come has made its room
  const canvas = document.querySelector(".viewport canvas");
  const matrix = new DOMMatrix(getComputedStyle(canvas).transform);
  return points.map(([x, y]) => {
    const at = matrix.transformPoint({ x: (x / COLUMNS) * canvas.width, y: (y / ROWS) * canvas.height });
    return [at.x, at.y];
  });
}""".replace("COLUMNS", str(phantom.COLUMNS)).replace("ROWS", str(phantom.ROWS))


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"marks-{name}.png")


class Looker:
    """One person at the viewer."""

    def __init__(self, page: Page, image: Image) -> None:
        self.page, self.image = page, image
        self.view = page.locator(".viewport")
        page.goto(f"/images/{image.pk}/")
        self.looks_at(image)
        expect(page.locator("[data-measure]")).to_be_visible()  # the marks are here, and whether one may draw

    def looks_at(self, image: Image) -> None:
        expect(self.view).to_have_attribute("data-shown", f"{image.pk}:0", timeout=20_000)

    def on_screen(self, points: list[list[float]]) -> list[tuple[float, float]]:
        """Of the page."""
        drawn = self.page.evaluate(DRAWN, points)
        box = self.view.bounding_box()
        assert box
        return [(box["x"] + x, box["y"] + y) for x, y in drawn]

    def drag(self, start: list[float], end: list[float]) -> None:
        """In pixels of the image."""
        (x, y), (u, v) = self.on_screen([start, end])
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move((x + u) / 2, (y + v) / 2)
        self.page.mouse.move(u, v)
        self.page.mouse.up()

    def words(self) -> list[str]:
        """Of the marks on screen, without who drew them."""
        return self.page.locator("[data-mark] text").evaluate_all(
            "all => all.map(each => [...each.children].filter(part => !part.classList.contains('mark-author'))"
            ".map(part => part.textContent).join('|'))"
        )

    def shows(self, *words: str) -> None:
        eventually(lambda: self.words() == list(words), f"marks {words}, not {self.words()}", 20)

    def sees_where_it_is(self, points: list[list[float]]) -> None:
        """The mark lies within half a pixel of where the image itself has these points."""
        said = self.page.locator("[data-mark]").get_attribute("data-at") or ""
        drawn = [tuple(map(float, at.split(","))) for at in said.split()]
        for at, expected in zip(drawn, self.page.evaluate(DRAWN, points), strict=True):
            assert math.dist(at, expected) < 0.5


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


@pytest.fixture
def slices(english: Cast) -> list[Image]:
    """Two of one series."""
    browser = client(english.doctor)

    def send() -> list[Image]:
        thing: Consultation = accepted(english)
        made = [phantom.ct(seed, InstanceNumber=seed, SeriesInstanceUID="1.2.3") for seed in (1, 2)]
        return [sent(browser, thing, f"{number}.dcm", content) for number, content in enumerate(made)]

    return list(apart(send))


@contextmanager
def looking(chromium: Browser, live_server: Any, user: User, image: Image, **how: Any) -> Iterator[Looker]:
    with windows(chromium, live_server, user, script=NEWS, **how) as pages:
        yield Looker(pages[0], image)


def test_what_one_draws_all_see_in_the_same_place(
    chromium: Browser, live_server: Any, english: Cast, slices: list[Image]
) -> None:
    with ExitStack() as stack:
        wide = stack.enter_context(looking(chromium, live_server, english.expert, slices[0], width=1600))
        narrow = stack.enter_context(looking(chromium, live_server, english.doctor, slices[0], width=380))
        wide.view.press("d")
        wide.drag([10, 20], [40, 20])
        wide.shows("24 mm")
        narrow.shows("24 mm")
        ends = apart(lambda: Annotation.objects.get().points)
        assert math.dist([*ends[0], *ends[1]], [10, 20, 40, 20]) < 0.2
        wide.sees_where_it_is(ends)
        narrow.sees_where_it_is(ends)
        for key in ("+", "g", "h", "Shift+ArrowLeft"):
            narrow.view.press(key)
            narrow.sees_where_it_is(ends)
        narrow.view.press("ArrowDown")
        narrow.looks_at(slices[1])
        narrow.shows()
        narrow.view.press("ArrowUp")
        narrow.looks_at(slices[0])
        narrow.sees_where_it_is(ends)
        late = stack.enter_context(looking(chromium, live_server, english.colleague, slices[0], width=900))
        late.shows("24 mm")
        late.sees_where_it_is(ends)

        wide.view.press("x")
        wide.view.press("x")  # the second end
        for _ in range(5):
            wide.view.press("ArrowRight")
        narrow.shows("28 mm")
        narrow.view.press("n")
        narrow.view.press("Delete")  # not theirs
        wide.view.press("Delete")
        narrow.shows()
        late.shows()
        wide.shows()
        wide.view.press("Control+z")
        narrow.shows("28 mm")
        late.shows("28 mm")
    assert apart(lambda: list(Annotation.objects.values_list("deleted_at", "author__username"))) == [
        (None, "expert.provincial")
    ]


def test_every_tool_measures_what_is_there(
    chromium: Browser, live_server: Any, english: Cast, slices: list[Image]
) -> None:
    with looking(chromium, live_server, english.doctor, slices[0], width=1600) as one:
        inside = phantom.truth()[4:14, 8:28]
        one.page.get_by_role("button", name="Measure").click()
        one.page.get_by_role("button", name="Rectangle").click()
        one.drag([8, 4], [28, 14])
        words = f"80 mm²|Mean {inside.mean():.1f} HU|SD {inside.std():.1f}"
        one.shows(f"{words}|{inside.min():.0f} to {inside.max():.0f}")  # whole while it is in hand
        one.view.press("a")
        one.drag([40, 30], [30, 30])
        x, y = one.on_screen([[40, 20]])[0]
        one.page.mouse.click(x, y)
        angle = math.degrees(math.atan2(5, 8))
        one.shows(words, f"{angle:.1f}°")
        one.view.press("t")
        one.drag([50, 10], [58, 16])
        one.page.keyboard.type("第二肋")
        one.page.keyboard.press("Enter")
        one.shows(words, f"{angle:.1f}°", "第二肋")
        one.view.press("p")
        x, y = one.on_screen([[9.5, 40.5]])[0]
        one.page.mouse.click(x, y)
        one.shows(words, f"{angle:.1f}°", "第二肋", f"{phantom.truth()[40, 9]:.0f} HU")
        one.view.press("c")
        one.view.press("Enter")  # in the middle, by keyboard alone
        eventually(lambda: one.words()[-1:] == ["0.0°"], "two level lines")
        one.page.get_by_role("button", name="Marks").click()
        rows = one.page.locator("[data-go-to]")
        expect(rows).to_have_count(5)
        shot(one.page, "all")
        one.view.press("ArrowDown")  # moves the mark in hand, not the series
        one.looks_at(slices[0])
        one.view.press("Escape")
        one.view.press("Escape")
        one.view.press("ArrowDown")
        one.looks_at(slices[1])
        rows.first.click()
        one.looks_at(slices[0])
        expect(rows.first).to_have_attribute("aria-current", "true")
        undo = one.page.get_by_role("button", name="Undo")
        for count in (4, 3, 2, 1, 0):
            while rows.count() > count:  # the Cobb angle was drawn and moved
                undo.click()
        expect(undo).to_be_disabled()
        one.shows()


def test_a_finger_draws_and_two_fingers_only_zoom(
    chromium: Browser, live_server: Any, english: Cast, slices: list[Image]
) -> None:
    with looking(chromium, live_server, english.doctor, slices[0], width=360, has_touch=True) as one:
        one.page.get_by_role("button", name="Measure").click()
        one.page.get_by_role("button", name="Length").click()
        line = one.page.context.new_cdp_session(one.page)

        def touch(kind: str, *points: list[float]) -> None:
            fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

        here, there = (list(at) for at in one.on_screen([[10, 20], [40, 20]]))
        touch("touchStart", here)
        touch("touchStart", here, [here[0], here[1] + 60])
        touch("touchMove", [here[0], here[1] - 30], [here[0], here[1] + 90])
        touch("touchEnd")
        expect(one.page.locator("[data-overlay-br]")).not_to_contain_text("Zoom 100%")
        one.shows()
        one.page.get_by_role("button", name="Fit").click()
        touch("touchStart", here)
        touch("touchMove", [(here[0] + there[0]) / 2, here[1]])
        touch("touchMove", there)
        touch("touchEnd")
        one.shows("24 mm")
        assert one.page.evaluate("document.documentElement.scrollWidth") == 360
        shot(one.page, "360")
