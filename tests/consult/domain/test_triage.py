"""The desk: to whom a request may be offered, and two schedulers at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Agreement, Consultation, Licence, Participant
from consult.services import answer, triage
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


def test_assigning_names_expert_department_and_hospital(cast: Cast) -> None:
    thing = people.offered(cast)
    assert (thing.state, thing.expert, thing.asked_department, thing.asked_hospital) == (
        "OFFERED",
        cast.expert,
        cast.cardiology,
        cast.provincial,
    )


@pytest.mark.parametrize("who", ["doctor", "outsider", "expert", "regulator"])
def test_only_the_desk_assigns(cast: Cast, who: str) -> None:
    thing = people.submitted(cast)
    with pytest.raises(NotAllowed):
        triage.assign(consultation=thing, by=getattr(cast, who), expert=cast.expert, department=cast.cardiology)


def test_an_accepted_one_is_not_assigned_any_more(cast: Cast) -> None:
    thing = people.accepted(cast)
    with pytest.raises(Conflict):
        triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)


@pytest.mark.parametrize("unfit", ["licence", "agreement", "role", "account", "department", "doctor"])
def test_who_cannot_answer_is_not_offered_it(cast: Cast, unfit: str) -> None:
    thing, expert, department = people.submitted(cast), cast.expert, cast.cardiology
    yesterday = timezone.localdate() - timedelta(days=1)
    if unfit == "licence":
        Licence.objects.filter(person=expert).update(valid_until=yesterday)
    elif unfit == "agreement":
        Agreement.objects.filter(primary=cast.nitun, superior=cast.provincial).update(valid_until=yesterday)
    elif unfit == "role":
        expert.roles.update(active=False)
    elif unfit == "account":
        type(expert).objects.filter(pk=expert.pk).update(is_active=False)
    elif unfit == "department":
        department = cast.radiology
    else:
        expert, department = cast.outsider, cast.haizhou_medicine
    with pytest.raises(Refusal) as refused:
        triage.assign(consultation=thing, by=cast.scheduler, expert=expert, department=department)
    assert (refused.value.code, refused.value.status) == ("expert_unfit", 422)


def test_an_expired_licence_takes_nothing_from_the_department(cast: Cast) -> None:
    thing = people.offered(cast)
    Licence.objects.filter(person=cast.second_expert).update(valid_until=timezone.localdate() - timedelta(days=1))
    with pytest.raises(Refusal) as refused:
        answer.take_from_department(consultation=thing, by=cast.second_expert)
    assert refused.value.code == "expert_unfit"


def test_what_was_read_before_a_colleague_assigned_is_too_old(cast: Cast) -> None:
    mine = people.in_triage(cast)
    seen = mine.revision
    theirs = Consultation.objects.get(pk=mine.pk)
    triage.assign(consultation=theirs, by=cast.scheduler, expert=cast.expert, department=cast.cardiology)
    with pytest.raises(Conflict):
        triage.assign(
            consultation=mine, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology, revision=seen
        )
    assert Consultation.objects.get(pk=mine.pk).expert == cast.expert


def test_asked_for_more_after_accepting_and_given_to_another(cast: Cast) -> None:
    thing = triage.ask_more(consultation=people.accepted(cast), by=cast.expert, reason="请补充心电图")
    triage.supply(consultation=thing, by=cast.doctor, answer="已补充")
    assert (thing.state, thing.messages.get().body) == ("TRIAGE", "已补充")
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    answer.accept(consultation=thing, by=cast.other_expert)
    answering = thing.participants.filter(side=Participant.Side.ANSWERING)
    assert {row.person.username: row.ended_at is None for row in answering} == {
        "expert.provincial": False,
        "expert.bethune": True,
    }


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_ten_schedulers_who_assign_at_once_one_wins(live_cast: Cast) -> None:
    pk = people.in_triage(live_cast).pk
    choices = [(live_cast.expert, live_cast.cardiology), (live_cast.other_expert, live_cast.radiology)]
    read = [Consultation.objects.get(pk=pk) for _ in range(10)]

    def assign(number: int) -> str:
        expert, department = choices[number % 2]
        triage.assign(consultation=read[number], by=live_cast.scheduler, expert=expert, department=department)
        return expert.username

    results = together(*[lambda number=number: assign(number) for number in range(10)])  # type: ignore[misc]
    winners = [result for result in results if result != "too_late"]
    assert winners == [Consultation.objects.get(pk=pk).expert.username]  # type: ignore[union-attr]
