"""Documents and reports in the viewer, in a real browser: pages scroll like a stack, also for who follows."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from consult.models import User
from imaging.services import demo
from tests.cast import Cast, accepted
from tests.imaging.doors import client, sent
from tests.imaging.papers import A4, pdf
from tests.imaging.reports import measurements
from tests.imaging.test_browser import TOGETHER, english, open_page, shot
from tests.windows import apart

__all__ = ["english"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("width", [360, 1920])
def test_pages_of_a_document_scroll_and_are_followed(
    chromium: Browser, live_server: Any, english: Cast, width: int
) -> None:
    consultation, content = apart(lambda: accepted(english)), pdf(A4, (842.0, 595.0), A4)
    image = apart(lambda: sent(client(english.doctor), consultation, "discharge.pdf", content))
    with open_page(chromium, live_server, english.expert) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/images/{image.pk}/")
        view = page.locator(".viewport")
        expect(view).to_have_attribute("data-shown", f"{image.pk}:0", timeout=15_000)
        expect(page.locator("[data-overlay-bl]")).to_contain_text("Page 1 / 3")
        shot(page, f"document-{width}")
        view.press("PageDown")
        view.press("End")
        expect(view).to_have_attribute("data-shown", f"{image.pk}:2", timeout=15_000)
        expect(page.locator("[data-cine]")).to_be_hidden()  # nobody plays a document
        page.evaluate(TOGETHER, [consultation.pk, image.pk])
        expect(view).to_have_attribute("data-shown", f"{image.pk}:0", timeout=15_000)
        there = {"t": "view", "by": "z", "image": image.pk, "frame": 1, "zoom": 2, "x": 0.3, "y": 0.3}
        page.evaluate("message => shared.receive(message)", there)
        expect(view).to_have_attribute("data-shown", f"{image.pk}:1", timeout=15_000)
        expect(page.locator("[data-overlay-bl]")).to_contain_text("Page 2 / 3")
        shot(page, f"document-followed-{width}")


@pytest.mark.parametrize(("width", "language"), [(360, "zh-hans"), (1920, "en")])
def test_a_report_is_read_in_the_viewers_place(
    chromium: Browser, live_server: Any, english: Cast, width: int, language: str
) -> None:
    consultation, browser = apart(lambda: accepted(english)), client(english.doctor)
    picture = apart(lambda: sent(browser, consultation, "slice.dcm", demo.phantom(english.patient, 2)[0][1]))
    content = measurements(picture.sop_uid)
    report = apart(lambda: sent(browser, consultation, "report.dcm", content))
    apart(lambda: (browser.post(f"/images/{report.pk}/confirm/"), User.objects.update(language=language)))
    with open_page(chromium, live_server, english.expert) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/images/{report.pk}/")
        view, paper = page.locator(".viewport"), page.locator(".paper")
        expect(view).to_have_attribute("data-shown", f"{report.pk}:0", timeout=15_000)
        expect(paper).to_contain_text("12.4 mm")
        expect(view.locator("canvas")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        shot(page, f"report-{width}")
        paper.hover()
        page.mouse.wheel(0, 2000)
        expect(view).to_have_attribute("data-shown", f"{report.pk}:0")
        paper.locator("[data-report-image]").click()
        expect(view).to_have_attribute("data-shown", f"{picture.pk}:0", timeout=15_000)
        expect(paper).to_be_hidden()
        expect(view.locator("canvas")).to_be_visible()
        view.press("ArrowRight")
        expect(paper).to_be_visible(timeout=15_000)
        page.goto(f"{live_server.url}/consultations/{consultation.pk}/")
        expect(page.locator(f"a.thumb[data-image='{report.pk}']")).to_contain_text("Imaging Measurement Report")
        page.locator(".thumbs").scroll_into_view_if_needed()
        shot(page, f"report-listed-{width}")
