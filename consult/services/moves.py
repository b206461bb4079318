"""One legal move of a consultation: rule, conditional UPDATE, audit row, news. The table is states.MOVES."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, MoveReason, Participant, User
from consult.policies import consultation as policies
from consult.policies import team
from consult.services import alert, audience, audit, clock, search, slot
from consult.states import ANSWERED, ANSWERING, FINAL, GATHERING, MOVES, Actor, MemberState


def too_late() -> Conflict:
    return Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))


def lock(consultation: Consultation) -> Consultation:
    """The row as it is now, locked until the caller's transaction ends (SQLite: the whole database is)."""
    return Consultation.objects.select_for_update().get(pk=consultation.pk)


def check(*, consultation: Consultation, name: str, by: User | None, reason: str = "") -> None:
    """Raise NotAllowed for the wrong actor, Conflict for the wrong state, Refusal for a missing reason."""
    move = MOVES[name]
    who = policies.actors(by, consultation) if by else {Actor.SYSTEM}
    if not who & move.actors:
        raise NotAllowed("wrong_actor", _("This is not for you to do in this consultation."))
    if consultation.state not in move.sources:
        raise too_late()
    if move.reason and not reason.strip():
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="reason")


def make(
    *,
    consultation: Consultation,
    name: str,
    by: User | None,
    reason: str = "",
    detail: dict[str, Any] | None = None,
    guard: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
) -> Consultation:
    """Make the move in the caller's transaction and bring `consultation` up to date. `by` None is the system.

    `guard` adds conditions to the UPDATE, `changes` further columns. Raises NotAllowed, Conflict, Refusal.
    """
    move = MOVES[name]
    with transaction.atomic():
        now = lock(consultation)
        check(consultation=now, name=name, by=by, reason=reason)
        columns = dict(changes or {})
        if move.reason:
            columns["last_reason"] = reason.strip()
        rows = Consultation.objects.filter(pk=now.pk, state__in=move.sources, **(guard or {})).update(
            state=move.target, revision=F("revision") + 1, changed_at=timezone.now(), **columns
        )
        if not rows:
            raise too_late()
        consultation.refresh_from_db()
        if now.state in GATHERING and consultation.state in ANSWERED | FINAL:
            invited = consultation.participants.filter(standing=MemberState.INVITED)
            invited.update(standing=MemberState.WITHDRAWN, stood_at=timezone.now(), ended_at=timezone.now())
        slot.follow(consultation)
        clock.follow(consultation, anew=name == "assign")
        alert.settle(consultation)
        told = {"from": str(now.state), "to": str(move.target), **(detail or {})}
        audit.record(
            by=by,
            action=f"consultation.{name.rstrip('_')}",
            thing=consultation,
            consultation=consultation,
            detail=told,
        )
        if move.reason:
            _give_reason(now, name, by, columns["last_reason"])
        search.keep([now.pk])
    return consultation


def _give_reason(asked: Consultation, name: str, by: User | None, words: str) -> None:
    """The hospital is the one that was asked when the words were said: a declined request has another one later."""
    MoveReason.objects.create(consultation=asked, move=name, words=words, by=by, hospital_id=asked.asked_hospital_id)


def announce(consultation: Consultation, *also: int, kind: str = "consultation", seq: int | None = None) -> None:
    """Ring everybody whose lists show this consultation."""
    number = consultation.revision if seq is None else seq
    events.announce(
        consultation=consultation.pk, kind=kind, seq=number, people={*audience.onlookers(consultation), *also}
    )


def take_part(consultation: Consultation, person_ids: Iterable[int], side: Participant.Side) -> None:
    """Give these people access from now on; whoever had lost it on this side gets it again."""
    for pk in person_ids:
        Participant.objects.get_or_create(consultation=consultation, person_id=pk, defaults={"side": side})
    Participant.objects.filter(consultation=consultation, person__in=list(person_ids), side=side).update(ended_at=None)


def seat_chair(consultation: Consultation) -> None:
    """Who accepted is a member like the others, as soon as there are others."""
    chair = Participant.objects.filter(consultation=consultation, person=consultation.expert_id, standing="")
    if consultation.state in ANSWERING and team.is_team(Consultation.objects.get(pk=consultation.pk)):
        chair.update(standing=MemberState.JOINED, department=consultation.asked_department_id, stood_at=timezone.now())


def leave(consultation: Consultation, person_id: int, side: Participant.Side) -> None:
    """Somebody takes part on this side no more, and loses sight of it unless another rule lets them see it."""
    rows = Participant.objects.filter(consultation=consultation, person_id=person_id, side=side, ended_at=None)
    rows.update(ended_at=timezone.now())
