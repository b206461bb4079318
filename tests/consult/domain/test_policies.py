"""Who sees a consultation and what each may do, for every state and everyone of the cast. The tables are by hand."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consult import policies
from consult.models import Consultation, Role, User
from consult.services import answer, consent, moves, opinion, triage
from consult.states import State
from tests import cast as people
from tests.cast import Cast

# E edit the request, C take consent, J join the call, P post, I add images,
# D see the draft of the opinion, W write it, S sign it, A amend it
ASKING = {
    "DRAFT": "ECI", "SUBMITTED": "CPI", "TRIAGE": "CPI", "NEEDS_INFO": "ECPI", "RETURNED": "ECPI", "OFFERED": "CPI",
    "DECLINED": "CPI", "ACCEPTED": "CJPI", "SCHEDULED": "CJPI", "WAITING": "CJPI", "IN_SESSION": "CJPI",
    "INTERRUPTED": "CJPI", "ASYNC_REVIEW": "CJPI", "OPINION_DUE": "CJPI", "SIGNED": "CJPI", "ACKNOWLEDGED": "CJPI",
    "FOLLOW_UP": "CJPI", "CLOSED": "", "CANCELLED": "", "NO_SHOW": "", "EXPIRED": "", "REFERRED": "",
}  # fmt: skip
EXPERT = {
    "OFFERED": "P", "DECLINED": "", "ACCEPTED": "JPIDWS", "SCHEDULED": "JPIDWS", "WAITING": "JPIDWS",
    "IN_SESSION": "JPIDWS", "INTERRUPTED": "JPIDWS", "ASYNC_REVIEW": "JPIDWS", "OPINION_DUE": "JPIDWS",
    "SIGNED": "JPDA", "ACKNOWLEDGED": "JPDA", "FOLLOW_UP": "JPDA", "CLOSED": "", "NO_SHOW": "", "REFERRED": "",
}  # fmt: skip
DEPARTMENT = {"OFFERED": "", "DECLINED": ""}
DESK = {state: "P" if rights else "" for state, rights in ASKING.items() if state != "DRAFT"}
LETTERS: dict[str, Callable[[User, Consultation], bool]] = {
    "E": policies.may_edit, "C": policies.may_consent, "J": policies.may_join, "P": policies.may_post,
    "I": policies.may_add_images, "D": policies.may_see_draft, "W": policies.may_write, "S": policies.may_sign,
    "A": policies.may_amend,
}  # fmt: skip


def _system(walk: Callable[[Cast], Consultation], name: str, by: str = "") -> Callable[[Cast], Consultation]:
    def walked(cast: Cast) -> Consultation:
        actor = getattr(cast, by) if by else None
        return moves.make(consultation=walk(cast), name=name, by=actor, reason="因为")

    return walked


WALKS: dict[str, Callable[[Cast], Consultation]] = {
    "DRAFT": people.draft, "SUBMITTED": people.submitted, "TRIAGE": people.in_triage, "NEEDS_INFO": people.needs_info,
    "RETURNED": people.returned, "OFFERED": people.offered, "DECLINED": people.declined, "ACCEPTED": people.accepted,
    "SCHEDULED": _system(people.accepted, "schedule", "expert"), "WAITING": people.waiting,
    "IN_SESSION": people.in_session, "INTERRUPTED": people.interrupted, "ASYNC_REVIEW": people.in_review,
    "OPINION_DUE": people.opinion_due, "SIGNED": people.signed, "ACKNOWLEDGED": people.acknowledged,
    "FOLLOW_UP": people.following_up, "CLOSED": people.closed, "CANCELLED": people.cancelled,
    "NO_SHOW": _system(people.waiting, "miss"), "EXPIRED": _system(people.submitted, "expire"),
    "REFERRED": _system(people.signed, "refer", "expert"),
}  # fmt: skip


@pytest.fixture
def everywhere(cast: Cast) -> dict[str, Consultation]:
    """One consultation in each state."""
    things = {state: Consultation.objects.get(pk=walk(cast).pk) for state, walk in WALKS.items()}
    assert [thing.state for thing in things.values()] == list(WALKS)
    return things


def _cast(cast: Cast) -> dict[str, User]:
    found = {name: getattr(cast, name) for name in cast.__slots__}
    return {name: people.again(user) for name, user in found.items() if isinstance(user, User)}


def _rights(user: User, thing: Consultation) -> str:
    return "".join(letter for letter, question in LETTERS.items() if question(user, thing))


@pytest.mark.slow
def test_everyone_sees_and_may_do_what_the_tables_say(cast: Cast, everywhere: dict[str, Consultation]) -> None:
    assert set(WALKS) == set(State)
    sides: dict[str, tuple[str, dict[str, str]]] = {
        "doctor": ("asking", ASKING),
        "colleague": ("asking", {state: rights for state, rights in ASKING.items() if state != "DRAFT"}),
        "outsider": ("", {}),
        "expert": ("answering", EXPERT),
        "second_expert": ("answering", DEPARTMENT),
        "other_expert": ("", {}),
        "scheduler": ("desk", DESK),
        "regulator": ("oversight", {state: "" for state in WALKS if state != "DRAFT"}),
    }
    found, wanted = {}, {}
    for name, user in _cast(cast).items():
        side, table = sides[name]
        visible = set(policies.visible_consultations(user).values_list("pk", flat=True))
        for state, thing in everywhere.items():
            assert (policies.visible_consultation(user, thing.pk) == thing) is (thing.pk in visible)
            found[name, state] = (thing.pk in visible, policies.side_of(user, thing), _rights(user, thing))
            wanted[name, state] = (state in table, side if state in table else "", table.get(state, ""))
    assert found == wanted
    _check_lists(cast)


def _check_lists(cast: Cast) -> None:
    """The lists of the home page hold all one sees, once; the first holds what waits for an act."""
    lists = {
        name: {label: [thing.state for thing in policies.worklist(user, label)] for label in policies.worklists(user)}
        for name, user in _cast(cast).items()
    }
    for name, user in _cast(cast).items():
        seen = sorted(state for states in lists[name].values() for state in states)
        assert seen == sorted(policies.visible_consultations(user).values_list("state", flat=True)), name
    waiting_for = {name: set(found["todo"]) for name, found in lists.items()}
    assert waiting_for == {
        "doctor": {"DRAFT", "RETURNED", "NEEDS_INFO", "SIGNED"},
        "colleague": {"RETURNED", "NEEDS_INFO", "SIGNED"},
        "outsider": set(),
        "expert": {"OFFERED", "ASYNC_REVIEW", "OPINION_DUE"},
        "second_expert": set(),
        "other_expert": set(),
        "scheduler": {"SUBMITTED", "TRIAGE", "DECLINED"},
        "regulator": set(),
    }
    assert set(lists["second_expert"]["department"]) == {"OFFERED", "DECLINED"}
    assert [name for name, found in lists.items() if "department" in found] == [
        "expert",
        "second_expert",
        "other_expert",
    ]


def test_lists_are_most_urgent_and_oldest_first(cast: Cast) -> None:
    numbers = {
        people.submitted(cast, urgency=urgency).number: urgency
        for urgency in ("routine", "urgent", "emergency", "routine", "urgent", "emergency")
    }
    oldest_first = sorted(
        numbers, key=lambda number: (["emergency", "urgent", "routine"].index(numbers[number]), number)
    )
    assert [thing.number for thing in policies.worklist(cast.scheduler, "todo")] == oldest_first


@pytest.mark.parametrize("name", ["doctor", "expert", "scheduler", "regulator"])
def test_a_list_of_thirty_costs_the_queries_of_one(cast: Cast, name: str) -> None:
    thing = people.accepted(cast)
    user = getattr(cast, name)

    def cost() -> tuple[int, int]:
        fresh = people.again(user)
        with CaptureQueriesContext(connection) as queries:
            rows = list(policies.worklist(fresh, "live"))
            for row in rows:
                policies.side_of(fresh, row)
                policies.moves(fresh, row)
                str(row.patient), str(row.hospital), str(row.asker), str(row.expert), str(row.asked_department)
        return len(rows), len(queries)

    one = cost()
    for count in range(2, 31):
        parts = list(thing.participants.all())
        copy = Consultation.objects.get(pk=thing.pk)
        copy.pk, copy.number = None, f"C-{count}"
        copy.save(force_insert=True)
        for part in parts:
            part.pk, part.consultation = None, copy
            part.save(force_insert=True)
    assert (one[0], cost()) == (1, (30, one[1]))
    assert one[1] <= 4


def test_a_draft_of_an_opinion_is_the_answering_sides_alone(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    people.write_opinion(cast, thing)
    others = (cast.doctor, cast.colleague, cast.scheduler, cast.regulator, cast.outsider, cast.second_expert)
    assert [policies.may_see_draft(user, thing) for user in others] == [False] * 6
    assert policies.may_see_draft(cast.expert, thing)
    assert [policies.visible_versions(user, thing).count() for user in (cast.doctor, cast.expert)] == [0, 0]
    people.sign(cast, thing)
    assert [policies.visible_versions(user, thing).count() for user in others] == [1, 1, 1, 1, 0, 0]
    amended = opinion.amend(consultation=thing, by=cast.expert, reason="复查")
    assert amended.findings == policies.visible_versions(cast.doctor, thing).get().findings
    people.write_opinion(cast, thing, findings="尚未签署的新所见")
    assert [version.findings for version in policies.visible_versions(cast.doctor, thing)] == [
        people.OPINION["findings"]
    ]


def test_an_amendment_opens_the_pen_again_for_its_author_alone(cast: Cast) -> None:
    thing = people.signed(cast)
    assert "W" not in _rights(cast.expert, thing)
    opinion.amend(consultation=thing, by=cast.expert, reason="复查")
    assert [_rights(user, thing) for user in (cast.expert, cast.second_expert)] == ["JPDWSA", ""]


def test_who_is_no_longer_asked_loses_sight(cast: Cast) -> None:
    thing = people.declined(cast)
    assert policies.side_of(cast.expert, thing) == "answering"  # of the asked department still: may take it after all
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    for user in (cast.expert, cast.second_expert):
        assert policies.side_of(user, thing) == ""
        assert not policies.visible_consultations(user).exists()
    assert policies.side_of(cast.other_expert, thing) == "answering"


def test_who_accepted_and_was_replaced_loses_sight(cast: Cast) -> None:
    thing = people.accepted(cast)
    triage.ask_more(consultation=thing, by=cast.expert, reason="请补充心电图")
    assert policies.side_of(cast.expert, thing) == "answering"
    triage.supply(consultation=thing, by=cast.doctor, answer="已上传")
    assert policies.side_of(cast.expert, thing) == "answering"
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    answer.accept(consultation=thing, by=cast.other_expert)
    assert policies.side_of(cast.expert, thing) == ""
    assert not policies.visible_consultations(cast.expert).exists()
    assert _rights(cast.expert, thing) == ""


def test_the_expert_reads_on_for_thirty_days_after_the_end(cast: Cast) -> None:
    thing = people.closed(cast)
    part = thing.participants.get(person=cast.expert)
    assert part.ended_at is not None
    assert thing.closed_at is not None
    assert part.ended_at - thing.closed_at == timedelta(days=30)
    assert policies.side_of(cast.expert, thing) == "answering"
    thing.participants.filter(pk=part.pk).update(ended_at=timezone.now() - timedelta(seconds=1))
    assert policies.side_of(cast.expert, thing) == ""
    assert not policies.visible_consultations(cast.expert).exists()


@pytest.mark.parametrize("name", ["doctor", "expert", "scheduler", "regulator"])
@pytest.mark.parametrize("lost", ["account", "role", "hospital", "department"])
def test_an_inactive_person_or_role_sees_nothing(cast: Cast, name: str, lost: str) -> None:
    thing = people.in_session(cast)
    user = getattr(cast, name)
    role = Role.objects.get(person=user)
    assert policies.visible_consultations(people.again(user)).count() == 1
    if lost == "account":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif lost == "role":
        Role.objects.filter(pk=role.pk).update(active=False)
    elif getattr(role, lost) is None:
        return  # the province's desk and the regulator belong to no hospital
    else:
        type(getattr(role, lost)).objects.filter(pk=getattr(role, lost).pk).update(active=False)
    user = people.again(user)
    assert not policies.visible_consultations(user).exists()
    assert not policies.visible_patients(user).exists()
    assert (policies.side_of(user, thing), _rights(user, thing), policies.moves(user, thing)) == ("", "", set())
    assert policies.worklists(user) == []


def test_a_stranger_sees_nothing(cast: Cast) -> None:
    thing = people.closed(cast)
    nobody = AnonymousUser()
    assert not policies.visible_consultations(nobody).exists()
    assert not policies.visible_patients(nobody).exists()
    assert not policies.visible_versions(nobody, thing).exists()
    assert (policies.side_of(nobody, thing), policies.worklists(nobody)) == ("", [])


def test_patients_are_seen_by_their_hospital_and_through_consultations(cast: Cast) -> None:
    seen = {name: policies.visible_patients(user).count() for name, user in _cast(cast).items()}
    assert seen == {
        "doctor": 1, "colleague": 1, "outsider": 0, "expert": 0, "second_expert": 0, "other_expert": 0,
        "scheduler": 0, "regulator": 0,
    }  # fmt: skip
    people.accepted(cast)
    people.enter_patient(cast)
    seen = {name: policies.visible_patients(user).count() for name, user in _cast(cast).items()}
    assert seen == {
        "doctor": 2, "colleague": 2, "outsider": 0, "expert": 1, "second_expert": 0, "other_expert": 0,
        "scheduler": 1, "regulator": 1,
    }  # fmt: skip


def test_a_scheduler_of_one_hospital_reaches_its_consultations_only(cast: Cast) -> None:
    thing = people.accepted(cast)
    desks = {
        hospital.code: people.person(f"desk.{hospital.code}", "孙丽", "Sun Li", "scheduler")
        for hospital in (cast.nitun, cast.provincial, cast.haizhou)
    }
    for code, user in desks.items():
        Role.objects.filter(person=user).update(hospital=getattr(cast, code))
    sides = {code: policies.side_of(people.again(user), thing) for code, user in desks.items()}
    seen = {code: policies.visible_consultations(people.again(user)).count() for code, user in desks.items()}
    assert sides == {"nitun": "desk", "provincial": "desk", "haizhou": ""}
    assert seen == {"nitun": 1, "provincial": 1, "haizhou": 0}


def test_joining_needs_a_consent_that_stands(cast: Cast) -> None:
    thing = people.accepted(cast)
    assert [policies.may_join(user, thing) for user in (cast.doctor, cast.expert)] == [True, True]
    consent.withdraw(consent=thing.consents.get(), by=cast.doctor)
    assert [policies.may_join(user, thing) for user in (cast.doctor, cast.expert)] == [False, False]
    assert [policies.may_enter(user, thing) for user in (cast.doctor, cast.expert)] == [True, True]
    people.give_consent(thing, cast.colleague)
    assert [policies.may_join(user, thing) for user in (cast.doctor, cast.expert)] == [True, True]


def test_specialists_to_choose_from_have_an_agreement_and_a_licence(cast: Cast) -> None:
    thing = people.submitted(cast)

    def names() -> list[str]:
        return [role.person.username for role in policies.assignable_experts(cast.scheduler, thing)]

    assert names() == ["expert.bethune", "second.provincial", "expert.provincial"]
    cast.second_expert.licences.update(valid_until=timezone.localdate() - timedelta(days=1))
    cast.nitun.agreements_as_primary.filter(superior=cast.bethune).update(ended_at=timezone.now())
    assert names() == ["expert.provincial"]
    assert not policies.assignable_experts(cast.doctor, thing).exists()
    assert not policies.assignable_experts(cast.regulator, thing).exists()
