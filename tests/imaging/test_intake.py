"""Files arrive whole, once, resumably; and the checksum is equal on both ends."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consult.models import AuditEntry, Job
from consult.services import outbox
from imaging.models import Image, Upload, sentence
from tests.cast import Cast, accepted, cancelled, draft
from tests.imaging.doors import TUS, begin, client, metadata, photo, put, real, send, sent


def test_ct_arrives_whole_and_is_held_for_its_other_name(cast: Cast) -> None:
    content = real("CT_small.dcm")
    image = sent(client(cast.doctor), draft(cast), "CT_small.dcm", content)
    assert (image.state, image.modality, image.frames, image.width) == ("held", "CT", 1, 128)
    assert image.differs == ["name", "number"]
    assert image.sha256 == hashlib.sha256(content).hexdigest()
    assert image.original.read_bytes() == content


def test_photo_is_ready_at_once(cast: Cast) -> None:
    image = sent(client(cast.doctor), draft(cast), "伤口.jpg", photo())
    assert (image.state, image.kind, image.name, image.width, image.height) == ("ready", "photo", "伤口.jpg", 400, 300)


def test_cut_upload_goes_on_where_it_stopped(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    content = photo(2000, 1500, "PNG", compress_level=0)
    url = begin(browser, consultation, "big.png", content)["Location"]
    assert put(browser, url, 0, content[:3_000_000])["Upload-Offset"] == "3000000"
    sha256 = hashlib.sha256(content).hexdigest()
    again = client(cast.doctor)  # the page was reloaded and the same file chosen
    known = again.get(f"/consultations/{consultation.pk}/images/uploads/?sha256={sha256}").json()
    assert known == {"image": None, "state": "", "message": "", "upload": url}
    stands = again.head(url, headers=TUS)
    assert (stands.status_code, stands["Upload-Offset"], stands["Upload-Length"]) == (200, "3000000", str(len(content)))
    for offset in range(3_000_000, len(content), 2_000_000):
        answer = put(again, url, offset, content[offset : offset + 2_000_000])
    assert (answer.status_code, answer["X-Sha256"]) == (204, sha256)
    assert again.head(url, headers=TUS)["Upload-Offset"] == str(len(content))
    assert Image.objects.get().original.read_bytes() == content


def test_bytes_after_the_last_acknowledged_one_are_overwritten(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    put(browser, url, 0, content[:1000])
    with Upload.objects.get().part.open("ab") as part:
        part.write(b"written before the crash, never acknowledged" * 9999)
    answer = put(browser, url, 1000, content[1000:])
    assert answer["X-Sha256"] == hashlib.sha256(content).hexdigest()


def test_same_file_twice_is_one_image(cast: Cast) -> None:
    browser, consultation, content = client(cast.doctor), draft(cast), photo()
    image = sent(browser, consultation, "a.jpg", content)
    answer = send(browser, consultation, "b.jpg", content)
    assert (answer.status_code, answer.json()["code"], answer.json()["image"]) == (409, "exists", image.pk)
    assert Image.objects.count() == 1


def test_two_uploads_of_one_file_end_in_one_image(cast: Cast) -> None:
    browser, consultation, content = client(cast.doctor), draft(cast), photo()
    urls = [begin(browser, consultation, name, content)["Location"] for name in ("a.jpg", "b.jpg")]
    assert [put(browser, url, 0, content)["X-Image"] for url in urls] == [str(Image.objects.get().pk)] * 2


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Upload-Offset": "5"}, 409, "offset"),
        ({"Upload-Offset": "-1"}, 400, "malformed"),
        ({"Upload-Offset": "9" * 30}, 400, "malformed"),
        ({"Upload-Offset": "0", "Upload-Checksum": "sha256 AAAA"}, 460, "checksum"),
        ({"Upload-Offset": "0", "Upload-Checksum": "md5 AAAA"}, 400, "malformed"),
        ({"Upload-Offset": "0", "Tus-Resumable": "0.2"}, 412, "version"),
    ],
)
def test_lying_headers_are_refused_and_harmless(cast: Cast, headers: dict[str, str], status: int, code: str) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    answer = browser.patch(url, content, content_type="application/offset+octet-stream", headers={**TUS, **headers})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Upload.objects.get().offset == 0
    assert put(browser, url, 0, content).status_code == 204


def test_more_bytes_than_announced_are_refused(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    answer = put(browser, url, 0, content + b"!")
    assert (answer.status_code, answer.json()["code"]) == (413, "beyond_length")
    assert Upload.objects.get().part.stat().st_size == 0


def test_right_checksum_of_a_piece_passes(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    said = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert put(browser, url, 0, content, **{"Upload-Checksum": f"sha256 {said}"}).status_code == 204


def test_other_bytes_than_announced_are_refused_and_forgotten(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    answer = put(browser, url, 0, content[:-1] + b"\x00")
    assert (answer.status_code, answer.json()["code"]) == (460, "checksum")
    assert (Image.objects.count(), Upload.objects.count()) == (0, 0)


def test_too_large_is_refused_before_a_byte_is_sent(cast: Cast, settings: Any) -> None:
    answer = begin(client(cast.doctor), draft(cast), "CT.jpg", b"x", length=300 * 1024 * 1024)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["message"] == sentence("too_large")
    assert Upload.objects.count() == 0


def test_piece_beyond_four_megabytes_is_refused(cast: Cast) -> None:
    browser, content = client(cast.doctor), bytes(5 * 1024 * 1024)
    url = begin(browser, draft(cast), "a.dcm", content)["Location"]
    assert put(browser, url, 0, content).status_code == 413


def test_quota_of_a_consultation(cast: Cast, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 20_000
    browser, consultation = client(cast.doctor), draft(cast)
    for number in range(10):
        assert begin(browser, consultation, f"{number}.jpg", bytes([number]), length=20_000).status_code == 201
    answer = begin(browser, consultation, "11.jpg", b"11", length=20_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "quota")


def test_full_disk_is_said_and_nothing_is_half_done(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, content = client(cast.doctor), photo()
    consultation = draft(cast)
    url = begin(browser, consultation, "a.jpg", content)["Location"]
    monkeypatch.setattr("consult.services.store_copies.RESERVE", 2**60)
    answer = begin(browser, consultation, "b.jpg", b"other", length=5)
    assert (answer.status_code, answer.json()["code"], Upload.objects.count()) == (507, "storage_full", 1)
    monkeypatch.undo()
    assert put(browser, url, 0, content).status_code == 204


def test_cancel_forgets_the_bytes(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    put(browser, url, 0, content[:100])
    part = Upload.objects.get().part
    assert browser.delete(url, headers=TUS).status_code == 204
    assert (Upload.objects.count(), part.exists(), browser.head(url, headers=TUS).status_code) == (0, False, 404)


def test_expired_upload_is_gone(cast: Cast) -> None:
    browser, content = client(cast.doctor), photo()
    url = begin(browser, draft(cast), "a.jpg", content)["Location"]
    upload = Upload.objects.get()
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert put(browser, url, 0, content).status_code == 410
    Job.objects.filter(kind="imaging.expire").update(due_at=timezone.now())
    assert outbox.sweep() == 1
    assert (Upload.objects.count(), upload.part.exists()) == (0, False)


def test_upload_that_was_continued_lives_on(cast: Cast) -> None:
    begin(client(cast.doctor), draft(cast), "a.jpg", photo())
    Job.objects.filter(kind="imaging.expire").update(due_at=timezone.now())
    assert outbox.sweep() == 1
    assert Upload.objects.count() == 1
    assert Job.objects.filter(kind="imaging.expire", done_at=None).count() == 1


def test_creation_needs_sense(cast: Cast) -> None:
    browser, url = client(cast.doctor), f"/consultations/{draft(cast).pk}/images/uploads/"
    assert browser.post(url, headers={**TUS, "Upload-Length": "many"}).status_code == 400
    assert (
        browser.post(url, headers={**TUS, "Upload-Length": "5", "Upload-Metadata": "filename %%%"}).status_code == 400
    )
    assert browser.post(url, headers={"Upload-Length": "5"}).status_code == 412
    assert browser.put(url).status_code == 405
    options = browser.options(url)
    assert (options["Tus-Version"], options["Tus-Extension"]) == ("1.0.0", "creation,checksum,expiration,termination")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\photos\\伤口.jpg", "伤口.jpg"),
        ("gpj.\u202efdp.jpg", "gpj.fdp.jpg"),
        ("a\x00b\nc.jpg", "abc.jpg"),
        ("", "image"),
        ("x" * 400 + ".jpg", "x" * 140 + ".jpg"),
    ],
)
def test_names_are_only_for_show(cast: Cast, name: str, shown: str) -> None:
    browser, consultation, content = client(cast.doctor), draft(cast), photo()
    assert (
        browser.post(
            f"/consultations/{consultation.pk}/images/uploads/",
            headers={**TUS, "Upload-Length": "9", "Upload-Metadata": metadata(name, content)},
        ).status_code
        == 201
    )
    upload = Upload.objects.get()
    assert upload.name == shown
    assert upload.part.parent.name == "uploads"


def test_specialist_adds_while_answering_nobody_after_the_end(cast: Cast) -> None:
    assert send(client(cast.expert), accepted(cast), "a.jpg", photo()).status_code == 204
    ended = cancelled(cast)
    answer = send(client(cast.doctor), ended, "b.jpg", photo())
    assert (answer.status_code, answer.json()["code"]) == (403, "may_not_add")


def test_one_audit_row_for_each_file(cast: Cast) -> None:
    image = sent(client(cast.doctor), draft(cast), "a.jpg", photo())
    rows = AuditEntry.objects.filter(object_kind="image", object_id=str(image.pk)).values_list("action", "actor")
    assert list(rows) == [("image.add", "doctor.nitun"), ("image.ready", "system")]
