"""Who is told what at each step, once, and without a word about the patient."""

from collections.abc import Callable

import pytest
from django.utils import translation

from consult.models import Consultation, Job, Notification, User
from consult.notify import texts
from consult.services import answer, consultation, decision, message, notification, opinion, triage
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__username", flat=True))


DEPARTMENT = {"doctor.nitun", "second.nitun"}
STEPS = {
    people.submitted: {"submitted": {"scheduler"}},
    people.in_triage: {"triage": DEPARTMENT},
    people.returned: {"returned": DEPARTMENT},
    people.needs_info: {"needs_info": DEPARTMENT},
    people.offered: {
        "offered": {"expert.provincial"},
        "offered_department": {"second.provincial"},
        "offered_asker": DEPARTMENT,
    },
    people.declined: {"declined": {"scheduler", "second.provincial"}},
    people.accepted: {"accepted": DEPARTMENT | {"scheduler"}},
    people.in_review: {"review": DEPARTMENT},
    people.waiting: {"waiting": {"expert.provincial"}},
    people.signed: {"signed": DEPARTMENT | {"scheduler"}},
    people.acknowledged: {"decided": {"expert.provincial", "scheduler"}},
    people.following_up: {"follow_up": {"second.nitun", "expert.provincial", "scheduler"}},
    people.closed: {"closed": {"second.nitun", "expert.provincial", "scheduler"}},
    people.cancelled: {"cancelled": {"second.nitun", "scheduler"}},
}


@pytest.mark.parametrize("walk", STEPS, ids=lambda walk: walk.__name__)
def test_each_step_is_told_to_whom_it_concerns(cast: Cast, walk: Callable[[Cast], Consultation]) -> None:
    walk(cast)
    assert {kind: told(kind) for kind in STEPS[walk]} == STEPS[walk]


def test_the_outsider_and_the_other_hospital_are_never_told(cast: Cast) -> None:
    thing = people.closed(cast)
    message.post(consultation=people.accepted(cast), by=cast.doctor, body="在吗", token="token-0001")
    strangers = [cast.outsider, cast.other_expert, cast.regulator]
    assert Notification.objects.filter(consultation=thing).count() > 10
    assert Notification.objects.filter(person__in=strangers).count() == 0


def test_who_is_replaced_is_told(cast: Cast) -> None:
    thing = people.offered(cast)
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    assert told("withdrawn") == {"expert.provincial"}


def test_who_was_named_is_told_when_the_department_takes_it(cast: Cast) -> None:
    answer.take_from_department(consultation=people.offered(cast), by=cast.second_expert)
    assert told("withdrawn") == {"expert.provincial"}


def test_an_amendment_is_told_and_decided_again(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    opinion.amend(consultation=thing, by=cast.expert, reason="补充用药禁忌")
    assert (thing.state, told("amended")) == ("ACKNOWLEDGED", set())
    version = people.sign(cast, thing, recommendation="改用氯吡格雷")
    thing.refresh_from_db()
    assert (thing.state, told("amended")) == ("SIGNED", DEPARTMENT | {"scheduler"})
    decision.record(version=version, by=cast.colleague, verdict="partly", reason="已用药", final_diagnosis="心绞痛")
    assert Notification.objects.filter(kind="decided", person=cast.expert).count() == 2


def test_a_message_is_told_to_the_others_of_both_sides(cast: Cast) -> None:
    message.post(consultation=people.accepted(cast), by=cast.expert, body="请补充心电图", token="token-0001")
    assert told("message") == DEPARTMENT


def test_the_same_key_tells_once(cast: Cast) -> None:
    thing = people.accepted(cast)
    for _turn in range(2):
        notification.tell(people=[cast.doctor.pk], kind="scheduled", consultation=thing, key="once")
    assert Notification.objects.filter(key="once").count() == 1
    run_due()
    assert notification.tell(people=[cast.doctor.pk], kind="scheduled", consultation=thing, key="once") == []
    assert Job.objects.filter(payload={"key": "once"}, done_at=None).count() == 0


def test_an_unknown_kind_is_a_bug_seen_at_once(cast: Cast) -> None:
    with pytest.raises(KeyError):
        notification.tell(people=[cast.doctor.pk], kind="nonsense", consultation=None, key="x")


def test_what_a_person_saw_is_marked_for_this_person_only(cast: Cast) -> None:
    people.accepted(cast)
    mine = Notification.objects.filter(person=cast.doctor).order_by("pk")
    assert notification.seen(by=cast.doctor, up_to=mine[0].pk) == 1
    assert notification.seen(by=cast.doctor, up_to=mine[0].pk) == 0
    assert mine.filter(seen_at=None).count() == mine.count() - 1 > 0
    assert Notification.objects.filter(person=cast.colleague).exclude(seen_at=None).count() == 0


def test_inactive_people_are_not_told(cast: Cast) -> None:
    User.objects.filter(pk=cast.colleague.pk).update(is_active=False)
    cast.scheduler.roles.update(active=False)
    people.submitted(cast)
    message.post(consultation=Consultation.objects.get(), by=cast.doctor, body="在吗", token="token-0001")
    assert Notification.objects.filter(person__in=[cast.colleague, cast.scheduler]).count() == 0


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_text_names_the_number_and_nothing_else(language: str) -> None:
    with translation.override(language):
        lines = {kind: texts.text(kind, "C20261122-0001") for kind in texts.TEXTS}
    of_no_consultation = {"seal_ending", "roster_published"} | {
        kind for kind in texts.TEXTS if kind.startswith("swap_")
    }
    assert {kind for kind, line in lines.items() if line.count("C20261122-0001") != 1} == of_no_consultation
    assert [kind for kind, line in lines.items() if "%" in line] == []


def test_a_draft_is_nobodys_news(cast: Cast) -> None:
    consultation.cancel(consultation=people.draft(cast), by=cast.doctor, reason="")
    assert (Notification.objects.count(), Consultation.objects.get().state) == (0, "CANCELLED")
