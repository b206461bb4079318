"""Structured reports are read as words in the viewer's place: values with units, images as links, nothing acts."""

import re

import pytest

from tests.cast import Cast, accepted, draft
from tests.imaging.doors import client, real, sent, streamed
from tests.imaging.reports import item, long, measurements, nested, report


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


def test_a_measurement_report_is_read_with_units_and_its_images(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), accepted(cast)
    slice_ = sent(browser, consultation, "CT_small.dcm", real("CT_small.dcm"))
    image = sent(browser, consultation, "report.dcm", measurements(slice_.sop_uid))
    assert (image.state, image.modality, image.description) == ("held", "SR", "Imaging Measurement Report")
    assert (image.frames, image.width, image.facts["report"]) == (1, 0, 13)
    assert client(cast.expert).get(f"/images/{image.pk}/report/").status_code == 403
    assert browser.post(f"/images/{image.pk}/confirm/").status_code == 302
    answer = client(cast.expert).get(f"/images/{image.pk}/report/", headers={"Accept-Language": "en"})
    page = answer.content.decode()
    for said in (
        "Long Axis 12.4 mm",
        "Area 88.5 mm²",
        "Mean -31 HU",
        "Ratio 0.7",
        "李娜 (Li Na)",
        "实性结节，边界清楚",
    ):
        assert said in words(page)
    assert "赵云 (Zhao Yun), 山西省人民医院, 2026-11-20 10:15" in page
    assert f'href="/images/{slice_.pk}/" data-report-image="{slice_.pk}" data-report-frame="0"' in page
    assert page.count("data-report-image") == 1  # the other image is not here
    assert 'title="1.2.840.999.1"' in page
    listed = client(cast.expert).get(f"/consultations/{consultation.pk}/images/list/").json()["images"]
    [said] = [each for each in listed if each["pk"] == image.pk]
    assert (said["reportUrl"], said["thumbnailUrl"]) == (f"/images/{image.pk}/report/", "")
    for nothing in ("frames/0/", "thumbnail/"):
        assert browser.get(f"/images/{image.pk}/{nothing}").status_code == 404
    assert browser.get(f"/images/{slice_.pk}/report/").status_code == 404
    assert client(cast.outsider).get(f"/images/{image.pk}/report/").status_code == 404


def test_a_link_is_only_for_who_may_see_the_image(cast: Cast) -> None:
    """The slice is held: the answering side learns of no image."""
    browser, consultation = client(cast.doctor), accepted(cast)
    image = sent(browser, consultation, "report.dcm", measurements("1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"))
    browser.post(f"/images/{image.pk}/confirm/")
    slice_ = sent(browser, consultation, "CT_small.dcm", real("CT_small.dcm"))
    assert (slice_.state, slice_.sop_uid) == ("held", "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322")
    assert "data-report-image" in browser.get(f"/images/{image.pk}/report/").content.decode()
    assert "data-report-image" not in client(cast.expert).get(f"/images/{image.pk}/report/").content.decode()


def test_nothing_in_a_report_acts(cast: Cast) -> None:
    browser = client(cast.doctor)
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    content = report(
        item("TEXT", evil[:60], TextValue=evil),
        item("UIDREF", "x", UID="1.2"),
        item(evil[:16], "kind", TextValue=evil),
        title='"><svg onload=alert(1)>',
    )
    image = sent(browser, draft(cast), "<b>.dcm", content)
    page = browser.get(f"/images/{image.pk}/report/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.findall(r"<(script|img|b)\b|<svg onload", page) == []


@pytest.mark.parametrize(
    ("content", "state", "reason"),
    [
        (nested(20), "held", ""),
        (nested(21), "refused", "too_many_pages"),
        (long(3000), "held", ""),
        (long(3001), "refused", "too_many_pages"),
        (measurements("1.2")[:-40], "refused", "truncated"),
    ],
    ids=["deep", "too deep", "long", "too long", "cut"],
)
def test_bounds(cast: Cast, content: bytes, state: str, reason: str) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "report.dcm", content)
    assert (image.state, image.reason) == (state, reason)
    assert browser.get(f"/images/{image.pk}/report/").status_code == (422 if reason else 200)


def test_changed_content_is_said_not_guessed(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "report.dcm", measurements("1.2"))
    for wrong in ("[]", '{"items": [1]}', '{"title": "x", "items": [{"images": []}]}', "nonsense"):
        (image.path / "shown" / "report.json").write_text(wrong)
        assert browser.get(f"/images/{image.pk}/report/").status_code == 422


def test_reports_of_every_class_and_programs(cast: Cast) -> None:
    """Basic text and comprehensive ones of pydicom's wheel; a program gets the file and its description."""
    browser, consultation = client(cast.doctor), accepted(cast)
    basic = sent(browser, consultation, "reportsi.dcm", real("reportsi.dcm"))
    assert "Report Text Enter text" in words(browser.get(f"/images/{basic.pk}/report/").content.decode())
    image = sent(browser, consultation, "test-SR.dcm", real("test-SR.dcm"))
    page = browser.get(f"/images/{image.pk}/report/").content.decode()
    assert "Riesmeier Jörg, OFFIS e.V." in page
    assert "Diameter 3 Length Unit" in words(page)
    assert '<a href="#report-1.2.2.1">' in page
    assert 'id="report-1.2.2.1"' in page
    base = f"/dicomweb/{consultation.pk}/studies/{image.study_uid}/series/{image.series_uid}"
    one = f"{base}/instances/{image.sop_uid}"
    assert streamed(browser.get(one, headers={"Accept": "application/dicom"})) == real("test-SR.dcm")
    [said] = browser.get(f"{one}/metadata").json()
    assert said["0040A491"]["Value"] == ["COMPLETE"]
    for nothing in ("frames/1", "frames/1/rendered", "thumbnail"):
        assert browser.get(f"{one}/{nothing}").status_code == 404
