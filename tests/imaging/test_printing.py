"""Images on paper: the patient, the picture as it was looked at, a scale that is true."""

import io
import re
from typing import Any
from uuid import uuid4

import numpy as np
import pypdfium2
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, expect

from consult.models import AuditEntry, User
from imaging.models import Image
from imaging.services import annotation
from imaging.services.annotation import Mark
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import JSON
from tests.imaging import phantom
from tests.imaging.doors import client, photo, real, sent
from tests.imaging.test_browser import SHOTS, english, open_page, shot
from tests.imaging.test_ultrasound import DOPPLER, TISSUE
from tests.windows import apart

__all__ = ["english"]
NAMED = {
    "PatientName": "Wang^Guiying",
    "PatientID": "N-0001",
    "AcquisitionDate": "20200115",
    "SeriesDescription": "HEAD",
}


def page(cast: Cast, image: Image, query: str = "", who: str = "expert") -> str:
    answer = client(getattr(cast, who)).get(f"/images/{image.pk}/frames/0/print/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def share(text: str) -> tuple[str, float]:
    """The label of the bar, and how much of the picture's width it takes."""
    found = re.search(r'aria-label="([^"]+)"><path data-share="([^"]+)"', text)
    return (found[1], float(found[2])) if found else ("", 0)


def test_the_sheet_says_whose_image_it_is(cast: Cast) -> None:
    image = sent(client(cast.doctor), walk.accepted(cast), "ct.dcm", phantom.ct(**NAMED))
    text = page(cast, image, "?center=40&width=400&turn=1&flip=1&invert=1")
    for words in ("王桂英", "N-0001", "63", "泥屯镇中心卫生院", "2020-01-15", "CT HEAD", "400 / 40", "90°"):
        assert words in text, words
    assert "Wang Guiying" not in text
    assert AuditEntry.objects.filter(action="image.print", actor="expert.provincial").count() == 1


def test_the_scale_is_of_the_picture_as_it_lies(cast: Cast) -> None:
    """64 x 48 pixels of 0.8 x 0.5 mm: 51.2 mm across, 24 when it is turned."""
    image = sent(client(cast.doctor), walk.accepted(cast), "ct.dcm", phantom.ct())
    assert share(page(cast, image)) == ("20 mm", pytest.approx(20 / 51.2, abs=1e-6))
    assert share(page(cast, image, "?turn=1")) == ("10 mm", pytest.approx(10 / 24, abs=1e-6))


def test_there_is_no_scale_where_none_is_known(cast: Cast) -> None:
    thing, browser = walk.accepted(cast), client(cast.doctor)
    without = {"PixelSpacing": None}
    plain = sent(browser, thing, "plain.dcm", phantom.ct(**without))
    detector = sent(browser, thing, "xray.dcm", phantom.ct(seed=2, **without, ImagerPixelSpacing=[0.5, 0.8]))
    mixed = phantom.ct(seed=3, **without, Modality="US", SequenceOfUltrasoundRegions=[TISSUE, DOPPLER])
    alike = phantom.ct(seed=4, **without, Modality="US", SequenceOfUltrasoundRegions=[TISSUE])
    found = [share(page(cast, image))[0] for image in (plain, detector)]
    found += [share(page(cast, sent(browser, thing, "us.dcm", content)))[0] for content in (mixed, alike)]
    found.append(share(page(cast, sent(browser, thing, "a.jpg", photo())))[0])
    assert found == ["", "20 mm", "", "5 mm", ""]


def test_the_picture_is_what_was_looked_at_with_its_marks(cast: Cast) -> None:
    image = sent(client(cast.doctor), walk.opinion_due(cast), "ct.dcm", phantom.ct(PixelSpacing=[1, 1]))
    expert, query = client(cast.expert), "?center=300&width=500&turn=1"
    url = f"/images/{image.pk}/frames/0/print/picture/{query}"
    plain = Picture.open(io.BytesIO(expert.get(url).content))
    frame = Picture.open(io.BytesIO(expert.get(f"/images/{image.pk}/frames/0/?center=300&width=500").content))
    difference = np.asarray(plain.convert("L")).astype(int) - np.rot90(np.asarray(frame.convert("L")), -1)
    assert np.abs(difference).mean() < 3  # JPEG
    mark = Mark(frame=0, kind="length", points=[[4, 8], [44, 8]], text="")
    annotation.put(image=image, by=cast.expert, uid=uuid4(), rev=1, mark=mark)
    drawn = np.asarray(Picture.open(io.BytesIO(expert.get(url).content))).astype(int)
    assert (np.abs(drawn - (95, 212, 255)).sum(axis=2) < 60).sum() > 500


def test_a_held_file_prints_both_names_and_only_for_the_asking_side(cast: Cast) -> None:
    image = sent(client(cast.doctor), walk.accepted(cast), "CT_small.dcm", real("CT_small.dcm"))
    assert "CompressedSamples CT1" in page(cast, image, who="doctor")
    for door in ("print/", "print/picture/"):
        url = f"/images/{image.pk}/frames/0/{door}"
        statuses = [client(who).get(url).status_code for who in (cast.expert, cast.outsider, cast.other_expert)]
        assert statuses == [403, 404, 404]
        assert client(cast.doctor).get(f"/images/{image.pk}/frames/1/{door}").status_code == 404
        assert client(cast.doctor).get(f"{url}?turn=7").status_code == 404
        assert client(cast.doctor).post(url).status_code == 405


def test_key_images_are_printed_as_they_were_signed(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    image = sent(client(cast.doctor), thing, "ct.dcm", phantom.ct(**NAMED))
    expert, url = client(cast.expert), f"/consultations/{thing.pk}/images/print/"
    for way in ("center=40&width=400", "center=300&width=1500&turn=1"):
        assert expert.post(f"/images/{image.pk}/frames/0/key/?{way}", headers=JSON).status_code == 201
    assert expert.get(url).status_code == 404
    walk.sign(cast, thing)
    text = client(cast.doctor).get(url).content.decode()
    assert (text.count("data-sheet="), "400 / 40" in text, "1500 / 300" in text, "90°" in text) == (
        2,
        True,
        True,
        True,
    )
    assert [client(cast.doctor).get(each).status_code for each in re.findall(r'<img src="([^"]+)"', text)] == [200, 200]
    assert client(cast.outsider).get(url).status_code == 404


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "language", "way"), [(360, "zh-hans", "h"), (1280, "en", "hg"), (1920, "zh-hans", "h")]
)
def test_it_is_one_sheet_of_a4(
    chromium: Browser, live_server: Any, english: Cast, width: int, language: str, way: str
) -> None:
    thing = apart(lambda: walk.opinion_due(english))
    image = apart(lambda: sent(client(english.doctor), thing, "ct.dcm", phantom.ct(**NAMED)))
    mark = Mark(frame=0, kind="length", points=[[4, 8], [44, 30]], text="")
    apart(lambda: annotation.put(image=image, by=english.expert, uid=uuid4(), rev=1, mark=mark))
    apart(lambda: User.objects.update(language=language))
    with open_page(chromium, live_server, english.expert) as viewer:
        viewer.set_viewport_size({"width": width, "height": 900})
        viewer.goto(f"{live_server.url}/images/{image.pk}/")
        expect(viewer.locator(".viewport")).to_have_attribute("data-shown", f"{image.pk}:0", timeout=15_000)
        for key in way:
            viewer.locator(".viewport").press(key)
        with viewer.context.expect_page() as opened:
            viewer.locator("[data-print-image]").click()
        paper = opened.value
        paper.set_viewport_size({"width": width, "height": 1200})
        expect(paper.locator(".sheet img")).not_to_have_js_property("naturalWidth", 0, timeout=15_000)
        assert "flip=1" in paper.url
        assert paper.evaluate("document.documentElement.scrollWidth") == width
        shot(paper, f"print-{width}")
        content = paper.pdf(prefer_css_page_size=True)
    document = pypdfium2.PdfDocument(content)
    assert (len(document), [round(side) for side in document[0].get_size()]) == (1, [595, 842])
    words = document[0].get_textpage().get_text_range()
    assert ("王桂英" in words, ("10 mm" if "g" in way else "20 mm") in words) == (True, True)
    if SHOTS:
        document[0].render(scale=1.3).to_pil().save(SHOTS / f"imaging-print-paper-{width}.png")
