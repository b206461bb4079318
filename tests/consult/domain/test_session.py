"""The call as the workflow sees it: presence moves it between three states and never further."""

from collections.abc import Callable
from typing import Any

import pytest

from consult import policies
from consult.errors import Conflict, NotAllowed
from consult.models import AuditEntry, Consultation, Notification, Participant
from consult.services import answer, consent, session
from consult.states import CALLABLE
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


def moves_of(thing: Consultation) -> list[str]:
    rows = AuditEntry.objects.filter(consultation=thing.pk, object_kind="consultation").order_by("seq")
    return [row.action.split(".")[1] for row in rows if row.action.startswith("consultation.")]


def test_one_side_waits_both_sides_talk(cast: Cast) -> None:
    thing = session.arrived(consultation=people.accepted(cast), by=cast.expert)
    assert (thing.state, thing.session_started_at) == ("WAITING", None)
    session.arrived(consultation=thing, by=cast.colleague)
    assert (thing.state, thing.session_started_at is not None) == ("IN_SESSION", True)
    sides = dict(thing.participants.values_list("person__username", "side"))
    assert sides == {"doctor.nitun": "asking", "expert.provincial": "answering", "second.nitun": "asking"}


def test_two_of_one_side_still_wait(cast: Cast) -> None:
    thing = people.waiting(cast)
    session.arrived(consultation=thing, by=cast.colleague)
    assert thing.state == "WAITING"
    session.departed(consultation=thing, by=cast.doctor)
    assert thing.state == "WAITING"


def test_arriving_twice_is_once(cast: Cast) -> None:
    thing = people.in_session(cast)
    before = (thing.revision, AuditEntry.objects.count(), Notification.objects.count())
    for by in (cast.doctor, cast.expert, cast.doctor):
        session.arrived(consultation=thing, by=by)
    assert (thing.revision, AuditEntry.objects.count(), Notification.objects.count()) == before


def test_the_other_side_is_told_once_that_somebody_waits(cast: Cast) -> None:
    thing = people.waiting(cast)
    session.departed(consultation=thing, by=cast.doctor)
    session.arrived(consultation=thing, by=cast.doctor)
    told = Notification.objects.filter(kind="waiting").values_list("person__username", flat=True)
    assert list(told) == ["expert.provincial"]


def test_a_lost_side_interrupts_and_its_return_goes_on(cast: Cast) -> None:
    thing = people.in_session(cast)
    started = thing.session_started_at
    session.departed(consultation=thing, by=cast.expert)
    assert thing.state == "INTERRUPTED"
    session.departed(consultation=thing, by=cast.doctor)
    session.departed(consultation=thing, by=cast.doctor)
    assert thing.state == "INTERRUPTED"
    session.arrived(consultation=thing, by=cast.doctor)
    assert thing.state == "INTERRUPTED"
    session.arrived(consultation=thing, by=cast.expert)
    assert (thing.state, thing.session_started_at) == ("IN_SESSION", started)


def test_a_side_with_somebody_left_goes_on(cast: Cast) -> None:
    thing = people.in_session(cast)
    session.arrived(consultation=thing, by=cast.colleague)
    session.departed(consultation=thing, by=cast.doctor)
    assert thing.state == "IN_SESSION"
    session.departed(consultation=thing, by=cast.colleague)
    assert thing.state == "INTERRUPTED"


def test_a_lost_room_is_interrupted_until_both_are_back(cast: Cast) -> None:
    thing = session.interrupted(consultation=people.in_session(cast))
    assert thing.state == "INTERRUPTED"
    session.arrived(consultation=thing, by=cast.doctor)
    assert thing.state == "INTERRUPTED"
    session.arrived(consultation=thing, by=cast.expert)
    assert thing.state == "IN_SESSION"


@pytest.mark.parametrize("walk", [people.opinion_due, people.signed, people.acknowledged, people.following_up])
def test_later_states_are_joined_but_not_moved(cast: Cast, walk: Callable[[Cast], Consultation]) -> None:
    thing = walk(cast)
    state, revision = thing.state, thing.revision
    for verb, by in [
        (session.departed, cast.doctor),
        (session.arrived, cast.doctor),
        (session.departed, cast.expert),
        (session.arrived, cast.expert),
    ]:
        verb(consultation=thing, by=by)
    session.interrupted(consultation=thing)
    assert (thing.state, thing.revision) == (state, revision)
    assert policies.may_join(cast.doctor, thing)


def test_a_written_answer_becomes_a_call(cast: Cast) -> None:
    thing = session.arrived(consultation=people.in_review(cast), by=cast.expert)
    session.arrived(consultation=thing, by=cast.doctor)
    assert thing.state == "IN_SESSION"
    assert moves_of(thing)[-3:] == ["review", "wait", "begin"]


@pytest.mark.parametrize("who", ["outsider", "second_expert", "other_expert", "scheduler", "regulator"])
def test_who_takes_no_part_changes_nothing(cast: Cast, who: str) -> None:
    thing = people.accepted(cast)
    with pytest.raises(NotAllowed):
        session.arrived(consultation=thing, by=getattr(cast, who))
    session.departed(consultation=thing, by=getattr(cast, who))
    with pytest.raises(NotAllowed):
        session.end(consultation=thing, by=getattr(cast, who))
    thing.refresh_from_db()
    assert (thing.state, thing.participants.filter(person=getattr(cast, who)).count()) == ("ACCEPTED", 0)


@pytest.mark.parametrize("walk", [people.offered, people.closed, people.cancelled])
def test_the_room_is_open_from_acceptance_to_the_end(cast: Cast, walk: Callable[[Cast], Consultation]) -> None:
    thing = walk(cast)
    assert thing.state not in CALLABLE
    for by in (cast.doctor, cast.expert):
        with pytest.raises(NotAllowed):
            session.arrived(consultation=thing, by=by)


def test_without_consent_nobody_arrives(cast: Cast) -> None:
    thing = people.accepted(cast)
    consent.withdraw(consent=thing.consents.get(), by=cast.doctor)
    with pytest.raises(NotAllowed) as refused:
        session.arrived(consultation=thing, by=cast.doctor)
    assert refused.value.code == "no_consent"
    people.give_consent(thing, cast.doctor)
    session.arrived(consultation=thing, by=cast.expert)
    assert thing.state == "WAITING"
    assert Participant.objects.filter(consultation=thing, last_joined_at__isnull=False).get().person == cast.expert


def test_the_end_is_told_and_comes_once(cast: Cast) -> None:
    thing = session.end(consultation=people.in_session(cast), by=cast.doctor)
    assert (thing.state, thing.session_ended_at is not None) == ("OPINION_DUE", True)
    assert [row.person for row in Notification.objects.filter(kind="opinion_due")] == [cast.expert]
    with pytest.raises(Conflict):
        session.end(consultation=thing, by=cast.expert)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_arrivals_at_the_same_moment_begin_one_session(live_cast: Cast) -> None:
    pk = people.accepted(live_cast).pk

    def arrive(by: Any) -> Callable[[], Any]:
        return lambda: session.arrived(consultation=Consultation.objects.get(pk=pk), by=by).pk

    together(*[arrive(by) for by in (live_cast.doctor, live_cast.expert, live_cast.colleague) * 4])
    thing = Consultation.objects.get(pk=pk)
    assert thing.state == "IN_SESSION"
    assert (moves_of(thing).count("wait"), moves_of(thing).count("begin")) == (1, 1)
    together(*[lambda: session.interrupted(consultation=Consultation.objects.get(pk=pk)).pk] * 6)
    assert moves_of(thing).count("interrupt") == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["accept", "take"])
def test_of_twenty_who_answer_at_once_one_wins(live_cast: Cast, verb: str) -> None:
    pk = people.offered(live_cast).pk

    def act() -> int:
        thing = Consultation.objects.get(pk=pk)
        if verb == "accept":
            return answer.accept(consultation=thing, by=live_cast.expert).pk
        return answer.take_from_department(consultation=thing, by=people.again(live_cast.second_expert)).pk

    results = together(*[act] * 20)
    assert sorted(map(str, results)) == sorted([str(pk)] + ["too_late"] * 19)
    winner = live_cast.expert if verb == "accept" else live_cast.second_expert
    assert Consultation.objects.get(pk=pk).expert == winner
