"""Making a request: draft, four steps, autosave, the check before sending."""

import base64
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from consult.forms.patient import is_resident_id
from consult.models import Consent, Consultation, Patient
from consult.services import consultation
from consult.states import State
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import HTMX, JSON, browser, page_of

PATIENT = {
    "name": "张大山",
    "sex": "male",
    "birth_date": "1961-05-20",
    "record_number": "N-0042",
    "id_number": "",
    "phone": "",
}
QUESTION = {**walk.REQUEST, "wanted_at": "2030-01-02T15:30"}
REAL_ID = "11010519491231002X"  # the example of GB 11643


def started(cast: Cast) -> Consultation:
    answer = browser(cast.doctor).post("/requests/new/")
    thing = Consultation.objects.get()
    assert answer["Location"] == f"/consultations/{thing.pk}/edit/patient/"
    return thing


def test_a_request_from_nothing_to_sent(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    edit = f"/consultations/{thing.pk}/edit"
    assert doctor.post(f"{edit}/patient/", PATIENT)["Location"] == f"{edit}/question/"
    assert doctor.post(f"{edit}/question/", QUESTION)["Location"] == f"{edit}/images/"
    assert doctor.get(f"{edit}/images/").status_code == 200
    drawn = "data:image/png;base64," + base64.b64encode(walk.signature()).decode()
    consent = {"signer_name": "张大山", "relation": "self", "drawn": drawn}
    assert doctor.post(f"{edit}/consent/", consent)["Location"] == f"{edit}/check/"
    assert doctor.get(f"{edit}/check/").context["missing"] == []
    assert doctor.post(f"/consultations/{thing.pk}/submit/")["Location"] == f"/consultations/{thing.pk}/"
    thing.refresh_from_db()
    assert (thing.state, thing.patient.name, thing.question) == (State.SUBMITTED, "张大山", QUESTION["question"])
    assert thing.wanted_at.isoformat() == "2030-01-02T07:30:00+00:00"


def test_only_doctors_of_primary_hospitals_start_one(cast: Cast) -> None:
    assert browser(cast.expert).get("/requests/new/").status_code == 403
    assert browser(cast.scheduler).post("/requests/new/").status_code == 403
    assert browser(cast.doctor).put("/requests/new/").status_code == 405
    other = {"department": cast.haizhou_medicine.pk}
    assert browser(cast.doctor).post("/requests/new/", other).status_code == 404
    assert Consultation.objects.count() == 0


def test_drafts_are_offered_again(cast: Cast) -> None:
    thing = walk.draft(cast)
    assert f"/consultations/{thing.pk}/edit/patient/" in page_of(browser(cast.doctor).get("/requests/new/"))
    assert f"/consultations/{thing.pk}/" not in page_of(browser(cast.colleague).get("/requests/new/"))


def test_what_was_typed_survives_a_reload(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    url = f"/consultations/{thing.pk}/autosave/"
    typed = {"question": "是否溶栓？", "wanted_at": "2030-0", "urgency": "emergency"}
    assert doctor.post(url, typed, headers=JSON).status_code == 200
    page = page_of(doctor.get(f"/consultations/{thing.pk}/edit/question/"))
    assert "是否溶栓？" in page
    thing.refresh_from_db()
    assert (thing.question, thing.urgency, thing.wanted_at) == ("是否溶栓？", "emergency", None)
    assert doctor.post(url, {"question": ""}, headers=JSON).status_code == 200
    thing.refresh_from_db()
    assert (thing.question, thing.urgency) == ("", "emergency")


def test_half_a_patient_survives_a_reload_without_becoming_one(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    doctor.post(f"/consultations/{thing.pk}/autosave/?step=patient", {"name": "张大"}, headers=JSON)
    assert 'value="张大"' in page_of(doctor.get(f"/consultations/{thing.pk}/edit/patient/"))
    assert Patient.objects.filter(name__startswith="张").count() == 0


def test_autosave_has_its_limits(cast: Cast) -> None:
    thing = walk.submitted(cast)
    url = f"/consultations/{thing.pk}/autosave/"
    assert browser(cast.outsider).post(url, {"question": "x"}).status_code == 404
    assert browser(cast.scheduler).post(url, {"question": "x"}).status_code == 403
    assert browser(cast.doctor).post(url, {"question": "x"}).status_code == 409
    assert browser(cast.doctor).get(url).status_code == 405


def test_a_malformed_time_is_named_and_the_rest_is_kept(cast: Cast) -> None:
    thing = started(cast)
    answer = browser(cast.doctor).post(
        f"/consultations/{thing.pk}/edit/question/", {"wanted_at": "morgen", "tests": "无"}
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"wanted_at"}
    thing.refresh_from_db()
    assert thing.tests == "无"


def test_the_check_names_what_is_missing_and_leads_there(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    page = page_of(doctor.get(f"/consultations/{thing.pk}/edit/check/"))
    assert f"/consultations/{thing.pk}/edit/question/#id_urgency" in page
    assert f'<a href="/consultations/{thing.pk}/edit/consent/"' in page
    answer = doctor.post(f"/consultations/{thing.pk}/submit/", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "incomplete")


@pytest.mark.parametrize("field", ["urgency", "purpose", "reason", "record_summary", "tests", "question", "wanted_at"])
def test_nothing_is_sent_with_one_field_missing(cast: Cast, field: str) -> None:
    thing = walk.draft(cast)
    doctor = browser(cast.doctor)
    doctor.post(f"/consultations/{thing.pk}/edit/question/", {**QUESTION, field: ""})
    assert doctor.post(f"/consultations/{thing.pk}/submit/").status_code == 422
    doctor.post(f"/consultations/{thing.pk}/edit/question/", QUESTION)
    assert doctor.post(f"/consultations/{thing.pk}/submit/").status_code == 302


def test_sending_has_its_limits(cast: Cast) -> None:
    draft, sent = walk.draft(cast), walk.submitted(cast)
    assert browser(cast.outsider).post(f"/consultations/{draft.pk}/submit/").status_code == 404
    assert browser(cast.scheduler).post(f"/consultations/{sent.pk}/submit/").status_code == 403
    assert browser(cast.doctor).post(f"/consultations/{sent.pk}/submit/").status_code == 409
    assert browser(cast.doctor).get(f"/consultations/{draft.pk}/submit/").status_code == 405


@pytest.mark.parametrize("step", ["patient", "question", "images", "check"])
def test_each_step_has_its_limits(cast: Cast, step: str) -> None:
    thing = walk.submitted(cast)
    url = f"/consultations/{thing.pk}/edit/{step}/"
    assert browser(cast.outsider).get(url).status_code == 404
    assert browser(cast.expert).get(url).status_code == 404
    assert browser(cast.scheduler).get(url).status_code == 403
    assert browser(cast.doctor).get(url).status_code == 409
    assert browser(cast.doctor).put(url).status_code == 405


def test_a_returned_request_is_corrected_and_sent_again(cast: Cast) -> None:
    thing = walk.returned(cast)
    doctor = browser(cast.doctor)
    assert "科室有误" in page_of(doctor.get(f"/consultations/{thing.pk}/edit/question/"))
    doctor.post(f"/consultations/{thing.pk}/edit/question/", {**QUESTION, "specialty": "radiology"})
    assert doctor.post(f"/consultations/{thing.pk}/submit/").status_code == 302
    thing.refresh_from_db()
    assert (thing.state, thing.specialty) == (State.SUBMITTED, "radiology")


# The patient


def test_a_known_patient_is_found_by_name_pinyin_initials_and_number(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    for words in ("王桂英", "wangguiying", "wgy", "N-0001", "WGY"):
        page = page_of(doctor.get(f"/consultations/{thing.pk}/patients/", {"q": words}, headers=HTMX))
        assert "王桂英" in page, words
    assert "王桂英" not in page_of(doctor.get(f"/consultations/{thing.pk}/patients/", {"q": "zhang"}))


def test_other_hospitals_patients_are_neither_found_nor_chosen(cast: Cast) -> None:
    foreign = Patient.objects.create(
        hospital=cast.haizhou,
        record_number="H-1",
        name="王桂花",
        sex="female",
        birth_date=date(1950, 1, 1),
        created_by=cast.outsider,
    )
    thing = started(cast)
    doctor = browser(cast.doctor)
    page = page_of(doctor.get(f"/consultations/{thing.pk}/patients/", {"q": "王桂"}))
    assert "王桂英" in page
    assert "王桂花" not in page
    url = f"/consultations/{thing.pk}/edit/patient/"
    assert doctor.post(url, {"patient": foreign.pk}).status_code == 404
    assert doctor.post(url, {"patient": cast.patient.pk}).status_code == 302
    thing.refresh_from_db()
    assert thing.patient == cast.patient
    assert browser(cast.outsider).get(f"/consultations/{thing.pk}/patients/").status_code == 404


def test_the_identity_number_must_hold(cast: Cast) -> None:
    assert is_resident_id(REAL_ID)
    wrong = [REAL_ID[:-1] + "1", "110105194912310021", "1101051949123100", "11010519491331002X", "a" * 18]
    assert [text for text in wrong if is_resident_id(text)] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id_number": REAL_ID[:-1] + "1"}, "id_number"),
        ({"id_number": REAL_ID, "birth_date": "1961-05-20", "sex": "female"}, "birth_date"),
        ({"id_number": REAL_ID, "birth_date": "1949-12-31", "sex": "male"}, "sex"),
        ({"birth_date": "2990-01-01"}, "birth_date"),
        ({"record_number": "N-0001"}, "record_number"),
        ({"name": ""}, "name"),
    ],
)
def test_a_patient_is_entered_right_or_not_at_all(cast: Cast, change: dict, field: str) -> None:
    thing = started(cast)
    answer = browser(cast.doctor).post(f"/consultations/{thing.pk}/edit/patient/", {**PATIENT, **change})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Patient.objects.count() == 1


def test_a_patient_is_corrected_in_place(cast: Cast) -> None:
    thing = walk.draft(cast)
    corrected = {**PATIENT, "record_number": "N-0001", "name": "王桂瑛", "sex": "female", "correct": "1"}
    assert browser(cast.doctor).post(f"/consultations/{thing.pk}/edit/patient/", corrected).status_code == 302
    cast.patient.refresh_from_db()
    assert (cast.patient.name, Patient.objects.count()) == ("王桂瑛", 1)


# The consent


def scan(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_consent_by_a_photo_of_the_paper_and_seeing_it_again(cast: Cast) -> None:
    thing = started(cast)
    doctor = browser(cast.doctor)
    paper = scan("同意书.png", walk.signature())
    sent = {"signer_name": "王桂英", "relation": "spouse", "drawn": "", "file": paper}
    assert doctor.post(f"/consultations/{thing.pk}/edit/consent/", sent).status_code == 302
    consent = Consent.objects.get()
    assert (consent.method, consent.relation, consent.taken_by) == ("file", "spouse", cast.doctor)
    answer = doctor.get(f"/consultations/{thing.pk}/consents/{consent.pk}/file/")
    assert answer["Content-Type"] in {"image/png", "image/jpeg"}
    assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "private, no-store")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "file"),
        ({"drawn": "data:image/png;base64,AAAA"}, "drawn"),
        ({"drawn": "nonsense"}, "drawn"),
        ({"file": scan("a.exe", b"MZ" + bytes(100))}, "file"),
        ({"file": scan("a.pdf", b"%PDF-1.4 cut off")}, "file"),
        ({"signer_name": "", "file": scan("a.png", walk.signature())}, "signer_name"),
        ({"relation": "neighbour", "file": scan("a.png", walk.signature())}, "relation"),
    ],
)
def test_a_consent_without_a_signature_is_none(cast: Cast, change: dict, field: str) -> None:
    thing = started(cast)
    sent = {"signer_name": "王桂英", "relation": "self", "drawn": "", **change}
    answer = browser(cast.doctor).post(f"/consultations/{thing.pk}/edit/consent/", sent)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Consent.objects.count() == 0


def test_a_withdrawn_consent_closes_the_call_until_a_new_one(cast: Cast) -> None:
    thing = walk.accepted(cast)
    doctor = browser(cast.doctor)
    consent = thing.consents.get()
    url = f"/consultations/{thing.pk}/consents/{consent.pk}/withdraw/"
    assert browser(cast.outsider).post(url).status_code == 404
    assert browser(cast.expert).post(url).status_code == 403
    assert doctor.get(url).status_code == 405
    assert doctor.get(f"/consultations/{thing.pk}/room/").status_code == 200
    assert doctor.post(url).status_code == 302
    assert doctor.post(url).status_code == 409
    assert doctor.get(f"/consultations/{thing.pk}/room/").status_code == 403
    assert doctor.get(f"/consultations/{thing.pk}/edit/consent/").status_code == 200
    new = {"signer_name": "王桂英", "relation": "self", "drawn": "", "file": scan("a.png", walk.signature())}
    assert doctor.post(f"/consultations/{thing.pk}/edit/consent/", new)["Location"] == f"/consultations/{thing.pk}/"
    assert doctor.get(f"/consultations/{thing.pk}/room/").status_code == 200


def test_the_wanted_time_is_the_readers(cast: Cast) -> None:
    """Typed, shown again and kept in the zone of the device; an unknown zone is the site's."""
    thing = started(cast)
    edit = f"/consultations/{thing.pk}/edit/question/"
    for zone, hour in (("UTC", 15), ("Asia/Shanghai", 7), ("../etc/passwd", 7), ("", 7)):
        doctor = browser(cast.doctor)
        doctor.cookies["zone"] = zone
        assert doctor.post(edit, QUESTION).status_code == 302
        thing.refresh_from_db()
        assert thing.wanted_at is not None
        assert (thing.wanted_at.day, thing.wanted_at.hour, thing.wanted_at.minute) == (2, hour, 30)
        assert 'value="2030-01-02T15:30"' in doctor.get(edit).content.decode()


def test_autosave_names_what_it_did_not_keep(cast: Cast) -> None:
    thing = walk.draft(cast)
    url = f"/consultations/{thing.pk}/autosave/"
    typed = {"question": "溶栓还是转运？", "wanted_at": "2001-01-01T10:00"}
    answer = browser(cast.doctor).post(url, typed, headers=JSON).json()
    assert list(answer["unkept"]) == ["wanted_at"]
    thing.refresh_from_db()
    assert thing.question == "溶栓还是转运？"
    assert browser(cast.doctor).post(url, {"question": "x", "wanted_at": ""}, headers=JSON).json()["unkept"] == {}


def test_a_past_time_is_refused(cast: Cast) -> None:
    thing = started(cast)
    edit = f"/consultations/{thing.pk}/edit/question/"
    answer = browser(cast.doctor).post(edit, {**QUESTION, "wanted_at": "2020-01-01T10:00"})
    thing.refresh_from_db()
    assert (answer.status_code, thing.wanted_at, thing.question) == (422, None, QUESTION["question"])
    past = walk.draft(cast, wanted_at=timezone.now() - timedelta(hours=2))
    assert [lack.field for lack in consultation.missing(past)] == ["wanted_at"]
