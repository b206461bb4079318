"""Folders of patients' discs in the browser: one line for all files, what was refused or is missing told by name."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from consult.models import Patient
from imaging.models import Image
from imaging.services import demo
from tests.browser.people import eventually
from tests.cast import Cast, draft
from tests.imaging.doors import photo, real
from tests.imaging.test_browser import english, open_page, shot, worker
from tests.imaging.zips import BESIDE, packed
from tests.windows import apart

__all__ = ["english", "worker"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def disc(folder: Path) -> Path:
    """A patient's disc: 20 slices and a photo in folders, two files that are no image, four that lie beside."""
    made = {**{f"IMAGES/SER1/CT{number:03}": content for number, (_, content) in enumerate(slices())}, **BESIDE}
    made |= {"foto.jpg": photo(), "notes.bin": b"words", "more.bin": b"words again"}
    for name, content in made.items():
        path = folder / "CD 2026" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "CD 2026"


def slices() -> list[tuple[str, bytes]]:
    return demo.phantom(apart(lambda: Patient.objects.get(name="王桂英")), 20)


def test_a_folder_is_one_line_with_what_was_refused_once(
    chromium: Browser, live_server: Any, english: Cast, worker: None, tmp_path: Path
) -> None:
    consultation = apart(lambda: draft(english))
    folder = disc(tmp_path)
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        page.wait_for_load_state("networkidle")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a folder").click()
        chooser.value.set_files(folder)
        batch = page.locator("[data-upload-batch='CD 2026']")
        expect(batch).to_contain_text("21 of 23 files arrived", timeout=60_000)
        expect(batch).to_contain_text("4 files beside them left out")
        expect(batch.locator("[data-batch-missing] li")).to_have_count(1)
        expect(page.locator("[data-upload-files] > li")).to_have_count(1)
        expect(page.locator("[data-reason=not_an_image]")).to_contain_text("2 files", timeout=20_000)
        expect(page.locator("a.thumb[data-image]")).to_have_count(2, timeout=60_000)
        expect(page.locator("a.thumb[data-image]", has_text="20 images")).to_have_count(1, timeout=20_000)
        shot(page, "folder")
        page.set_viewport_size({"width": 360, "height": 740})
        page.locator("[data-upload]").scroll_into_view_if_needed()
        shot(page, "folder-360")
    assert Image.objects.filter(state="ready").count() == 21


def test_what_a_discs_index_names_and_the_folder_lacks_is_told(
    chromium: Browser, live_server: Any, english: Cast, worker: None, tmp_path: Path
) -> None:
    """pydicom's DICOMDIR names 31 files; two of them lie in the folder, one under other letters."""
    consultation = apart(lambda: draft(english))
    first, second = slices()[:2]
    folder = tmp_path / "CD"
    for name, content in {
        "DICOMDIR": real("DICOMDIR"),
        "77654033/CR1/6154": first[1],
        "77654033/cr2/6247": second[1],
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        page.wait_for_load_state("networkidle")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a folder").click()
        chooser.value.set_files(folder)
        batch = page.locator("[data-upload-batch='CD']")
        expect(batch).to_contain_text("2 of 2 files arrived", timeout=60_000)
        lost = batch.locator("[data-lost='29']")
        expect(lost).to_contain_text("names 31 files, 29 of them are not in this folder. Copy the whole disc again:")
        expect(lost).to_contain_text("77654033/CR3/6278")
        shot(page, "disc")
        page.set_viewport_size({"width": 360, "height": 740})
        batch.scroll_into_view_if_needed()
        shot(page, "disc-360")
        page.wait_for_timeout(9_000)  # a batch that arrived whole goes by itself
        expect(lost).to_be_visible()
        said = page.evaluate(WHOLE)
        assert said == {"files": 2, "lost": 0, "names": []}
    assert Image.objects.count() == 2


WHOLE = """async () => {
  const { checked } = await import("@/upload/disc.js");
  const id = (text) => [4, 0, 0, 0x15, 0x43, 0x53, text.length, 0, ...new TextEncoder().encode(text)];
  const file = new File([new Uint8Array([0, 4, ...id("A\\\\1 "), 4, 0, ...id("B\\\\2 ")])], "DICOMDIR");
  return checked([{ file, path: "/disc/DICOMDIR" }], ["/disc/a/1", "/disc/B/2", "/disc/DICOMDIR"]);
}"""


def test_a_dropped_folder_and_a_zip(
    chromium: Browser, live_server: Any, english: Cast, worker: None, tmp_path: Path
) -> None:
    consultation = apart(lambda: draft(english))
    folder = disc(tmp_path)
    (tmp_path / "study.zip").write_bytes(packed({f"IMG/{name}": content for name, content in slices()} | BESIDE))
    with open_page(chromium, live_server, english.doctor) as page:
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        drop(page, folder)
        expect(page.locator("[data-upload-batch='CD 2026']")).to_contain_text("21 of 23 files arrived", timeout=60_000)
        page.set_input_files("[data-upload-input]", tmp_path / "study.zip")
        expect(page.locator("[data-archive]")).to_contain_text("study.zip: 20 files taken out", timeout=60_000)
        expect(page.locator("[data-archive]")).to_contain_text("4 others beside them left out")
        shot(page, "zip")


def drop(page: Page, path: Path) -> None:
    """A folder let go over the zone, as the browser's own event."""
    page.wait_for_load_state("networkidle")  # what comes later would push the zone away under the pointer
    zone = page.locator("[data-upload-started] .drop")
    zone.scroll_into_view_if_needed()

    def still() -> Any:
        before = zone.bounding_box()
        page.wait_for_timeout(200)
        return before if before == zone.bounding_box() else None

    box = eventually(still, "the zone stands still")
    files = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    line = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        said = {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": files}
        line.send("Input.dispatchDragEvent", said)
