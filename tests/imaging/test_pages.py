"""Documents are looked at page by page like a stack: plain PDF, and PDF inside DICOM."""

import json
from pathlib import Path

import pytest

from consult.models import AuditEntry
from imaging.raster import pages
from imaging.services import paging
from tests.cast import Cast, accepted, draft
from tests.imaging.doors import client, pixels, sent, streamed
from tests.imaging.papers import A4, encapsulated, pdf

pytestmark = pytest.mark.files

WIDE = (842.0, 595.0)


def test_a_pdf_is_shown_page_by_page_and_leaves_as_it_came(cast: Cast) -> None:
    browser, content = client(cast.doctor), pdf(A4, WIDE, A4)
    image = sent(browser, accepted(cast), "报告.pdf", content)
    assert (image.kind, image.state, image.mime, image.facts["pages"]) == ("document", "ready", "application/pdf", 3)
    assert (image.frames, image.width, image.height) == (3, 2400, 2400)
    expert = client(cast.expert)
    first, second = (pixels(expert.get(f"/images/{image.pk}/frames/{number}/")) for number in (0, 1))
    assert first.shape == second.shape == (2400, 2400)
    assert (first[1200, 10], first[10, 1200]) == (0, 255)  # upright: black beside the paper
    assert (second[1200, 10], second[10, 1200]) == (255, 0)
    assert first[:, 352:2048].min() < 64  # words, also those in a font the file does not bring
    small = expert.get(f"/images/{image.pk}/frames/1/?max=1024")
    assert (pixels(small).shape, small["Content-Type"]) == ((1024, 1024), "image/jpeg")
    assert (pixels(small)[512, 4], pixels(small)[4, 512]) == (255, 0)
    assert expert.get(f"/images/{image.pk}/frames/3/").status_code == 404
    assert expert.get(f"/images/{image.pk}/thumbnail/")["Content-Type"] == "image/webp"
    original = expert.get(f"/images/{image.pk}/original/")
    assert original.is_async  # else Django gathers it whole before the first byte leaves
    assert streamed(original) == content
    assert original["Content-Type"] == "application/octet-stream"
    assert original["Content-Disposition"].startswith("attachment;")
    listed = expert.get(f"/consultations/{image.consultation_id}/images/list/").json()["images"][0]
    assert (listed["kind"], listed["frames"], listed["title"]) == ("document", 3, "报告.pdf")
    assert AuditEntry.objects.filter(action="image.read", object_id=str(image.pk), actor=cast.expert.username).exists()
    for door in ("frames/0/", "thumbnail/", "original/"):
        assert client(cast.outsider).get(f"/images/{image.pk}/{door}").status_code == 404


def test_chinese_words_without_their_font_are_drawn(cast: Cast) -> None:
    """As hospitals' systems write them, on a machine without Chinese fonts too: the child brings one."""
    browser = client(cast.doctor)
    drawn = pixels(browser.get(f"/images/{sent(browser, draft(cast), 'a.pdf', pdf()).pk}/frames/0/"))
    line = drawn[300:420]  # 140 points below the upper edge
    assert (line < 64).sum() > 2000


def test_a_pdf_inside_dicom_is_of_its_patient(cast: Cast) -> None:
    browser, content = client(cast.doctor), encapsulated(pdf(A4, A4))
    image = sent(browser, accepted(cast), "report.dcm", content)
    assert (image.kind, image.state, image.differs) == ("dicom", "held", ["name", "number"])
    assert (image.modality, image.description, image.frames, image.facts["pages"]) == ("DOC", "ECG report", 2, 2)
    assert {path.name for path in (image.path / "shown").iterdir() if path.suffix == ".pdf"} == set()
    assert client(cast.expert).get(f"/images/{image.pk}/frames/1/").status_code == 403
    assert browser.post(f"/images/{image.pk}/confirm/").status_code == 302
    assert pixels(client(cast.expert).get(f"/images/{image.pk}/frames/1/")).shape == (2400, 1696)


def test_programs_fetch_the_document_and_pictures_of_it(cast: Cast) -> None:
    browser, paper = client(cast.doctor), pdf(A4, A4)
    content = encapsulated(paper)
    image = sent(browser, accepted(cast), "report.dcm", content)
    base = f"/dicomweb/{image.consultation_id}/studies/{image.study_uid}/series/{image.series_uid}"
    one = f"{base}/instances/{image.sop_uid}"
    whole = browser.get(one, headers={"Accept": "application/dicom"})
    assert streamed(whole) == content
    [metadata] = json.loads(browser.get(f"{one}/metadata").content)
    name = metadata["00420011"]["BulkDataURI"].removeprefix("http://testserver")
    assert paper in streamed(browser.get(name))
    assert pixels(browser.get(f"{one}/frames/2/rendered")).shape == (2400, 1696)
    assert pixels(browser.get(f"{base}/thumbnail")).shape == (1024, 724)
    assert browser.get(f"{one}/rendered", headers={"Accept": "image/png"}).status_code == 406
    for nothing in ("frames/1", "bulkdata/pixels", "frames/3/rendered"):
        assert browser.get(f"{one}/{nothing}").status_code == 404


def test_long_documents_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "long.pdf"
    source.write_bytes(pdf(*[A4] * 3))
    into = tmp_path / "pages"
    into.mkdir()
    monkeypatch.setattr(pages, "BATCH_SECONDS", 0)
    assert [pages.normalise(source, into, first=first)["done"] for first in (0, 1, 2)] == [1, 1, 1]
    assert sorted(path.name for path in into.glob("page-?.jpg")) == ["page-0.jpg", "page-1.jpg", "page-2.jpg"]


def test_a_document_that_never_ends_is_given_up(tmp_path: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded in all, not only in each batch; and in bytes."""
    browser, consultation = client(cast.doctor), draft(cast)
    monkeypatch.setattr(paging, "MOST_BYTES", 1000)
    image = sent(browser, consultation, "a.pdf", pdf())
    assert (image.state, image.reason) == ("refused", "too_many_pages")
    monkeypatch.setattr(paging, "MOST_BATCHES", 0)
    image = sent(browser, consultation, "b.pdf", pdf(A4, A4))
    assert (image.state, image.reason) == ("refused", "took_too_long")
    assert {path.name for path in image.path.iterdir()} == {"original"}
