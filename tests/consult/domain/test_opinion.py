"""The opinion: a guarded draft, a signature that proves who, versions that never change, one winner of a race."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, Decision, Notification, Opinion, OpinionVersion, Role, User
from consult.services import answer, consultation, decision, opinion, patient
from tests import cast as people
from tests.cast import OPINION, PASSWORD, Cast
from tests.consult.domain.threads import together


def _code(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(Refusal) as refused:
        act(*args, **kwargs)
    return refused.value.code


def _sign(cast: Cast, thing: Consultation, rev: int, password: str = PASSWORD, by: User | None = None) -> Any:
    return opinion.sign(consultation=thing, by=by or cast.expert, password=password, draft_rev=rev)


def _fresh(thing: Consultation) -> Consultation:
    return Consultation.objects.get(pk=thing.pk)


def _decide(version: OpinionVersion, by: User, verdict: str = "adopted", reason: str = "") -> Decision:
    return decision.record(version=version, by=by, verdict=verdict, reason=reason, final_diagnosis="不稳定型心绞痛")


def test_a_second_window_cannot_overwrite_the_draft(cast: Cast) -> None:
    thing = people.accepted(cast)

    def save(rev: int, findings: str) -> Opinion:
        return opinion.save_draft(consultation=thing, by=cast.expert, fields={"findings": findings}, draft_rev=rev)

    assert save(0, "一").draft_rev == 1
    assert save(1, "一二\r\n\x00").draft_rev == 2
    for old in (0, 1, 3):
        assert _code(save, old, "别的窗口") == "draft_changed"
    assert Opinion.objects.get().findings == "一二"
    assert _code(save, 2, "长" * 20_001) == "too_long"
    assert save(2, "长" * 20_000).draft_rev == 3


def test_only_the_accepting_specialist_writes_and_signs(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing)
    others = (cast.doctor, cast.colleague, cast.second_expert, cast.other_expert, cast.scheduler, cast.regulator)
    for other in others:
        with pytest.raises(NotAllowed):
            opinion.save_draft(consultation=thing, by=other, fields=OPINION, draft_rev=0)
        with pytest.raises(NotAllowed):
            _sign(cast, thing, rev, by=other)
    assert Opinion.objects.count() == 1
    assert not AuditEntry.objects.filter(action="opinion.wrong_password").exists()


def test_what_is_signed_says_all_about_itself(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    version = people.sign(cast, thing)
    licence = cast.expert.licences.get()
    assert (version.number, version.findings, version.signed_by, version.signer_name, version.signer_title) == (
        1,
        OPINION["findings"],
        cast.expert,
        "张文博",
        "chief",
    )
    assert (version.signer_hospital, version.licence_number) == ("山西省人民医院", licence.number)
    assert version.about["patient"]["name"] == "王桂英"
    assert version.about["request"]["question"] == people.REQUEST["question"]
    assert (_fresh(thing).state, _fresh(thing).signed_at) == ("SIGNED", version.signed_at)
    assert version.sha256 == opinion.digest(OpinionVersion.objects.get())
    patient.correct(patient=cast.patient, by=cast.doctor, fields={"name": "王贵英"})
    assert OpinionVersion.objects.get().about["patient"]["name"] == "王桂英"
    told = Notification.objects.filter(kind="signed").values_list("person__username", flat=True)
    assert sorted(told) == ["doctor.nitun", "scheduler", "second.nitun"]


def test_any_changed_word_changes_the_hash(cast: Cast) -> None:
    version = people.sign(cast, people.opinion_due(cast))
    whole = version.sha256
    hashes = {}
    for name in ("findings", "diagnosis", "recommendation", "amendment_reason", "signer_name", "signer_title",
                 "signer_hospital", "licence_number"):  # fmt: skip
        version.refresh_from_db()
        setattr(version, name, getattr(version, name) + " ")
        hashes[name] = opinion.digest(version)
    for name, other in (
        ("number", 2),
        ("signed_at", version.signed_at + timedelta(microseconds=1)),
        ("signed_by", cast.second_expert),
        ("opinion_id", version.opinion_id + 1),
    ):
        version.refresh_from_db()
        setattr(version, name, other)
        hashes[name] = opinion.digest(version)
    for part in ("patient", "request", "asking", "answering"):
        for key in version.about[part]:
            version.refresh_from_db()
            version.about[part][key] += "x"
            hashes[f"{part}.{key}"] = opinion.digest(version)
    assert len(hashes) == 34
    assert len({whole, *hashes.values()}) == 35


def test_a_wrong_password_signs_nothing_and_the_fifth_locks(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing)
    assert [_code(_sign, cast, thing, rev, "falsch") for _ in range(5)] == ["wrong_password"] * 5
    assert _code(_sign, cast, thing, rev) == "locked"
    assert (_fresh(thing).state, OpinionVersion.objects.count()) == ("OPINION_DUE", 0)
    wrong = AuditEntry.objects.filter(action="opinion.wrong_password")
    assert {(entry.actor, str(entry.detail)) for entry in wrong} == {("expert.provincial", "{}")}
    assert wrong.count() == 5
    other = people.opinion_due(cast)
    assert people.sign(cast, other).number == 1


def test_after_a_quarter_of_an_hour_the_right_password_signs_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing)
    for _ in range(5):
        _code(_sign, cast, thing, rev, "falsch")
    later = timezone.now() + timedelta(minutes=15, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert _sign(cast, thing, rev).number == 1


@pytest.mark.parametrize("days", [(-10, -1), (1, 10)])
def test_without_a_licence_on_the_day_nothing_is_signed(cast: Cast, days: tuple[int, int]) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing)
    today = timezone.localdate()
    first, last = (today + timedelta(days=count) for count in days)
    cast.expert.licences.update(valid_from=first, valid_until=last)
    assert _code(_sign, cast, thing, rev) == "no_licence"
    cast.expert.licences.update(valid_from=today, valid_until=today)
    assert _sign(cast, thing, rev).number == 1


@pytest.mark.parametrize("name", ["findings", "diagnosis", "recommendation"])
def test_an_incomplete_opinion_is_not_signed(cast: Cast, name: str) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing, **{name: " \n "})
    with pytest.raises(Refusal) as refused:
        _sign(cast, thing, rev)
    assert (refused.value.code, refused.value.field) == ("incomplete", name)


def test_an_opinion_never_begun_is_not_signed(cast: Cast) -> None:
    assert _code(_sign, cast, people.accepted(cast), 0) == "incomplete"


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\ue000", "\x07", "\U0001f600", "\U000e0041"])
def test_what_cannot_be_printed_is_not_signed(cast: Cast, char: str) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing, diagnosis=f"冠心病{char}待查")
    with pytest.raises(Refusal) as refused:
        _sign(cast, thing, rev)
    assert (refused.value.code, refused.value.field) == ("unprintable", "diagnosis")
    assert f"U+{ord(char):04X}" in str(refused.value.message)


def test_another_windows_draft_is_not_signed_unseen(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    rev = people.write_opinion(cast, thing)
    people.write_opinion(cast, thing, findings="另一窗口的所见")
    assert _code(_sign, cast, thing, rev) == "draft_changed"
    assert _fresh(thing).state == "OPINION_DUE"


@pytest.mark.parametrize("walk", [people.accepted, people.in_review, people.in_session, people.interrupted])
def test_it_is_signed_from_any_answering_state(cast: Cast, walk: Any) -> None:
    thing = walk(cast)
    people.sign(cast, thing)
    assert _fresh(thing).state == "SIGNED"
    assert _code(_sign, cast, thing, 2) == "too_late"


@pytest.mark.parametrize(
    "verb",
    [
        "UPDATE consult_opinionversion SET findings = 'x'",
        "UPDATE consult_opinionversion SET sha256 = sha256",
        "DELETE FROM consult_opinionversion",
    ],
)
def test_the_database_refuses_to_change_what_was_signed(cast: Cast, verb: str) -> None:
    people.signed(cast)
    before = list(OpinionVersion.objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)
    assert list(OpinionVersion.objects.values()) == before


@pytest.mark.parametrize("walk", [people.signed, people.acknowledged, people.following_up])
def test_an_amendment_is_a_second_version_to_be_decided_on_anew(cast: Cast, walk: Any) -> None:
    thing = walk(cast)
    first = OpinionVersion.objects.get()
    decided = Decision.objects.count()
    opened = opinion.amend(consultation=thing, by=cast.expert, reason="补充肌钙蛋白结果")
    assert {name: getattr(opened, name) for name in OPINION} == OPINION
    assert _code(opinion.amend, consultation=thing, by=cast.expert, reason="又") == "amendment_open"
    rev = people.write_opinion(cast, thing, diagnosis="急性心肌梗死")
    second = _sign(cast, thing, rev)
    assert (second.number, second.diagnosis, second.amendment_reason) == (2, "急性心肌梗死", "补充肌钙蛋白结果")
    first.refresh_from_db()
    assert (first.diagnosis, opinion.digest(first)) == (OPINION["diagnosis"], first.sha256)
    assert _fresh(thing).state == "SIGNED"
    told = Notification.objects.filter(kind="amended").values_list("person__username", flat=True)
    assert sorted(told) == ["doctor.nitun", "scheduler", "second.nitun"]
    with pytest.raises(Conflict):
        _decide(first, cast.doctor)
    _decide(second, cast.doctor)
    assert (Decision.objects.count(), _fresh(thing).state) == (decided + 1, "ACKNOWLEDGED")


def test_who_may_amend_and_when(cast: Cast) -> None:
    thing = people.signed(cast)
    for other in (cast.doctor, cast.second_expert, cast.scheduler, cast.outsider):
        with pytest.raises(NotAllowed):
            opinion.amend(consultation=thing, by=other, reason="改")
    assert _code(opinion.amend, consultation=thing, by=cast.expert, reason=" ") == "reason_missing"
    assert _code(opinion.amend, consultation=people.closed(cast), by=cast.expert, reason="改") == "too_late"
    assert _code(opinion.amend, consultation=people.opinion_due(cast), by=cast.expert, reason="改") == "too_late"


def test_a_decision_says_why_and_what_in_the_end(cast: Cast) -> None:
    thing = people.signed(cast)
    version = OpinionVersion.objects.get()
    assert _code(_decide, version, cast.doctor, "maybe") == "unknown_verdict"
    assert [_code(_decide, version, cast.doctor, verdict, " ") for verdict in ("partly", "not")] == [
        "reason_missing"
    ] * 2
    assert _code(
        decision.record, version=version, by=cast.doctor, verdict="adopted", reason="", final_diagnosis=""
    ) == ("diagnosis_missing")
    for other in (cast.expert, cast.scheduler, cast.outsider, cast.regulator):
        with pytest.raises(NotAllowed):
            _decide(version, other)
    made = _decide(version, cast.colleague, "partly", "患者拒绝造影")
    assert (made.verdict, made.reason, made.by, _fresh(thing).state) == (
        "partly",
        "患者拒绝造影",
        cast.colleague,
        "ACKNOWLEDGED",
    )
    with pytest.raises(Conflict):
        _decide(version, cast.doctor)
    told = Notification.objects.filter(kind="decided").values_list("person__username", flat=True)
    assert sorted(told) == ["expert.provincial", "scheduler"]


def test_a_specialist_of_two_departments_signs_under_the_asked_one(cast: Cast) -> None:
    Role.objects.create(
        person=cast.expert, kind="expert", hospital=cast.bethune, department=cast.radiology, title="attending"
    )
    cast.expert._active_roles = None
    version = people.sign(cast, people.opinion_due(cast))
    assert (version.signer_title, version.about["answering"]["department"]) == ("chief", "心血管内科")


@pytest.mark.slow
def test_of_six_who_sign_at_once_one_does(live_cast: Cast) -> None:
    thing = people.opinion_due(live_cast)
    rev = people.write_opinion(live_cast, thing)
    done = together(*(lambda: _sign(live_cast, _fresh(thing), rev).number,) * 6)
    assert [result for result in done if result not in {"too_late", "draft_changed"}] == [1]
    assert OpinionVersion.objects.count() == 1
    assert AuditEntry.objects.filter(action="consultation.sign").count() == 1


@pytest.mark.slow
def test_of_twenty_who_accept_take_or_cancel_at_once_one_does(live_cast: Cast) -> None:
    thing = people.offered(live_cast)
    done = together(
        *(lambda: answer.accept(consultation=_fresh(thing), by=live_cast.expert).state,) * 7,
        *(lambda: answer.take_from_department(consultation=_fresh(thing), by=live_cast.second_expert).state,) * 7,
        *(lambda: consultation.cancel(consultation=_fresh(thing), by=live_cast.doctor).state,) * 6,
    )
    assert len([result for result in done if result in {"ACCEPTED", "CANCELLED"}]) == 1
    assert {result for result in done if result not in {"ACCEPTED", "CANCELLED"}} <= {"too_late", "wrong_actor"}
    won = AuditEntry.objects.filter(action__in=["consultation.accept", "consultation.take", "consultation.cancel"])
    assert won.count() == 1
    answering = _fresh(thing).participants.filter(side="answering", ended_at=None)
    assert answering.count() == (0 if _fresh(thing).state == "CANCELLED" else 1)


@pytest.mark.slow
def test_drafts_saved_and_decisions_made_at_once_are_one(live_cast: Cast) -> None:
    thing = people.opinion_due(live_cast)
    saves = (
        lambda word=word: (
            opinion.save_draft(
                consultation=thing, by=live_cast.expert, fields={**OPINION, "findings": word}, draft_rev=0
            ).findings
        )
        for word in "一二三四五六"
    )
    kept = [result for result in together(*saves) if result != "draft_changed"]
    assert kept == [Opinion.objects.get().findings]
    version = _sign(live_cast, thing, 1)
    done = together(*(lambda: _decide(version, live_cast.doctor).verdict,) * 6)
    assert sorted(done) == ["adopted", *["too_late"] * 5]
    assert Decision.objects.count() == 1
