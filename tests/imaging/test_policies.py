"""Who sees and does what: outsiders find nothing at any door, held images are the asking side's to confirm."""

from datetime import date

import pytest
from django.test import Client

from consult.models import AuditEntry, Consultation
from imaging.models import Image
from imaging.policies.identity import differences, is_same_name
from tests.cast import Cast, accepted, cancelled, draft, enter_patient, submitted
from tests.imaging.doors import TUS, begin, client, photo, put, real, sent


def doors(image: Image, consultation: Consultation, upload: str) -> list[tuple[str, str]]:
    pk, own = consultation.pk, image.pk
    return [
        ("get", f"/consultations/{pk}/images/"),
        ("get", f"/consultations/{pk}/images/list/"),
        ("post", f"/consultations/{pk}/images/uploads/"),
        ("get", f"/consultations/{pk}/images/uploads/?sha256={'0' * 64}"),
        ("head", upload),
        ("patch", upload),
        ("delete", upload),
        ("get", f"/images/{own}/"),
        ("get", f"/images/{own}/frames/0/"),
        ("get", f"/images/{own}/thumbnail/"),
        ("get", f"/images/{own}/report/"),
        ("get", f"/images/{own}/original/"),
        ("post", f"/images/{own}/confirm/"),
        ("post", f"/images/{own}/withdraw/"),
    ]


def test_outsider_finds_nothing_at_any_door(cast: Cast) -> None:
    consultation = accepted(cast)
    browser = client(cast.doctor)
    image = sent(browser, consultation, "a.jpg", photo())
    upload = begin(browser, consultation, "b.jpg", photo(9, 9))["Location"]
    for person in (cast.outsider, cast.other_expert):
        outside = client(person)
        for method, url in doors(image, consultation, upload):
            answer = getattr(outside, method)(url, headers={**TUS, "Upload-Length": "5"})
            assert (method, url, answer.status_code) == (method, url, 404)
    assert Image.objects.get().state == "ready"
    assert browser.get(f"/images/{image.pk}/frames/0/").status_code == 200


def test_nobody_signed_in_gets_nothing(cast: Cast) -> None:
    consultation = accepted(cast)
    browser = client(cast.doctor)
    image = sent(browser, consultation, "a.jpg", photo())
    upload = begin(browser, consultation, "b.jpg", photo(9, 9))["Location"]
    for method, url in doors(image, consultation, upload):
        answer = getattr(Client(), method)(url, headers={**TUS, "Upload-Length": "5"})
        assert answer.status_code in (302, 401)


def test_upload_of_a_colleague_is_not_mine(cast: Cast) -> None:
    consultation = submitted(cast)
    upload = begin(client(cast.doctor), consultation, "b.jpg", photo())["Location"]
    colleague = client(cast.colleague)
    assert put(colleague, upload, 0, photo()).status_code == 404
    assert colleague.delete(upload, headers=TUS).status_code == 404


def test_specialist_sees_pending_uploads(cast: Cast) -> None:
    consultation = accepted(cast)
    url = begin(client(cast.doctor), consultation, "coming.jpg", photo())["Location"]
    put(client(cast.doctor), url, 0, photo()[: len(photo()) // 2])
    page = client(cast.expert).get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert "coming.jpg" in page
    assert 'value="50"' in page or 'value="49"' in page


def test_held_image_is_the_asking_sides_until_confirmed(cast: Cast) -> None:
    consultation = accepted(cast)
    asking, answering = client(cast.doctor), client(cast.expert)
    image = sent(asking, consultation, "CT_small.dcm", real("CT_small.dcm"))
    assert asking.get(f"/images/{image.pk}/frames/0/").status_code == 200
    for door in ("frames/0/", "thumbnail/", "original/"):
        assert answering.get(f"/images/{image.pk}/{door}").status_code == 403
    page = asking.get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert "CompressedSamples CT1" in page
    assert "王桂英" in page
    assert "CompressedSamples" not in answering.get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert answering.post(f"/images/{image.pk}/confirm/").status_code == 403
    assert asking.post(f"/images/{image.pk}/confirm/").status_code == 302
    image.refresh_from_db()
    assert (image.state, image.confirmed_by) == ("ready", cast.doctor)
    assert answering.get(f"/images/{image.pk}/frames/0/").status_code == 200
    listed = answering.get(f"/consultations/{consultation.pk}/images/list/").json()["images"][0]
    assert "CompressedSamples CT1" in listed["otherPatient"]
    row = AuditEntry.objects.get(action="image.confirm")
    assert (row.actor, row.detail) == ("doctor.nitun", {"differs": ["name", "number"]})


def test_confirming_twice_is_too_late(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, submitted(cast), "CT_small.dcm", real("CT_small.dcm"))
    assert browser.post(f"/images/{image.pk}/confirm/").status_code == 302
    assert browser.post(f"/images/{image.pk}/confirm/").status_code == 403
    assert browser.get(f"/images/{image.pk}/confirm/").status_code == 405


def test_desk_and_regulator_look_but_do_not_confirm(cast: Cast) -> None:
    image = sent(client(cast.doctor), submitted(cast), "a.jpg", photo())
    for person in (cast.scheduler, cast.regulator):
        browser = client(person)
        assert browser.get(f"/images/{image.pk}/frames/0/").status_code == 200
        assert browser.post(f"/images/{image.pk}/withdraw/").status_code == 403


def test_withdrawn_from_a_draft_is_gone_later_it_is_kept(cast: Cast) -> None:
    browser = client(cast.doctor)
    early = sent(browser, draft(cast), "a.jpg", photo())
    late = sent(browser, submitted(cast), "a.jpg", photo())
    for image in (early, late):
        assert browser.post(f"/images/{image.pk}/withdraw/").status_code == 302
        assert browser.get(f"/images/{image.pk}/frames/0/").status_code == 404
    assert (early.path.exists(), late.original.exists()) == (False, True)
    assert AuditEntry.objects.filter(action="image.withdraw").count() == 2


def test_withdrawn_file_may_be_sent_again(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    image = sent(browser, consultation, "a.jpg", photo())
    browser.post(f"/images/{image.pk}/withdraw/")
    assert sent(browser, consultation, "a.jpg", photo()).pk != image.pk


def test_only_the_sender_withdraws(cast: Cast) -> None:
    consultation = accepted(cast)
    image = sent(client(cast.doctor), consultation, "a.jpg", photo())
    assert client(cast.expert).post(f"/images/{image.pk}/withdraw/").status_code == 403
    assert client(cast.colleague).post(f"/images/{image.pk}/withdraw/").status_code == 403


def test_nothing_is_withdrawn_after_the_end(cast: Cast) -> None:
    consultation = submitted(cast)
    image = sent(client(cast.doctor), consultation, "a.jpg", photo())
    Consultation.objects.filter(pk=consultation.pk).update(state=cancelled(cast).state)
    assert client(cast.doctor).post(f"/images/{image.pk}/withdraw/").status_code == 403


@pytest.mark.parametrize(
    ("in_file", "same"),
    [
        ("张大山", True),
        ("张大山 (Zhang DaShan)", True),
        ("ZHANG DASHAN", True),
        ("dashan zhang", True),
        ("Zhang Da-Shan", True),
        ("张小山", False),
        ("Zhang Daxi", False),
        ("Dashan", False),
        ("", False),
    ],
)
def test_names_are_the_same_in_either_script(in_file: str, same: bool) -> None:
    assert is_same_name(in_file, "张大山") is same


def test_what_differs_is_named(cast: Cast) -> None:
    patient = enter_patient(cast)
    own = {"name": "Zhang Dashan", "number": "MR-77", "sex": "male", "birth": date(1961, 5, 20), "patient": patient}
    assert differences(**own) == []
    assert differences(**{**own, "sex": "female", "birth": date(1960, 1, 1)}) == ["sex", "birth"]
    assert differences(**{**own, "name": "Li Si"}) == ["name", "number"]
    assert differences(**{**own, "name": "", "number": "N-0002"}) == []
    assert differences(**{**own, "name": "", "number": "", "sex": "", "birth": None}) == []
    assert differences(**{**own, "patient": None}) == ["unknown"]
