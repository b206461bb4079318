"""A whole slide in real browsers: two people of different screens look at the same place, and a lost one is blank."""

import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, Locator, Page, expect

from consult.models import User
from imaging.models import Annotation, Image
from imaging.raster import tiles
from tests.browser.people import eventually
from tests.cast import Cast, accepted
from tests.imaging import glass
from tests.imaging.doors import client, sent
from tests.imaging.test_panes_browser import SEATS
from tests.windows import apart, windows

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.small]
SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None
SIZE = (3000, 2100)
# The two seats above each other, both whole in the window.
BESIDE = """() => ["wide", "narrow"].forEach((name, index) => Object.assign(document.getElementById(name).style,
  { position: "fixed", left: "0", top: `${index * 720}px`, zIndex: "99" }))"""


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"slides-{name}.png")


def place_of(page: Page, seat: str) -> dict[str, Any]:
    sight: dict[str, Any] = page.evaluate("name => seats[name].sight()", seat)
    return sight["panes"][sight["active"]]


def are_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same middle to a thousandth of a pixel of the slide, as large and the same way up."""
    near = all(abs(one[name] - other[name]) < 1e-6 for name in ("x", "y"))
    return (
        near
        and abs(one["zoom"] - other["zoom"]) < 1e-4
        and (one["turn"], one["flip"]) == (other["turn"], other["flip"])
    )


def shows_the_middle(page: Page, seat: Locator, at: dict[str, Any], picture: np.ndarray) -> None:
    """The pixel in the middle of the pane is that of the slide at this place: no other place has its colours."""
    expect(seat.locator("[data-tiles]")).to_have_attribute("data-whole", "true", timeout=20_000)
    wanted = picture[int(at["y"] * SIZE[1]), int(at["x"] * SIZE[0])].astype(int)

    def drawn() -> bool:
        box = seat.locator(".pane").bounding_box()
        assert box
        middle = {"x": box["x"] + box["width"] / 2 - 1, "y": box["y"] + box["height"] / 2 - 1, "width": 2, "height": 2}
        seen = np.asarray(Picture.open(io.BytesIO(page.screenshot(clip=middle))).convert("RGB")).astype(int)
        return bool(np.abs(seen.mean(axis=(0, 1)) - wanted).max() < 8)

    eventually(drawn, f"{seat} shows {at}", 20)


@pytest.fixture
def slide(live_cast: Cast) -> Image:
    User.objects.update(language="en")
    content = glass.svs(glass.tissue(*SIZE))
    image: Image = apart(lambda: sent(client(live_cast.doctor), accepted(live_cast), "biopsy.svs", content))
    assert image.state == "ready"
    return image


def test_two_screens_show_the_same_place_of_a_slide(
    chromium: Browser, live_server: Any, live_cast: Cast, slide: Image
) -> None:
    picture = glass.tissue(*SIZE)
    with windows(chromium, live_server, live_cast.expert, width=1500) as [page]:
        page.set_viewport_size({"width": 1500, "height": 2000})
        page.goto(f"/images/{slide.pk}/")  # its style sheets
        page.evaluate(SEATS, [slide.consultation_id, slide.pk])
        page.evaluate("sit('wide', 1400, 700); sit('narrow', 360, 640)")
        page.evaluate(BESIDE)
        wide, narrow = page.locator("#wide"), page.locator("#narrow")
        for seat in (wide, narrow):
            expect(seat.locator(".pane")).to_have_attribute("data-shown", f"{slide.pk}:0", timeout=20_000)
            expect(seat.locator("[data-overlay-br]")).to_contain_text("As under")
        box = wide.locator(".pane").bounding_box()
        assert box
        page.mouse.move(box["x"] + 900, box["y"] + 250)
        for _ in range(4):
            page.mouse.wheel(0, -300)
        page.mouse.move(box["x"] + 600, box["y"] + 300)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 380)
        page.mouse.up()
        for key in ("", "g", "h"):
            if key:
                wide.locator(".viewport").press(key)
            eventually(lambda: are_alike(place_of(page, "wide"), place_of(page, "narrow")), "the same view", 20)
            at = place_of(page, "wide")
            assert at["zoom"] > 5
            shows_the_middle(page, wide, at, picture)
            shows_the_middle(page, narrow, at, picture)
        shot(page, "two-seats")
        assert page.evaluate("told.narrow.length") == 0  # who follows sends nothing back
        wide.locator(".viewport").press("r")
        eventually(lambda: place_of(page, "narrow")["zoom"] == 1, "the whole slide", 20)
        corner = wide.locator("[data-slide-map]").bounding_box()
        assert corner
        page.mouse.click(corner["x"] + corner["width"] / 4, corner["y"] + corner["height"] / 4)
        eventually(lambda: abs(place_of(page, "narrow")["x"] - 0.25) < 0.02, "the place of the map", 20)
        assert abs(place_of(page, "narrow")["y"] - 0.25) < 0.02


def test_a_slide_is_measured_in_micrometres_and_blank_when_its_tiles_are_lost(
    chromium: Browser, live_server: Any, live_cast: Cast, slide: Image
) -> None:
    with windows(chromium, live_server, live_cast.expert, width=1280) as [page]:
        page.goto(f"/images/{slide.pk}/")
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{slide.pk}:0", timeout=20_000)
        expect(page.locator("[data-measure]")).to_be_visible()
        view.press("o")
        expect(page.locator("[data-overlay-br]")).to_contain_text("Zoom 100%")
        expect(page.locator("[data-ruler]")).to_have_text("50 µm")
        view.press("d")
        expect(page.locator(".mark-hint")).to_be_visible()
        box = view.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 100, y)
        page.mouse.down()
        page.mouse.move(x + 100, y)
        page.mouse.up()
        eventually(lambda: apart(lambda: Annotation.objects.count()) == 1, "the mark is kept", 20)
        [one, other] = apart(lambda: Annotation.objects.get().points)
        expect(page.locator("[data-mark]")).to_contain_text(f"{math.dist(one, other) * glass.MPP:.1f} µm")
        assert abs((one[0] + other[0]) / 2 - SIZE[0] / 2) < 2
        shot(page, "measured")
        pack = slide.path / "shown" / tiles.NAME
        pack.rename(pack.with_suffix(".gone"))
        small = page.locator("[data-slide-map]").bounding_box()
        assert small
        page.mouse.click(small["x"] + 4, small["y"] + 4)  # a corner whose tiles are not here yet
        expect(view).to_have_attribute("data-shown", "", timeout=20_000)
        expect(page.locator(".viewport-state")).to_contain_text("has changed or is gone")
        assert page.locator("[data-tiles]").count() == 0
        assert page.locator("[data-mark]").count() == 0
        shot(page, "lost")
