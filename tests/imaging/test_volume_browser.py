"""Three planes of a series in a real browser: the values of the files, the same for all, or blank with a reason."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from consult.models import User
from imaging.models import Image
from imaging.raster import window
from imaging.raster.window import Window
from tests.browser.people import CHROMIUM, eventually
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, sent
from tests.imaging.test_panes_browser import SEATS, opened
from tests.windows import apart

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.small]
SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None
AXE = Path(settings.BASE_DIR) / "static" / "vendor" / "axe.min.js"

COUNT, GAP = 8, 2.0
ORIGIN = np.array([-15.0, -10.0, 100.0])
STEPS = np.array([phantom.SPACING[1], phantom.SPACING[0], GAP])

# What a plane has drawn: its colours at every seventh pixel of the screen, and where in the patient these are.
DRAWN = """async (plane) => {
  const { toPatient } = await import("@/volume/state.js");
  const place = document.querySelectorAll(".mpr-place")[plane];
  const canvas = place.querySelector("canvas");
  const room = { width: place.clientWidth, height: place.clientHeight };
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const view = seats.one.sight();
  const found = [];
  for (let y = 3; y < canvas.height; y += 7) for (let x = 3; x < canvas.width; x += 7) {
    const scale = room.width / canvas.width;
    const at = toPatient(view.panes[view.active].mpr, plane, room, (x + 0.5) * scale, (y + 0.5) * scale);
    found.push([...at, data[4 * (x + y * width)]]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One that draws in software where there is no graphics card."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop runs in this thread
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def images(live_cast: Cast) -> list[Image]:
    """From the head down, as scanners send them."""
    User.objects.update(language=os.environ.get("SHOTS_LANGUAGE", "en"))
    browser = client(live_cast.doctor)

    def send() -> list[Image]:
        thing = accepted(live_cast)
        said = {"SeriesInstanceUID": "1.2.1", "FrameOfReferenceUID": "1.2.9"}
        found = []
        for number in range(COUNT):
            at = [*ORIGIN[:2], ORIGIN[2] + GAP * (COUNT - 1 - number)]
            content = phantom.ct(number, ImagePositionPatient=at, InstanceNumber=number + 1, **said)
            found.append(sent(browser, thing, f"{number}.dcm", content))
        return found

    return list(apart(send))


def volume() -> NDArray[np.float64]:
    """Slices from the feet up, rows, columns."""
    return np.stack([phantom.truth(number) for number in reversed(range(COUNT))])


def between(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of points (mm) inside the volume, linear from voxel to voxel."""
    place = ((points - ORIGIN) / STEPS)[:, ::-1]
    low = np.clip(np.floor(place).astype(int), 0, np.array(volume().shape) - 2)
    part = place - low
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        total += weight * volume()[tuple((low + corner).T)]
    return total


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"volume-{name}.png")


def shown(page: Page, name: str = "one") -> None:
    expect(page.locator(f"#{name} .mpr")).to_have_attribute("data-mpr", "shown", timeout=30_000)


def sit(page: Page, image: Image, *seats: tuple[str, int, int]) -> None:
    page.evaluate(SEATS, [image.consultation_id, image.pk])
    for seat in seats:
        page.evaluate("seat => sit(...seat)", seat)
        expect(page.locator(f"#{seat[0]} .viewport")).to_have_attribute("data-shown", f"{image.pk}:0", timeout=20_000)


def state(page: Page, name: str) -> Any:
    return page.evaluate("name => seats[name].sight()", name)


def truthful(page: Page) -> None:
    """Every plane is drawn as the files say, within the rounding of grey levels."""
    mode = page.locator("#one .mpr")
    eventually(lambda: mode.evaluate("box => box.dataset.drawn === `${box.clientWidth}x${box.clientHeight}`"), "drawn")
    center, width = (float(value) for value in (mode.get_attribute("data-window") or "").split(","))
    for plane in range(3):
        drawn = np.array(page.evaluate(DRAWN, plane))
        inside = ((drawn[:, :3] > ORIGIN) & (drawn[:, :3] < ORIGIN + STEPS * [63, 47, COUNT - 1])).all(axis=1)
        assert inside.sum() > 100
        wanted = window.apply(between(drawn[inside, :3]), Window(center, width)).astype(int)
        off = np.abs(drawn[inside, 3] - wanted)
        assert off.max() <= 3, (plane, off.max())


def test_planes_show_the_values_of_the_files(
    chromium: Browser, live_server: Any, live_cast: Cast, images: list[Image]
) -> None:
    with opened(chromium, live_server, live_cast.doctor, images[0]) as page:
        sit(page, images[0], ("one", 900, 600))
        page.locator("#one .viewport").press("Shift+M")
        shown(page)
        mode = page.locator("#one .mpr")
        axial = mode.locator("[data-plane=axial]")
        expect(axial.locator("[data-overlay-tl]")).to_contain_text("王桂英")
        expect(axial.locator("[data-overlay-bl]")).to_have_text("H 108.0 mm")
        assert [axial.locator(f"[data-edge-{edge}]").inner_text() for edge in ("top", "right", "bottom", "left")] == [
            *"ALPR"
        ]
        at = [float(value) for value in (mode.get_attribute("data-at") or "").split(",")]
        column, row, slice_ = np.rint((np.array(at) - ORIGIN) / STEPS).astype(int)
        assert float(mode.get_attribute("data-value") or "nan") == volume()[slice_, row, column]
        truthful(page)
        page.keyboard.press("3")  # a preset of CT, after that of the file
        expect(mode).to_have_attribute("data-window", "-600,1500")
        truthful(page)
        axial.focus()
        page.keyboard.press("ArrowUp")
        expect(axial.locator("[data-overlay-bl]")).to_have_text("H 110.0 mm")
        for width in (360, 1920, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(
                "width => { document.querySelector('#one').style.width = `${Math.min(width, 1900)}px` }", width
            )
            assert page.evaluate("document.querySelector('#one').scrollWidth <= innerWidth")
            truthful(page)
            shot(page, str(width))
        page.evaluate(AXE.read_text())
        assert page.evaluate("axe.run('#one').then(r => r.violations.map(v => v.id))") == []
        page.keyboard.press("Escape")
        expect(mode).to_have_count(0)
        expect(page.locator("#one .viewport")).to_have_attribute("data-shown", f"{images[2].pk}:0", timeout=20_000)


def test_all_see_the_same_planes_whatever_their_screen(
    chromium: Browser, live_server: Any, live_cast: Cast, images: list[Image]
) -> None:
    with opened(chromium, live_server, live_cast.doctor, images[0]) as page:
        sit(page, images[0], ("one", 900, 500), ("phone", 360, 560))
        people = [{"username": "one", "session": "a"}, {"username": "phone", "session": "b"}]
        page.evaluate("people => seats.one.receive({ t: 'people', people })", people)
        page.locator("#one .viewport").press("Shift+M")
        shown(page)
        shown(page, "phone")
        coronal = page.locator("#one [data-plane=coronal]")
        coronal.click(position={"x": 150, "y": 100})
        page.keyboard.press("+")
        page.keyboard.press("w")
        box = coronal.bounding_box()
        assert box
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 40, steps=4)
        page.mouse.up()

        def agree(name: str) -> None:
            eventually(lambda: state(page, name) == state(page, "one"), f"{name} looks at the same")

        def cameras(name: str) -> Any:
            return page.evaluate("name => seats[name].volume()", name)

        agree("phone")
        page.evaluate("sit('late', 620, 420)")
        people.append({"username": "late", "session": "c"})
        page.evaluate("people => seats.one.receive({ t: 'people', people })", people)
        shown(page, "late")
        agree("late")
        mode = {name: page.locator(f"#{name} .mpr") for name in ("one", "phone", "late")}
        for name in ("phone", "late"):
            assert np.abs(np.array(cameras(name)) - np.array(cameras("one"))).max() < 1  # mm
            expect(mode[name]).to_have_attribute("data-window", mode["one"].get_attribute("data-window") or "")
            expect(mode[name]).to_have_attribute("data-value", mode["one"].get_attribute("data-value") or "")
        assert page.evaluate("[told.phone, told.late]") == [[], []]
        page.locator("#one [data-mpr-close]").click()
        for name in mode:
            expect(mode[name]).to_have_count(0)
        assert page.evaluate("[told.phone, told.late]") == [[], []]


def test_a_slice_that_does_not_come_leaves_no_volume(
    chromium: Browser, live_server: Any, live_cast: Cast, images: list[Image]
) -> None:
    with opened(chromium, live_server, live_cast.doctor, images[0]) as page:

        def lost(route: Route) -> None:
            route.fulfill(status=409, json={"message": "It is gone."})

        page.route(f"**/images/{images[4].pk}/frames/0/values/", lost)
        page.locator(".viewport").press("Shift+M")
        mode = page.locator(".mpr")
        expect(mode).to_have_attribute("data-mpr", "blank", timeout=20_000)
        expect(mode.locator(".mpr-state")).to_contain_text("It is gone.")
        expect(mode.locator("canvas")).to_have_count(0)
        shot(page, "blank")
        mode.get_by_role("button", name="Back to the images").click()
        expect(mode).to_have_count(0)
        page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
        page.locator("[data-mpr-open]").click()
        expect(page.locator(".toast")).to_contain_text("no WebGL")
        expect(mode).to_have_count(0)
