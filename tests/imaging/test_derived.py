"""Key objects, presentation states and reports of measurements over DICOMweb: instances like those stored."""

import io
import shutil
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pydicom import dcmread
from pydicom.dataset import Dataset

from consult.models import AuditEntry, Consultation
from imaging.models import Annotation, Image
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import JSON
from tests.imaging import reports
from tests.imaging.doors import client, sent
from tests.imaging.test_export import ct, drawn, exported
from tests.imaging.test_wado import content, parts, search

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous"),
]
SOP, MODALITY = "00080018", "00080060"


@pytest.fixture
def read(cast: Cast) -> tuple[Consultation, Image]:
    """Measured by both sides, and signed with a key image."""
    thing = walk.opinion_due(cast)
    image = ct(cast, thing)
    for kind in ("length", "probe"):
        drawn(cast, image, kind)
    way = f"/images/{image.pk}/frames/0/key/?center=300&width=500"
    assert client(cast.expert).post(way, headers=JSON).status_code == 201
    walk.sign(cast, thing)
    return thing, image


def whole(browser: Client, image: Image) -> list[Dataset]:
    answer = browser.get(f"/dicomweb/{image.consultation_id}/studies/{image.study_uid}")
    return [dcmread(io.BytesIO(inner)) for _kind, inner in parts(answer)]


def said(found: list[dict[str, Any]], tag: str) -> list[str]:
    return [each[tag]["Value"][0] for each in found]


def test_they_are_found_and_fetched_with_the_study(cast: Cast, read: tuple[Consultation, Image]) -> None:
    thing, image = read
    browser = client(cast.doctor)
    listed = search((browser, thing), f"studies/{image.study_uid}/instances", includefield="Modality")
    fetched = whole(browser, image)
    assert [str(each.SOPInstanceUID) for each in fetched] == said(listed, SOP)
    assert said(listed, MODALITY) == ["CT", "KO", "PR", "SR", "SR"]
    [study] = search((browser, thing), "studies", PatientName="*")
    assert (study["00080061"]["Value"], study["00201208"]["Value"]) == (["CT", "KO", "PR", "SR"], [5])
    reports_only = search((browser, thing), "series", Modality="SR")
    assert len(reports_only) == 1
    described = browser.get(f"/dicomweb/{thing.pk}/studies/{image.study_uid}/metadata").json()
    assert said(described, SOP) == said(listed, SOP)
    one = listed[1]["00081190"]["Value"][0]
    bare = content(browser.get(one, headers={"Accept": "application/dicom"}))
    assert dcmread(io.BytesIO(bare)) == fetched[1]
    assert AuditEntry.objects.filter(action="derived.download", detail__kind="KO").count() == 2


def test_the_same_content_is_the_same_instance_and_another_is_another(
    cast: Cast, read: tuple[Consultation, Image]
) -> None:
    thing, image = read
    browser = client(cast.doctor)
    before = [inner for _kind, inner in parts(browser.get(f"/dicomweb/{thing.pk}/studies/{image.study_uid}"))]
    shutil.rmtree(settings.MEDIA_ROOT / "derived")
    again = [inner for _kind, inner in parts(browser.get(f"/dicomweb/{thing.pk}/studies/{image.study_uid}"))]
    assert again == before
    assert sorted(exported(cast, thing).values()) != []
    Annotation.objects.filter(kind="length").update(figures={"length": 12.5, "unit": "mm"})
    changed = whole(browser, image)
    kept = {str(each.SOPInstanceUID) for each in changed} & {
        str(dcmread(io.BytesIO(each)).SOPInstanceUID) for each in before
    }
    assert len(kept) == 3  # all but the report and the state that say another length
    assert {str(each.SeriesInstanceUID) for each in changed} == {
        str(dcmread(io.BytesIO(each)).SeriesInstanceUID) for each in before
    }


def test_who_may_not_export_sees_the_images_alone(cast: Cast, read: tuple[Consultation, Image]) -> None:
    thing, image = read
    assert [each.Modality for each in whole(client(cast.regulator), image)] == ["CT"]
    own = whole(client(cast.expert), image)[1]
    address = f"/dicomweb/{thing.pk}/studies/{image.study_uid}/series/{own.SeriesInstanceUID}"
    one = f"{address}/instances/{own.SOPInstanceUID}"
    for who, status in ((cast.expert, 200), (cast.regulator, 404), (cast.outsider, 404)):
        answers = {client(who).get(f"{way}{more}").status_code for way in (address, one) for more in ("", "/metadata")}
        assert answers == {status}
    for more in ("/frames/1", "/frames/1/rendered", "/thumbnail", "/bulkdata/pixels"):
        assert client(cast.expert).get(f"{one}{more}").status_code == 404


def test_a_report_is_rendered_as_words_and_nothing_in_it_runs(cast: Cast) -> None:
    thing = walk.accepted(cast)
    image = sent(client(cast.doctor), thing, "sr.dcm", reports.measurements("1.2", note="<script>alert(1)</script>"))
    address = (
        f"/dicomweb/{thing.pk}/studies/{image.study_uid}/series/{image.series_uid}/instances/{image.sop_uid}/rendered"
    )
    browser = client(cast.doctor)
    answer = browser.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    page = answer.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert browser.get(address, headers={"Accept": "image/jpeg"}).status_code == 406
    assert browser.get(address.replace("/rendered", "/frames/1/rendered")).status_code == 404
    assert client(cast.outsider).get(address).status_code == 404
