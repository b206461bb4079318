"""The request: nothing is missing when it is submitted, its number is its own, its patient is the hospital's own."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consult import policies
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Agreement, AuditEntry, Consultation, Participant
from consult.services import consultation, names, patient
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together

EMPTY: dict[str, Any] = dict.fromkeys(consultation.FIELDS, "") | {"patient": None, "wanted_at": None}


def test_an_empty_draft_lacks_every_field_the_consent_and_nothing_else(cast: Cast) -> None:
    thing = consultation.start_draft(by=cast.doctor, department=cast.nitun_medicine)
    lacks = consultation.missing(thing)
    assert [item.field for item in lacks] == [
        "patient", "urgency", "purpose", "specialty", "title_wanted", "wanted_at", "reason", "record_summary", "tests",
        "present_diagnosis", "question", "consent",
    ]  # fmt: skip
    assert len({item.words for item in lacks}) == 12
    assert "" not in {item.words for item in lacks}


@pytest.mark.parametrize("field", consultation.FIELDS)
def test_with_one_missing_it_is_not_submitted_and_the_refusal_names_it(cast: Cast, field: str) -> None:
    thing = people.draft(cast)
    consultation.save_draft(consultation=thing, by=cast.doctor, fields={field: EMPTY[field]})
    with pytest.raises(Refusal) as refused:
        consultation.submit(consultation=thing, by=cast.doctor)
    assert (refused.value.code, refused.value.field) == ("incomplete", field)
    assert str(consultation.FIELDS[field]) in str(refused.value.message)
    thing.refresh_from_db()
    assert (thing.state, thing.number) == ("DRAFT", None)


@pytest.mark.parametrize("blank", [" ", "\n\t ", "\x00", "　"])
def test_white_space_is_nothing_written(cast: Cast, blank: str) -> None:
    thing = people.draft(cast)
    consultation.save_draft(consultation=thing, by=cast.doctor, fields={"question": blank})
    assert [item.field for item in consultation.missing(thing)] == ["question"]


@pytest.mark.parametrize(
    "ended",
    [
        {"valid_until": timezone.localdate() - timedelta(days=1)},
        {"valid_from": timezone.localdate() + timedelta(days=1)},
        {"ended_at": timezone.now()},
    ],
)
def test_without_a_valid_agreement_it_is_not_submitted(cast: Cast, ended: dict[str, Any]) -> None:
    thing = people.draft(cast)
    Agreement.objects.filter(primary=cast.nitun, superior=cast.bethune).update(**ended)
    assert consultation.missing(thing) == []
    Agreement.objects.filter(primary=cast.nitun).update(**ended)
    with pytest.raises(Refusal) as refused:
        consultation.submit(consultation=thing, by=cast.doctor)
    assert (refused.value.code, refused.value.field) == ("incomplete", "agreement")


def test_an_agreement_holds_on_its_last_day(cast: Cast) -> None:
    today = timezone.localdate()
    Agreement.objects.filter(primary=cast.nitun).update(valid_from=today, valid_until=today)
    assert people.submitted(cast).state == "SUBMITTED"


def test_an_ended_agreement_offers_no_specialist(cast: Cast) -> None:
    thing = people.in_triage(cast)
    Agreement.objects.filter(superior=cast.provincial).update(ended_at=timezone.now())
    with pytest.raises(Refusal) as refused:
        people.triage.assign(consultation=thing, by=cast.scheduler, expert=cast.expert, department=cast.cardiology)
    assert refused.value.code == "expert_unfit"


def test_a_patient_of_another_hospital_is_refused(cast: Cast) -> None:
    foreign = patient.enter(
        by=cast.outsider,
        department=cast.haizhou_medicine,
        fields={"record_number": "H-1", "name": "张大山", "sex": "male", "birth_date": "1961-05-20"},
    )
    thing = people.draft(cast)
    with pytest.raises(Refusal) as refused:
        consultation.save_draft(consultation=thing, by=cast.doctor, fields={"patient": foreign})
    assert refused.value.code == "foreign_patient"
    thing.refresh_from_db()
    assert thing.patient == cast.patient


def test_a_draft_keeps_what_was_typed_and_counts_only_changes(cast: Cast) -> None:
    thing = consultation.start_draft(by=cast.doctor, department=cast.nitun_medicine)
    consultation.save_draft(consultation=thing, by=cast.doctor, fields={"question": " 是否转诊？\x00 "})
    consultation.save_draft(consultation=thing, by=cast.doctor, fields={"question": "是否转诊？"})
    assert (thing.question, thing.revision) == ("是否转诊？", 2)
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.detail) == ("consultation.save_draft", {"fields": ["question"]})
    with pytest.raises(KeyError):
        consultation.save_draft(consultation=thing, by=cast.doctor, fields={"state": "SIGNED"})
    with pytest.raises(Refusal) as refused:
        consultation.save_draft(consultation=thing, by=cast.doctor, fields={"tests": "长" * 20_001})
    assert (refused.value.code, refused.value.field) == ("too_long", "tests")


def test_who_may_write_the_draft_and_until_when(cast: Cast) -> None:
    thing = people.draft(cast)
    for stranger in (cast.outsider, cast.expert, cast.scheduler, cast.colleague):
        with pytest.raises(NotAllowed) as refused:
            consultation.save_draft(consultation=thing, by=stranger, fields={"tests": "改"})
        assert refused.value.code == "not_asking"
    consultation.submit(consultation=thing, by=cast.doctor)
    with pytest.raises(Conflict):
        consultation.save_draft(consultation=thing, by=cast.doctor, fields={"tests": "改"})
    with pytest.raises(NotAllowed):
        consultation.save_draft(consultation=thing, by=cast.scheduler, fields={"tests": "改"})


@pytest.mark.parametrize("name", ["expert", "scheduler", "regulator", "outsider"])
def test_only_doctors_of_the_primary_hospital_begin(cast: Cast, name: str) -> None:
    with pytest.raises(NotAllowed):
        consultation.start_draft(by=getattr(cast, name), department=cast.nitun_medicine)
    assert not policies.may_ask(cast.expert)
    assert not Consultation.objects.exists()


def test_a_returned_request_keeps_its_number_and_time(cast: Cast) -> None:
    thing = people.returned(cast)
    known = (thing.number, thing.submitted_at)
    consultation.save_draft(consultation=thing, by=cast.colleague, fields={"tests": "补充：超声心动图正常"})
    consultation.submit(consultation=thing, by=cast.colleague)
    assert (thing.number, thing.submitted_at) == known
    assert (thing.state, thing.asker) == ("SUBMITTED", cast.doctor)
    parts = Participant.objects.filter(consultation=thing)
    assert [(part.person, part.side) for part in parts] == [(cast.doctor, "asking")]


def test_supplying_is_a_message_and_once(cast: Cast) -> None:
    thing = people.needs_info(cast)
    people.triage.supply(consultation=thing, by=cast.doctor, answer="心电图已上传")
    assert (thing.state, [message.body for message in thing.messages.all()]) == ("TRIAGE", ["心电图已上传"])
    with pytest.raises(Conflict):
        people.triage.supply(consultation=thing, by=cast.colleague, answer="又一次")
    assert thing.messages.count() == 1
    empty = people.needs_info(cast)
    with pytest.raises(Refusal) as refused:
        people.triage.supply(consultation=empty, by=cast.doctor, answer=" ")
    empty.refresh_from_db()
    assert (refused.value.code, empty.state) == ("empty", "NEEDS_INFO")


@pytest.mark.slow
def test_twenty_who_submit_at_once_get_twenty_numbers(live_cast: Cast) -> None:
    things = [people.draft(live_cast) for _ in range(20)]
    done = together(
        *(lambda thing=thing: consultation.submit(consultation=thing, by=live_cast.doctor) for thing in things)
    )
    day = timezone.localdate()
    assert sorted(thing.number for thing in done) == [f"C{day:%Y%m%d}-{count:04d}" for count in range(1, 21)]


@pytest.mark.slow
def test_of_ten_who_submit_one_draft_one_does(live_cast: Cast) -> None:
    thing = people.draft(live_cast)
    done = together(
        *(lambda: consultation.submit(consultation=Consultation.objects.get(pk=thing.pk), by=live_cast.doctor),) * 10
    )
    assert [result for result in done if result != "too_late"] == [thing]
    assert AuditEntry.objects.filter(action="consultation.submit").count() == 1


def test_the_same_record_number_is_one_patient(cast: Cast) -> None:
    known = people.enter_patient(cast)
    with pytest.raises(Conflict) as refused:
        people.enter_patient(cast, name="另一个人")
    assert (refused.value.code, refused.value.field) == ("record_number_taken", "record_number")
    with pytest.raises(NotAllowed):
        patient.correct(patient=known, by=cast.outsider, fields={"name": "改"})
    patient.correct(patient=known, by=cast.colleague, fields={"name": "张小山", "phone": ""})
    known.refresh_from_db()
    assert (known.name, known.name_index) == ("张小山", "zhangxiaoshan zxs")
    assert AuditEntry.objects.latest("seq").detail == {"fields": ["name"]}


def test_names_are_found_by_latin_letters() -> None:
    assert names.index("王桂英") == "wangguiying wgy"
    assert names.index("李秀兰", "Li Xiulan") == "lixiulan lxl"
    assert names.index("") == ""
    assert len(names.index("王" * 60)) <= 160
