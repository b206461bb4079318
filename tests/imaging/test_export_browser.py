"""The page that takes images out, in a real browser."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, expect

from consult.models import User
from consult.services import outbox
from imaging.models import Export
from imaging.services import demo
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, sent
from tests.imaging.test_browser import english, open_page, shot
from tests.windows import apart

__all__ = ["english"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("width", "language"), [(360, "zh-hans"), (1280, "en"), (1920, "zh-hans")])
def test_an_export_is_made_and_taken(
    chromium: Browser, live_server: Any, english: Cast, tmp_path: Path, width: int, language: str
) -> None:
    consultation, browser = apart(lambda: accepted(english)), client(english.doctor)
    picture = apart(lambda: sent(browser, consultation, "slice.dcm", demo.phantom(english.patient, 2)[0][1]))
    apart(lambda: User.objects.update(language=language))
    with open_page(chromium, live_server, english.doctor) as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        page.locator("[data-export-images]").click()
        shot(page, f"export-{width}")
        page.locator("select[name=purpose]").select_option("treatment")
        page.locator("form button[type=submit]").last.click()
        expect(page.locator("[data-state=waiting] progress")).to_be_visible()
        shot(page, f"export-busy-{width}")
        apart(lambda: outbox.sweep())
        expect(page.locator("[data-state=ready]")).to_be_visible(timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        shot(page, f"export-ready-{width}")
        with page.expect_download() as taken:
            page.locator("[data-state=ready] a[download]").click()
        path = tmp_path / "taken.zip"
        taken.value.save_as(path)
        with ZipFile(path) as found:
            assert [found.read(name) for name in found.namelist()] == [picture.original.read_bytes()]
        page.locator("[data-state=ready] form button").click()
        expect(page.locator("[data-state=removed]")).to_be_visible()
    assert apart(lambda: Export.objects.get().folder.exists()) is False


@pytest.mark.parametrize(("width", "language"), [(360, "en"), (1280, "zh-hans"), (1920, "en")])
def test_pictures_are_looked_at_before_they_leave_without_a_name(
    chromium: Browser, live_server: Any, english: Cast, width: int, language: str
) -> None:
    consultation, browser = apart(lambda: accepted(english)), client(english.doctor)
    for seed in (1, 2, 3):
        content = phantom.ct(seed=seed, Modality="US", SeriesDescription="ABDOMEN")
        apart(lambda content=content: sent(browser, consultation, "us.dcm", content))
    apart(lambda: User.objects.update(language=language))
    with open_page(chromium, live_server, english.doctor) as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/exports/")
        page.locator("a[href$='/exports/check/']").click()
        looks = page.locator("[data-look]")
        expect(looks).to_have_count(3)
        expect(page.locator(".look img").first).to_have_js_property("naturalWidth", phantom.COLUMNS, timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        shot(page, f"export-check-{width}")
        looks.nth(1).locator("input").check()
        page.locator("select[name=purpose]").select_option("research")
        page.locator("main form button[type=submit]").click()
        expect(page.locator("[data-state=waiting]")).to_be_visible()
        shot(page, f"export-cleaned-{width}")
    row = apart(Export.objects.get)
    assert (row.kind, row.total, row.checked) == ("cleaned", 1, [row.checked[0]])
