"""Every state, every move, every actor: what the table says is what the services do, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction

from consult.errors import Refusal
from consult.models import AuditEntry, Consultation, Department, User
from consult.services import answer, audit, consultation, decision, moves, opinion, reading_desk, session, triage
from consult.states import ANSWERING, FINAL, MOVES, OPEN, Actor, State
from tests import cast as people
from tests.cast import Cast

WORKFLOW = """
DRAFT > SUBMITTED > TRIAGE > OFFERED > ACCEPTED > SCHEDULED > WAITING > IN_SESSION > OPINION_DUE > SIGNED
SIGNED > ACKNOWLEDGED > FOLLOW_UP > CLOSED
TRIAGE > NEEDS_INFO > TRIAGE
TRIAGE > RETURNED > SUBMITTED
OFFERED > DECLINED > OFFERED
IN_SESSION > INTERRUPTED > IN_SESSION
ACCEPTED > ASYNC_REVIEW > SIGNED
SUBMITTED > TRIAGE > ASYNC_REVIEW
SUBMITTED > CANCELLED
SCHEDULED > ACCEPTED
WAITING > NO_SHOW
OFFERED > EXPIRED
SIGNED > REFERRED
SIGNED > SIGNED
"""


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _result(act: Callable[[], Any]) -> str:
    try:
        with undone():
            act()
    except Refusal as refusal:
        return refusal.code
    return "done"


def _try(thing: Consultation, name: str, by: User | None) -> None:
    moves.check(consultation=thing, name=name, by=by, reason="因为")  # refuses before it costs a query
    moves.make(consultation=copy(thing), name=name, by=by, reason="因为")


def _put(thing: Consultation, state: State) -> Consultation:
    Consultation.objects.filter(pk=thing.pk).update(state=state)
    return Consultation.objects.get(pk=thing.pk)


def _actors(cast: Cast) -> dict[str, tuple[User | None, set[Actor]]]:
    """What each of the cast is to a consultation of Nitun that Dr Zhang of the provincial hospital was named for."""
    return {
        "asker": (cast.doctor, {Actor.ASKER}),
        "scheduler": (cast.scheduler, {Actor.SCHEDULER}),
        "named specialist": (cast.expert, {Actor.EXPERT, Actor.DEPARTMENT}),
        "same department": (cast.second_expert, {Actor.DEPARTMENT}),
        "outsider": (cast.outsider, set()),
        "system": (None, {Actor.SYSTEM}),
    }


def test_the_table_holds_every_arrow_of_the_workflow() -> None:
    arrows = {(source, move.target) for move in MOVES.values() for source in move.sources}
    wanted = set()
    for line in WORKFLOW.split("\n"):
        stops = [State(stop) for stop in line.split(" > ") if stop]
        wanted |= set(pairwise(stops))
    assert wanted - arrows == set()
    assert {stop for arrow in wanted for stop in arrow} == set(State)


def test_nothing_leads_out_of_an_end_and_something_out_of_everything_else() -> None:
    sources = {source for move in MOVES.values() for source in move.sources}
    assert sources == OPEN == set(State) - FINAL
    assert {"CLOSED", "CANCELLED", "NO_SHOW", "EXPIRED", "REFERRED"} == FINAL


def test_a_lost_connection_leads_to_interrupted_and_no_further() -> None:
    system = {name for name, move in MOVES.items() if Actor.SYSTEM in move.actors}
    assert system == {"wait", "begin", "interrupt", "close", "unschedule", "miss", "expire", "to_desk", "refer"}
    assert MOVES["interrupt"].sources == {"IN_SESSION"}
    after = {name for name, move in MOVES.items() if "INTERRUPTED" in move.sources and Actor.SYSTEM in move.actors}
    assert after == {"begin"}


def test_cancelling_is_the_askers_before_acceptance_and_needs_a_reason_after() -> None:
    assert MOVES["cancel"].actors == {"asker"}
    assert not MOVES["cancel"].sources & ANSWERING
    assert MOVES["call_off"].reason
    assert not MOVES["call_off"].sources & MOVES["cancel"].sources


@pytest.mark.slow
def test_each_move_by_each_actor_is_done_or_refused_as_the_table_says(cast: Cast) -> None:
    thing = people.accepted(cast)
    found, wanted = {}, {}
    for state in State:
        fresh = _put(thing, state)
        for name, move in MOVES.items():
            for label, (by, is_actor) in _actors(cast).items():
                key = f"{name} from {state} by {label}"
                found[key] = _result(lambda: _try(fresh, name, by))  # noqa: B023
                legal = "done" if state in move.sources else "too_late"
                wanted[key] = legal if is_actor & move.actors else "wrong_actor"
    assert found == wanted


def test_words_are_wanted_where_the_table_says(cast: Cast) -> None:
    thing = people.accepted(cast)
    named = {Actor.ASKER: cast.doctor, Actor.SCHEDULER: cast.scheduler, Actor.SYSTEM: None}
    found = {}
    for name, move in MOVES.items():
        source = _put(thing, sorted(move.sources)[0])
        by = next((named[actor] for actor in sorted(move.actors) if actor in named), cast.expert)

        def act(name: str = name, by: User | None = by, source: Consultation = source) -> None:
            moves.make(consultation=source, name=name, by=by, reason=" \n ")

        found[name] = _result(act)
    silent = {name for name, result in found.items() if result == "reason_missing"}
    assert silent == {"ask_more", "return_", "decline", "unschedule", "call_off", "miss", "refer"}
    assert {found[name] for name in MOVES.keys() - silent} == {"done"}


def test_a_move_leaves_one_audit_row_and_the_next_revision(cast: Cast) -> None:
    thing = people.accepted(cast)
    found = {}
    for name, move in MOVES.items():
        by = next(user for user, is_actor in _actors(cast).values() if is_actor & move.actors)
        source = sorted(move.sources)[0]
        with undone():
            before = _put(thing, source)
            rows, revision = AuditEntry.objects.count(), before.revision
            after = moves.make(consultation=before, name=name, by=by, reason="因为")
            entry = AuditEntry.objects.latest("seq")
            found[name] = (
                after.state,
                after.revision - revision,
                AuditEntry.objects.count() - rows,
                entry.action,
                entry.actor,
                entry.detail,
            )
    assert found == {
        name: (
            move.target,
            1,
            1,
            f"consultation.{name.rstrip('_')}",
            next(
                user.get_username() if user else "system"
                for user, is_actor in _actors(cast).values()
                if is_actor & move.actors
            ),
            {"from": sorted(move.sources)[0], "to": move.target},
        )
        for name, move in MOVES.items()
    }


def test_a_refused_move_leaves_nothing(cast: Cast) -> None:
    thing = people.accepted(cast)
    before = (Consultation.objects.values().get(), audit.verify())
    for name in ("accept", "close", "submit"):
        for by in (cast.doctor, cast.expert, cast.scheduler):
            with pytest.raises(Refusal):
                moves.make(consultation=thing, name=name, by=by)
    assert (Consultation.objects.values().get(), audit.verify()) == before


def _verbs(cast: Cast, thing: Consultation) -> dict[str, tuple[str, User, Callable[..., Any]]]:
    """Each public verb of the services: the move it makes, who may, and the call."""
    version = opinion.newest(thing)
    assert version is not None
    offer: dict[str, Any] = {"expert": cast.expert, "department": cast.cardiology}
    desk: dict[str, Any] = {"department": cast.cardiology}
    words: dict[str, Any] = {"reason": "因为"}
    verdict: dict[str, Any] = {"verdict": "adopted", "reason": "", "final_diagnosis": "不稳定型心绞痛"}
    return {
        "submit": ("submit", cast.doctor, consultation.submit),
        "take": ("triage", cast.scheduler, triage.take),
        "assign": ("assign", cast.scheduler, lambda **kw: triage.assign(**kw, **offer)),
        "return": ("return_", cast.scheduler, lambda **kw: triage.return_(**kw, **words)),
        "ask more": ("ask_more", cast.expert, lambda **kw: triage.ask_more(**kw, **words)),
        "supply": ("supply", cast.colleague, lambda **kw: triage.supply(**kw, answer="已补充")),
        "accept": ("accept", cast.expert, answer.accept),
        "take from the list": ("take", cast.second_expert, answer.take_from_department),
        "to a reading desk": ("to_desk", cast.scheduler, lambda **kw: reading_desk.give(**kw, **desk)),
        "read": ("read", cast.second_expert, answer.read),
        "decline": ("decline", cast.expert, lambda **kw: answer.decline(**kw, **words)),
        "review": ("review", cast.expert, answer.review),
        "end": ("end_session", cast.expert, session.end),
        "decide": ("decide", cast.doctor, lambda by, **_: decision.record(version=version, by=by, **verdict)),
        "follow up": ("follow_up", cast.doctor, consultation.follow_up),
        "close": ("close", cast.scheduler, consultation.close),
        "cancel": ("cancel", cast.colleague, consultation.cancel),
        "call off": ("call_off", cast.expert, lambda **kw: consultation.call_off(**kw, **words)),
    }


@pytest.mark.slow
def test_each_verb_of_the_services_makes_its_move_from_its_states_only(cast: Cast) -> None:
    Department.objects.filter(pk=cast.cardiology.pk).update(reads=True)
    thing = people.signed(cast)
    found: dict[tuple[str, str], Any] = {}
    wanted: dict[tuple[str, str], Any] = {}
    for verb, (name, by, call) in _verbs(cast, thing).items():
        for state in State:
            with undone():
                fresh = _put(thing, state)
                found[verb, state] = _result(lambda: call(consultation=fresh, by=by))  # noqa: B023
            wanted[verb, state] = "done" if state in MOVES[name].sources else "too_late"
        with undone():
            fresh = _put(thing, sorted(MOVES[name].sources)[0])
            call(consultation=fresh, by=by)
            found[verb, "to"] = Consultation.objects.get(pk=thing.pk).state
        wanted[verb, "to"] = MOVES[name].target
        with undone():
            fresh = _put(thing, sorted(MOVES[name].sources)[0])
            outsiders = (cast.outsider, cast.other_expert, cast.regulator)
            found[verb, "others"] = [_result(lambda: call(consultation=fresh, by=who)) for who in outsiders]  # noqa: B023
        wanted[verb, "others"] = ["wrong_actor"] * 3
    assert found == wanted
