"""WADO-RS and QIDO-RS: what was stored comes out byte for byte, and is found by what DICOM says of it."""

import email
import io
import json
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image as Picture
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from consult.models import AuditEntry, Consultation
from consult.services import outbox
from imaging.dicom.names import TAGS
from imaging.models import Image
from tests.cast import Cast, accepted
from tests.imaging.doors import client, real
from tests.imaging.peer import KIND, body

CT, MR, COLOUR, J2K, MANY, RLE = (
    "CT_small.dcm",
    "MR_small.dcm",
    "examples_ybr_color.dcm",
    "JPEG2000.dcm",
    "rtdose.dcm",
    "MR_small_RLE.dcm",
)


pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")


@pytest.fixture
def ward(cast: Cast) -> tuple[Client, Consultation]:
    return client(cast.doctor), accepted(cast)


def put(ward: tuple[Client, Consultation], *files: bytes) -> list[Image]:
    """Stored and prepared."""
    browser, consultation = ward
    before = set(Image.objects.values_list("pk", flat=True))
    answer = browser.post(f"/dicomweb/{consultation.pk}/studies", body(list(files)), content_type=KIND["Content-Type"])
    assert answer.status_code == 200
    outbox.sweep()
    return list(Image.objects.exclude(pk__in=before).order_by("pk"))


def base(image: Image) -> str:
    return (
        f"/dicomweb/{image.consultation_id}/studies/{image.study_uid}/series/{image.series_uid}"
        f"/instances/{image.sop_uid}"
    )


def content(answer: Any) -> bytes:
    return b"".join(answer)


def parts(answer: Any) -> list[tuple[str, bytes]]:
    head = f"Content-Type: {answer['Content-Type']}\r\n\r\n".encode()
    whole = content(answer)
    assert len(whole) == int(answer["Content-Length"])
    message = email.message_from_bytes(head + whole)
    boundary = str(message.get_boundary()).encode()
    found = []
    for piece in whole.split(b"\r\n--" + boundary)[1:-1]:
        said, _, inner = piece.partition(b"\r\n\r\n")
        found.append((said.decode().strip().removeprefix("Content-Type: "), inner))
    return found


def search(ward: tuple[Client, Consultation], what: str, **asked: str) -> list[dict[str, Any]]:
    answer = ward[0].get(f"/dicomweb/{ward[1].pk}/{what}", asked)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/dicom+json"), answer.content
    return list(answer.json())


def test_originals_leave_byte_for_byte(ward: tuple[Client, Consultation]) -> None:
    files = [real(name) for name in (CT, MR)]
    images = put(ward, *files)
    one = ward[0].get(base(images[0]))
    assert parts(one) == [("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", files[0])]
    bare = ward[0].get(base(images[0]), headers={"Accept": "application/dicom"})
    assert content(bare) == files[0]
    study = ward[0].get(f"/dicomweb/{ward[1].pk}/studies/{images[1].study_uid}")
    assert [inner for _, inner in parts(study)] == [files[1]]
    other = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.70'}
    assert ward[0].get(base(images[0]), headers=other).status_code == 406
    assert AuditEntry.objects.filter(action="image.download", object_id=str(images[0].pk)).count() == 2


def test_what_was_read_is_kept_and_asked_again_by_its_tag(ward: tuple[Client, Consultation]) -> None:
    [image] = put(ward, real(CT))
    first = ward[0].get(f"{base(image)}/frames/1")
    assert first["Cache-Control"] == "private, max-age=3600, immutable"
    again = ward[0].get(f"{base(image)}/frames/1", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["ETag"]) == (304, first["ETag"])
    study = ward[0].get(f"/dicomweb/{ward[1].pk}/studies/{image.study_uid}/metadata")
    assert study["Cache-Control"] == "private, no-cache"
    assert AuditEntry.objects.filter(action="image.read", object_id=str(image.pk)).count() == 1


@pytest.mark.parametrize("name", [CT, MR, MANY, "MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_uncompressed_frames_are_the_values_of_the_file(ward: tuple[Client, Consultation], name: str) -> None:
    dataset = dcmread(io.BytesIO(real(name)))
    [image] = put(ward, real(name))
    wanted = np.atleast_3d(dataset.pixel_array) if image.frames == 1 else dataset.pixel_array
    last = ward[0].get(f"{base(image)}/frames/{image.frames}")
    [(said, inner)] = parts(last)
    assert said == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    expected = wanted if image.frames == 1 else wanted[-1]
    assert inner == np.ascontiguousarray(expected, expected.dtype.newbyteorder("<")).tobytes()
    if image.frames > 1:
        assert [inner for _, inner in parts(ward[0].get(f"{base(image)}/frames/2,1"))][1] == wanted[0].tobytes()
    assert ward[0].get(f"{base(image)}/frames/{image.frames + 1}").status_code == 404


@pytest.mark.parametrize(("name", "kind"), [(J2K, "image/jp2"), (RLE, "image/dicom-rle")])
def test_compressed_frames_leave_as_stored_when_asked(ward: tuple[Client, Consultation], name: str, kind: str) -> None:
    dataset = dcmread(io.BytesIO(real(name)))
    [image] = put(ward, real(name))
    stored = ward[0].get(f"{base(image)}/frames/1", headers={"Accept": f'multipart/related; type="{kind}"'})
    [(said, inner)] = parts(stored)
    assert said == f"{kind}; transfer-syntax={dataset.file_meta.TransferSyntaxUID}"
    assert inner in dataset.PixelData
    [(_, raw)] = parts(ward[0].get(f"{base(image)}/frames/1"))
    assert raw == dataset.pixel_array.tobytes()
    wrong = ward[0].get(f"{base(image)}/frames/1", headers={"Accept": 'multipart/related; type="image/jls"'})
    assert wrong.status_code == 406


def test_metadata_says_everything_but_large_values(ward: tuple[Client, Consultation]) -> None:
    dataset = dcmread(io.BytesIO(real(CT)))
    [image] = put(ward, real(CT))
    answer = ward[0].get(f"{base(image)}/metadata")
    assert answer["Content-Type"] == "application/dicom+json"
    [described] = answer.json()
    pixels = described.pop("7FE00010")["BulkDataURI"]
    assert pixels == f"http://testserver{base(image)}/bulkdata/pixels"
    assert described["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
    aside = [element["BulkDataURI"] for element in described.values() if "BulkDataURI" in element]
    [(_, raw)] = parts(ward[0].get(pixels))
    assert raw == dataset.PixelData[: len(raw)]
    assert len(raw) == 128 * 128 * 2
    for address in aside:
        assert len(parts(ward[0].get(address))) == 1
    there = Dataset.from_json(
        json.dumps({tag: element for tag, element in described.items() if "BulkDataURI" not in element})
    )
    missing = {element.tag for element in dataset} - {element.tag for element in there}
    assert len(missing) <= len(aside) + 1
    assert (there.PatientName, there.PixelSpacing) == (dataset.PatientName, dataset.PixelSpacing)
    assert ward[0].get(f"{base(image)}/bulkdata/999").status_code == 404


def test_pictures_are_what_the_viewer_shows(ward: tuple[Client, Consultation]) -> None:
    [image] = put(ward, real(CT))
    png = {"Accept": "image/png"}
    asked = ward[0].get(f"{base(image)}/rendered?window=40,400,linear", headers=png)
    shown = ward[0].get(f"/images/{image.pk}/frames/0/?center=40&width=400")
    there, here = (np.asarray(Picture.open(io.BytesIO(answer.content))) for answer in (asked, shown))
    assert np.array_equal(there, here)
    assert ward[0].get(f"{base(image)}/frames/1/rendered")["Content-Type"] == "image/jpeg"
    small = ward[0].get(f"/dicomweb/{ward[1].pk}/studies/{image.study_uid}/thumbnail?viewport=64,64")
    assert Picture.open(io.BytesIO(small.content)).size == (64, 64)
    for wrong in ("window=a,b", "window=1,0", "window=nan,1", "viewport=1", "quality=x"):
        assert ward[0].get(f"{base(image)}/rendered?{wrong}").status_code == 400
    assert ward[0].get(f"{base(image)}/rendered", headers={"Accept": "video/mp4"}).status_code == 406


def test_studies_series_and_instances_are_found(ward: tuple[Client, Consultation]) -> None:
    images = put(ward, real(CT), real(MR), real(J2K))
    found = search(ward, "studies")
    assert {study["0020000D"]["Value"][0] for study in found} == {image.study_uid for image in images}
    ct = next(study for study in found if study["0020000D"]["Value"] == [images[0].study_uid])
    assert ct["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert (ct["00201206"]["Value"], ct["00201208"]["Value"]) == ([1], [1])
    assert ct["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]
    assert ct["00081190"]["Value"] == [f"http://testserver/dicomweb/{ward[1].pk}/studies/{images[0].study_uid}"]
    [series] = search(ward, f"studies/{images[0].study_uid}/series")
    assert (series["0020000E"]["Value"], series["00201209"]["Value"]) == ([images[0].series_uid], [1])
    [one] = search(ward, f"studies/{images[0].study_uid}/series/{images[0].series_uid}/instances")
    assert (one["00080018"]["Value"], one["00280010"]["Value"]) == ([images[0].sop_uid], [128])
    assert "00281053" not in one
    [more] = search(ward, f"studies/{images[0].study_uid}/instances", includefield="all")
    assert more["00281053"]["Value"] == [1]
    assert "7FE00010" not in more
    assert len(search(ward, "instances")) == len(search(ward, "series")) == 3


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"PatientID": "1CT1"}, 1),
        ({"00100020": "1CT1"}, 1),
        ({"PatientID": "?CT*"}, 1),
        ({"PatientID": "1ct1"}, 0),
        ({"PatientName": "compressedsamples^*"}, 2),
        ({"PatientName": "compressed"}, 0),
        ({"PatientName": "mr1 comp", "fuzzymatching": "true"}, 1),
        ({"ModalitiesInStudy": "MR"}, 1),
        ({"StudyDate": "20040101-20041231"}, 2),
        ({"StudyDate": "-20031231"}, 0),
        ({"StudyDate": "20040119"}, 1),
        ({"AccessionNumber": ""}, 2),
        ({"limit": "1"}, 1),
        ({"offset": "1"}, 1),
        ({"offset": "2"}, 0),
    ],
)
def test_what_matches(ward: tuple[Client, Consultation], asked: dict[str, str], count: int) -> None:
    put(ward, real(CT), real(MR))
    assert len(search(ward, "studies", **asked)) == count


def test_chinese_names_are_found_in_either_script(ward: tuple[Client, Consultation]) -> None:
    dataset = dcmread(io.BytesIO(real(CT)))
    dataset.SpecificCharacterSet, dataset.PatientName = "GB18030", "Wang^GuiYing=王^桂英"
    out = io.BytesIO()
    dataset.save_as(out)
    put(ward, out.getvalue())
    hits = {name: len(search(ward, "studies", PatientName=name, fuzzymatching="true")) for name in ("王桂英", "桂英")}
    assert hits == {"王桂英": 1, "桂英": 1}
    for name, count in {"wang guiying": 1, "guiying": 1, "WangGuiying": 1, "李桂英": 0, "zhang": 0}.items():
        assert (name, len(search(ward, "studies", PatientName=name, fuzzymatching="true"))) == (name, count)
    assert len(search(ward, "studies", PatientName="王*")) == 1
    assert search(ward, "studies")[0]["00100010"]["Value"] == [{"Alphabetic": "Wang^GuiYing", "Ideographic": "王^桂英"}]


@pytest.mark.parametrize("asked", ["Nonsense=1", "limit=x", "limit=-1", "fuzzymatching=yes", "includefield=Nonsense"])
def test_what_is_no_search_is_400(ward: tuple[Client, Consultation], asked: str) -> None:
    assert ward[0].get(f"/dicomweb/{ward[1].pk}/studies?{asked}").status_code == 400


def test_keywords_are_those_of_the_standard() -> None:
    assert {name: f"{tag_for_keyword(name) or 0:08X}" for name in TAGS} == TAGS


def test_a_held_image_is_the_asking_sides_alone(cast: Cast, ward: tuple[Client, Consultation]) -> None:
    [image] = put(ward, real(CT))
    assert image.state == "held"
    expert = client(cast.expert)
    assert expert.get(f"/dicomweb/{ward[1].pk}/studies").json() == []
    for what in ("", "/metadata", "/frames/1", "/rendered", "/thumbnail", "/bulkdata/pixels"):
        assert (what, expert.get(base(image) + what).status_code) == (what, 404)
        assert (what, client(cast.outsider).get(base(image) + what).status_code) == (what, 404)
        assert (what, Client().get(base(image) + what).status_code) == (what, 401)
        assert (what, ward[0].get(base(image) + what).status_code) == (what, 200)
