"""Upload and viewer in a real browser: progress, cut and resume, window, scroll, blank on failure, looking together."""

import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from PIL import Image as Picture
from playwright.sync_api import Browser, Page, Route, expect

from consult.models import User
from consult.services import outbox
from imaging.models import Image
from imaging.services import demo
from tests.browser.people import eventually
from tests.cast import Cast, accepted, draft
from tests.imaging.doors import client, photo, real, sent
from tests.imaging.windowed import drawn_here_as_on_the_site
from tests.windows import apart, windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Runs due work like the site's own worker does."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.1):
            outbox.sweep()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


# The live server has no sockets: this stands for the news that would ring here.
NEWS = "setInterval(() => document.body?.dispatchEvent(new CustomEvent('images')), 700);"


@contextmanager
def open_page(chromium: Browser, live_server: Any, user: User, **how: Any) -> Iterator[Page]:
    with windows(chromium, live_server, user, script=NEWS, **how) as pages:
        yield pages[0]


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"imaging-{name}.png")


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


def test_cut_and_reloaded_upload_goes_on(
    chromium: Browser, live_server: Any, english: Cast, worker: None, tmp_path: Path
) -> None:
    consultation = apart(lambda: draft(english))
    file = tmp_path / "rash.png"
    file.write_bytes(photo(1200, 980, "PNG", compress_level=0))
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        sent_pieces: list[str] = []

        def cut_after_two(route: Route) -> None:
            offset = route.request.headers.get("upload-offset", "")
            if route.request.method == "PATCH" and len(sent_pieces) >= 2:
                route.abort("connectionreset")
            else:
                if route.request.method == "PATCH":
                    sent_pieces.append(offset)
                route.continue_()

        page.route("**/uploads/*/", cut_after_two)
        page.set_input_files("[data-upload-input]", file)
        expect(page.get_by_text("No connection. Sending goes on by itself.")).to_be_visible(timeout=15_000)
        shot(page, "cut")
        page.on("dialog", lambda dialog: dialog.accept())  # leaving while sending asks
        page.reload()
        expect(page.get_by_text("Not yet uploaded: 59% of")).to_be_visible(timeout=15_000)
        page.unroute("**/uploads/*/")
        pieces: list[str] = []
        page.on("request", lambda request: pieces.append(request.headers.get("upload-offset", "")))
        page.set_input_files("[data-upload-input]", file)
        expect(page.locator("[data-upload-stage=stored]")).to_contain_text(
            "Arrived whole, checksum equal", timeout=15_000
        )
        assert next(piece for piece in pieces if piece) == str(2 * 1024 * 1024)
        expect(page.locator("a.thumb[data-image-state=ready]")).to_be_visible(timeout=15_000)
    image = Image.objects.get()
    assert image.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_several_files_one_refused_one_confirmed(
    chromium: Browser, live_server: Any, english: Cast, worker: None, tmp_path: Path
) -> None:
    consultation = apart(lambda: draft(english))
    files = {
        "a.jpg": photo(),
        "b.png": photo(kind="PNG"),
        "CT_small.dcm": real("CT_small.dcm"),
        "c.jpg": b"GIF89a" + bytes(99),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        page.set_input_files("[data-upload-input]", [tmp_path / name for name in files])
        expect(page.locator("[data-upload-batch]")).to_contain_text("3 of 4 files arrived", timeout=20_000)
        expect(page.locator("[data-batch-missing]")).to_contain_text("c.jpg: This kind of picture cannot be shown")
        page.get_by_role("button", name="Confirm our patient").click(timeout=20_000)
        shot(page, "confirm")
        page.get_by_role("button", name="Yes, it is our patient").click()
        expect(page.locator("a.thumb[data-image]")).to_have_count(3, timeout=20_000)
        expect(page.locator("[data-image-state=held]")).to_have_count(0)
        shot(page, "thumbs")
        page.get_by_role("button", name="Dismiss").click()
        expect(page.locator("[data-reason=other_picture]")).to_have_count(0, timeout=20_000)


def test_viewer_scrolls_windows_zooms(chromium: Browser, live_server: Any, english: Cast) -> None:
    consultation = apart(lambda: accepted(english))
    browser = client(english.doctor)
    files = demo.phantom(english.patient, 6)
    slices = apart(lambda: [sent(browser, consultation, name, content) for name, content in files])
    with open_page(chromium, live_server, english.expert) as page:
        page.goto(f"{live_server.url}/images/{slices[0].pk}/")
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{slices[0].pk}:0", timeout=15_000)
        expect(page.locator("[data-overlay-tl]")).to_contain_text("王桂英")
        expect(page.locator("[data-overlay-bl]")).to_contain_text("Image 1 / 6")
        view.hover()
        page.mouse.wheel(0, 200)
        expect(view).to_have_attribute("data-shown", f"{slices[2].pk}:0")
        page.keyboard.press("End")
        view.press("End")
        expect(view).to_have_attribute("data-shown", f"{slices[5].pk}:0")
        view.press(" ")
        expect(page.locator("[data-cine]")).to_have_attribute("aria-pressed", "true")
        expect(view).to_have_attribute("data-shown", f"{slices[1].pk}:0")
        view.press(" ")
        expect(page.locator("[data-cine]")).to_have_attribute("aria-pressed", "false")
        view.press("End")
        expect(view).to_have_attribute("data-shown", f"{slices[5].pk}:0")
        page.get_by_label("Window preset").select_option("bone")
        expect(page.locator("[data-overlay-br]")).to_contain_text("W 2000 L 500")
        before = page.locator("[data-overlay-br]").inner_text()
        view.press("+")
        assert page.locator("[data-overlay-br]").inner_text() != before
        expect(page.locator("[data-ruler=mm]")).to_be_visible()
        shot(page, "viewer")
        drawn_here_as_on_the_site(page, view, slices[5], client(english.expert))


def test_turned_mirrored_and_inverted_as_the_keys_say(chromium: Browser, live_server: Any, english: Cast) -> None:
    """The photo is black on top and white at the bottom: what the screen shows at its four sides says how it lies."""
    image = apart(lambda: sent(client(english.doctor), accepted(english), "a.png", photo(400, 400, "PNG")))
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/images/{image.pk}/")
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{image.pk}:0", timeout=15_000)

        def dark() -> str:
            """Which side of the picture on the screen is the darkest."""
            picture = Picture.open(io.BytesIO(view.locator("canvas").screenshot())).convert("L")
            middle, edge = picture.width // 2, picture.height // 8
            sides = {"up": (middle, edge), "down": (middle, picture.height - edge)}
            sides |= {"left": (edge, picture.height // 2), "right": (picture.width - edge, picture.height // 2)}
            return min(sides, key=lambda side: picture.getpixel(sides[side]))

        assert dark() == "up"
        seen = []
        for key in ("g", "h", "Shift+G", "i"):
            view.press(key)
            seen.append(dark())
        assert seen == ["right", "left", "down", "up"]
        expect(page.locator("[data-altered]")).to_have_text("Mirrored · Turned by 180° · Inverted")
        shot(page, "turned")
        view.press("?")
        expect(page.locator("dialog[open]")).to_contain_text("Mirror, invert")
        shot(page, "keys")
        page.keyboard.press("Escape")
        view.press("r")
        expect(page.locator("[data-altered]")).to_have_count(0)
        assert dark() == "up"


def test_failing_frame_leaves_a_blank_with_the_reason(chromium: Browser, live_server: Any, english: Cast) -> None:
    consultation = apart(lambda: accepted(english))
    browser = client(english.doctor)
    good = apart(lambda: sent(browser, consultation, "a.jpg", photo()))
    bad = apart(lambda: sent(browser, consultation, "b.dcm", demo.phantom(english.patient, 2)[0][1]))
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/images/{good.pk}/")
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{good.pk}:0", timeout=15_000)
        (bad.path / "shown" / "frames.raw").unlink()
        page.locator(f"[data-open='{bad.pk}']").click()
        expect(page.locator(".viewport-state")).to_contain_text("The stored file has changed or is gone")
        expect(view.locator("canvas")).to_be_hidden()
        expect(view).to_have_attribute("data-shown", "")


TOGETHER = """async ([consultation, image]) => {
  const { mountViewer } = await import("@/viewer/mount.js");
  const holder = document.createElement("div");
  holder.style.height = "600px";
  document.querySelector("main").replaceChildren(holder);
  window.sentMessages = [];
  const send = (message) => window.sentMessages.push(message);
  const options = { consultation, you: "me", image, send, nameOf: () => "Dr Zhang", close: () => {} };
  window.shared = mountViewer(holder, options);
}"""


def test_one_leads_the_other_follows_without_echo(chromium: Browser, live_server: Any, english: Cast) -> None:
    consultation = apart(lambda: accepted(english))
    browser = client(english.doctor)
    files = demo.phantom(english.patient, 4)
    slices = apart(lambda: [sent(browser, consultation, name, content) for name, content in files])
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/images/{slices[0].pk}/")
        page.evaluate(TOGETHER, [consultation.pk, slices[0].pk])
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{slices[0].pk}:0", timeout=15_000)
        close = page.get_by_role("button", name="Close image")
        page.set_viewport_size({"width": 700, "height": 700})  # more tools than there is room for
        expect(close).to_be_in_viewport(ratio=1)
        there = {
            "t": "view",
            "by": "z",
            "image": slices[2].pk,
            "frame": 0,
            "preset": "lung",
            "zoom": 2,
            "x": 0.4,
            "y": 0.6,
            "turn": 1,
            "flip": True,
            "invert": True,
        }
        page.evaluate("message => shared.receive(message)", there)
        expect(view).to_have_attribute("data-shown", f"{slices[2].pk}:0")
        expect(page.locator("[data-overlay-br]")).to_contain_text("W 1500 L -600")
        expect(page.locator("[data-altered]")).to_have_text("Mirrored · Turned by 90° · Inverted")
        point = {"t": "pointer", "by": "z", "image": slices[2].pk, "frame": 0, "x": 0.5, "y": 0.5, "on": True}
        page.evaluate("message => shared.receive(message)", point)
        expect(page.locator("[data-pointer=z]")).to_have_text("Dr Zhang")
        page.wait_for_timeout(300)
        assert [message for message in page.evaluate("sentMessages") if message["t"] == "view"] == []
        view.press("Home")
        eventually(lambda: page.evaluate("sentMessages.some(message => message.t === 'view')"), "my own view is told")
        said = [message for message in page.evaluate("sentMessages") if message["t"] == "view"][-1]
        assert (said["image"], said["frame"], said["preset"], said["zoom"]) == (slices[0].pk, 0, "lung", 2)
        assert (said["turn"], said["flip"], said["invert"]) == (1, True, True)
        page.get_by_role("button", name="Follow").click()
        page.evaluate("message => shared.receive(message)", there)
        expect(page.get_by_text("Go to where Dr Zhang looks")).to_be_visible()
        expect(view).to_have_attribute("data-shown", f"{slices[0].pk}:0")
        page.get_by_text("Go to where Dr Zhang looks").click()
        expect(view).to_have_attribute("data-shown", f"{slices[2].pk}:0")
        box = view.bounding_box()
        assert box
        for step in range(60):
            page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
        page.wait_for_timeout(500)
        pointers = [message for message in page.evaluate("sentMessages") if message["t"] == "pointer"]
        assert 0 < len(pointers) <= 20
        assert json.loads(json.dumps(pointers[-1])).keys() == {"t", "image", "frame", "x", "y", "on"}


@pytest.mark.parametrize("width", [360, 1920])
def test_viewer_fits_narrow_and_wide(chromium: Browser, live_server: Any, english: Cast, width: int) -> None:
    image = apart(lambda: sent(client(english.doctor), accepted(english), "a.jpg", photo()))
    with open_page(chromium, live_server, english.doctor) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/images/{image.pk}/")
        expect(page.locator(".viewport")).to_have_attribute("data-shown", f"{image.pk}:0", timeout=15_000)
        expect(page.locator("[data-cine]")).to_be_hidden()  # one frame
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.evaluate("document.querySelector('[data-stale]').hidden = false")
        expect(page.locator("[data-overlay-br]")).to_be_in_viewport(ratio=1)
        unnamed = page.locator("button:visible, select:visible, a:visible").evaluate_all(
            "all => all.filter(each => !(each.textContent.trim() || each.ariaLabel)).length"
        )
        assert unnamed == 0
        shot(page, f"viewer-{width}")
