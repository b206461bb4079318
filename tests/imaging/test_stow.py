"""STOW-RS: studies come in whole, by a real client into a real site, also in chunks; or not at all."""

import hashlib
import http.client
import io
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.test import Client
from pydicom import dcmread
from pydicom.dataset import Dataset

from consult.models import AuditEntry, Job
from imaging.models import Image
from imaging.services import storing
from tests.cast import Cast, draft
from tests.imaging import peer
from tests.imaging.doors import client, photo, real
from tests.imaging.peer import KIND, TOKEN, Peer, body, slices
from tests.platform.site import Site, wait_until


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Site, dict[str, Any]]]:
    with Site(MAX_UPLOAD_MB="12") as made:
        yield made, peer.seeded(made)


def _is_up(made: Site) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", made.port, timeout=5)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


@pytest.fixture
def doctor(site: tuple[Site, dict[str, Any]]) -> Peer:
    """Of a consultation that no other test uses."""
    return Peer(site[0], site[1]["drafts"].pop(), peer.session(site[1]["doctor"]), site[1]["outsider"])


def value(answer: dict[str, Any], sequence: str, tag: str) -> list[Any]:
    return [item[tag]["Value"][0] for item in answer[sequence]["Value"]]


@pytest.mark.slow
def test_a_hundred_ct_in_one_chunked_request(doctor: Peer) -> None:
    files = slices(100)
    whole = body(files)
    pieces = (whole[at : at + 70_001] for at in range(0, len(whole), 70_001))
    answer = doctor.session.post(f"{doctor.base}/studies", data=pieces, headers=KIND, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/dicom+json")
    said = [str(dcmread(io.BytesIO(file), specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for file in files]
    assert value(answer.json(), "00081199", "00081155") == said
    assert "00081198" not in answer.json()
    assert doctor.rows() == [100, 100, 100]
    again = doctor.session.post(f"{doctor.base}/studies", data=body(files[:3]), headers=KIND, timeout=60)
    assert again.status_code == 200, doctor.site.log()[-5000:]
    assert (again.status_code, value(again.json(), "00081199", "00081155")) == (200, said[:3])
    assert doctor.rows() == [100, 100, 100]


@pytest.mark.slow
def test_dicomweb_client_needs_an_access_key_alone(doctor: Peer, site: tuple[Site, dict[str, Any]]) -> None:
    """Stored, searched and fetched by a real client without a session; see test_keys.py for what a key may."""
    keys = site[1]["keys"]
    program = DICOMwebClient(doctor.base, headers={"Authorization": f"Bearer {keys['both']}"})
    datasets = [dcmread(io.BytesIO(file)) for file in slices(4)]
    kept = program.store_instances(datasets)
    assert len(kept.ReferencedSOPSequence) == 4
    found = list(wait_until(lambda: (each := program.search_for_instances())[3:] and each, "prepared", 60))
    assert sorted(each["00080018"]["Value"][0] for each in found) == sorted(str(d.SOPInstanceUID) for d in datasets)
    one = datasets[0]
    back = program.retrieve_instance(one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
    assert back.PixelData == one.PixelData
    stranger = DICOMwebClient(doctor.base, headers={"Authorization": f"Bearer {keys['outsider']}"})
    with pytest.raises(requests.HTTPError) as refused:
        stranger.search_for_studies()
    assert refused.value.response.status_code == 404
    reader, whole = {"Authorization": f"Bearer {keys['read']}"}, body(slices(1))
    pieces = (whole[at : at + 9000] for at in range(0, len(whole), 9000))
    answer = requests.post(f"{doctor.base}/studies", data=pieces, headers={**KIND, **reader}, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    nobody = requests.get(f"{doctor.base}/studies", timeout=20)
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="dicomweb"')
    assert not requests.get(f"{doctor.base}/studies", headers=reader, timeout=20).cookies


@pytest.mark.slow
def test_dicomweb_client_stores_real_files(doctor: Peer) -> None:
    names = ["CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm"]
    datasets = [dcmread(io.BytesIO(real(name))) for name in names]
    answer = doctor.client.store_instances(datasets)
    assert [str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence] == [
        str(dataset.SOPInstanceUID) for dataset in datasets
    ]
    found = doctor.prepared(4)
    assert {image["state"] for image in found} <= {"ready", "held"}
    _comes_out_again(doctor, datasets)


def _comes_out_again(doctor: Peer, datasets: list[Dataset]) -> None:
    """The same client searches and fetches what it stored."""
    studies = doctor.client.search_for_studies(fields=["StudyDescription"])
    assert {study["0020000D"]["Value"][0] for study in studies} == {str(each.StudyInstanceUID) for each in datasets}
    assert len(doctor.client.search_for_series()) == 4
    named = doctor.client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "mr1"})
    assert [study["0020000D"]["Value"] for study in named] == [[str(datasets[1].StudyInstanceUID)]]
    for dataset in datasets:
        uids = [str(dataset[name].value) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
        back = doctor.client.retrieve_instance(*uids)
        assert back == dataset
        assert (back.PixelData, back.file_meta.TransferSyntaxUID) == (
            dataset.PixelData,
            dataset.file_meta.TransferSyntaxUID,
        )
        [described] = doctor.client.retrieve_study_metadata(uids[0])
        assert described["00080018"]["Value"] == [uids[2]]
        assert doctor.client.retrieve_instance_rendered(*uids)
        [frame] = doctor.client.retrieve_instance_frames(*uids, frame_numbers=[1])
        pixels = dataset.pixel_array.tobytes()
        assert frame == pixels[: len(pixels) // int(dataset.get("NumberOfFrames", 1))]
        address = described["7FE00010"]["BulkDataURI"]  # this client names its host without the port
        [whole] = doctor.client.retrieve_bulkdata(address.replace("http://127.0.0.1/", f"{doctor.site.url}/"))
        assert whole == pixels
    outsider = peer.session(doctor.outsider)
    for address in ("studies", "series", "instances", f"studies/{uids[0]}", f"studies/{uids[0]}/metadata"):
        assert (address, outsider.get(f"{doctor.base}/{address}", timeout=10).status_code) == (address, 404)


@pytest.mark.slow
def test_a_body_beyond_what_the_launcher_takes_elsewhere_is_stored(doctor: Peer) -> None:
    """9 MB in one part: the 8 MiB of other requests do not count here, MAX_UPLOAD_MB (12) does."""
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    files = []
    for rows in (36 * 1024, 52 * 1024):
        dataset.Rows, dataset.PixelData = rows, bytes(rows * 128 * 2)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{rows}"
        out = io.BytesIO()
        dataset.save_as(out)
        files.append(out.getvalue())
    answer = doctor.session.post(f"{doctor.base}/studies", data=body(files), headers=KIND, timeout=60)
    assert answer.status_code == 202
    assert value(answer.json(), "00081199", "00081155") == [f"1.2.3.{36 * 1024}"]
    assert value(answer.json(), "00081198", "00081197") == [0xA700]


@pytest.mark.slow
def test_strangers_are_sent_away_before_their_body(site: tuple[Site, dict[str, Any]], doctor: Peer) -> None:
    """A body of 40 MB is announced; the answer comes although none of it was sent."""
    sessions = {"outsider": (peer.session(site[1]["outsider"]), 404), "nobody": (peer.session("none"), 401)}
    forged = peer.session(site[1]["doctor"])
    del forged.headers["X-CSRFToken"]
    sessions["without token"] = (forged, 403)
    for name, (session, status) in sessions.items():
        cookies = "; ".join(f"{key}={held}" for key, held in session.cookies.items())
        said = {**KIND, "Cookie": cookies, "Content-Length": str(40 * 1024 * 1024)}
        if token := session.headers.get("X-CSRFToken"):
            said["X-CSRFToken"] = str(token)
        line = http.client.HTTPConnection("127.0.0.1", doctor.site.port, timeout=10)
        line.request("POST", f"/dicomweb/{doctor.pk}/studies", headers=said)
        assert (name, line.getresponse().status) == (name, status)
        line.close()
    assert doctor.rows() == [0, 0, 0]


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_half_there(doctor: Peer) -> None:
    files = slices(40)
    whole = body(files)
    stopped = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield whole[: len(whole) * 3 // 4]
        wait_until(lambda: list((doctor.site.data_dir / "files" / "uploads").glob("*.part")), "some on disk", 20)
        doctor.site.kill9("site")
        stopped.set()
        yield whole[len(whole) * 3 // 4 :]

    with pytest.raises((OSError, http.client.HTTPException)):
        doctor.session.post(f"{doctor.base}/studies", data=pieces(), headers=KIND, timeout=30)
    assert stopped.is_set()
    assert doctor.rows() == [0, 0, 0]
    wait_until(lambda: _is_up(doctor.site), "site is back", 60)
    answer = doctor.session.post(f"{doctor.base}/studies", data=whole, headers=KIND, timeout=30)
    doctor.site.kill9("site")
    assert (answer.status_code, doctor.rows()) == (200, [40, 40, 40])
    wait_until(lambda: _is_up(doctor.site), "site is back", 60)


def post(browser: Client, pk: int, content: bytes, kind: str = KIND["Content-Type"], study: str = "") -> Any:
    address = f"/dicomweb/{pk}/studies" + (f"/{study}" if study else "")
    return browser.post(address, content, content_type=kind)


def test_the_same_intake_as_a_browsers(cast: Cast) -> None:
    consultation = draft(cast)
    file = real("CT_small.dcm")
    disguised = b"MZ" + bytes(126) + file[128:]
    answer = post(client(cast.doctor), consultation.pk, body([file, disguised, photo(), b"no image"]))
    assert answer.status_code == 202
    assert value(answer.json(), "00081198", "00081197") == [0xC000, 0xC000, 0xC000]
    images = {image.reason: image for image in Image.objects.all()}
    assert sorted(images) == ["", "disguised", "not_an_image"]
    assert images[""].original.read_bytes() == file
    assert images[""].sha256 == hashlib.sha256(file).hexdigest()
    assert not images["disguised"].original.exists()
    assert Job.objects.filter(kind="imaging.prepare").count() == 1
    assert AuditEntry.objects.filter(action="image.add").count() == 3
    assert list(images[""].path.parent.parent.glob("uploads/*")) == []


def test_all_of_another_study_or_broken_is_409(cast: Cast) -> None:
    browser, consultation, file = client(cast.doctor), draft(cast), real("CT_small.dcm")
    study = str(dcmread(io.BytesIO(file)).StudyInstanceUID)
    other = post(browser, consultation.pk, body([file]), study="1.2.3")
    assert (other.status_code, value(other.json(), "00081198", "00081197")) == (409, [0xA900])
    assert Image.objects.count() == 0
    assert post(browser, consultation.pk, body([file]), study=study).status_code == 200
    assert Image.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\r\n", KIND["Content-Type"], 400),
        (b"--edge--\r\n", KIND["Content-Type"], 400),
        (body([b"x"])[:-12], KIND["Content-Type"], 400),
        (body([b"x"]), "multipart/related; type=application/dicom", 400),
        (b"--edge\r\n" + b"a" * 20_000, KIND["Content-Type"], 400),
        (body([b"x"]), "application/dicom", 415),
        (body([b"x"]), 'multipart/related; type="application/dicom+xml"; boundary=edge', 415),
        (body([b"x"]).replace(b"application/dicom", b"image/jpeg"), KIND["Content-Type"], 415),
    ],
)
def test_what_is_no_store_request_leaves_nothing(cast: Cast, content: bytes, kind: str, status: int) -> None:
    assert post(client(cast.doctor), draft(cast).pk, content, kind).status_code == status
    assert Image.objects.count() == 0


def test_who_may_not_add_is_told_and_others_find_nothing(cast: Cast) -> None:
    consultation, content = draft(cast), body([real("CT_small.dcm")])
    assert post(client(cast.outsider), consultation.pk, content).status_code == 404
    assert post(Client(), consultation.pk, content).status_code == 401
    assert post(client(cast.doctor), 999_999, content).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.doctor)
    strict.cookies["csrftoken"] = TOKEN
    assert post(strict, consultation.pk, content).status_code == 403
    assert Image.objects.count() == 0


def test_the_consultations_quota_counts(cast: Cast, settings: Any) -> None:
    files = slices(3)  # not quite of one length: their UIDs are not
    largest = max(map(len, files))
    settings.MAX_UPLOAD_BYTES = largest // 4  # ten times that is two and a half files
    consultation = draft(cast)
    too_large = post(client(cast.doctor), consultation.pk, body(files[:1]))
    assert (too_large.status_code, value(too_large.json(), "00081198", "00081197")) == (409, [0xA700])
    settings.MAX_UPLOAD_BYTES = largest
    Image.objects.all().delete()
    for number in "12345678":  # one of eight times the size would be a slide, and count apart
        Image.objects.create(
            consultation=consultation, name="x", size=largest, sha256=number, folder=number, uploaded_by=cast.doctor
        )
    answer = post(client(cast.doctor), consultation.pk, body(files))
    assert (answer.status_code, len(answer.json()["00081199"]["Value"])) == (202, 2)
    assert Image.objects.exclude(name="x").count() == 2


def test_what_a_killed_process_left_is_removed_after_a_day(cast: Cast, settings: Any) -> None:
    post(client(cast.doctor), draft(cast).pk, body([real("CT_small.dcm")]))
    image = Image.objects.get()
    left = image.path.parent.parent / "uploads" / "left.part"
    stray = image.path.parent / ("a" * 32)
    left.write_bytes(b"x")
    stray.mkdir()
    storing.sweep()
    assert (left.exists(), stray.exists()) == (True, True)
    storing.LEFT_FOR, kept = -1, storing.LEFT_FOR
    try:
        storing.sweep()
    finally:
        storing.LEFT_FOR = kept
    assert (left.exists(), stray.exists(), image.original.exists()) == (False, False, True)
    assert re.fullmatch(r"[0-9a-f]{32}", image.folder)
