"""The specialist's side of an offer."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Refusal
from consult.models import Alert, Consultation, Participant, User
from consult.policies import consultation as policies
from consult.policies import person
from consult.policies.clock import is_written
from consult.services import alert, audience, audit, clock, moves, notification
from consult.states import State


@transaction.atomic
def accept(*, consultation: Consultation, by: User) -> Consultation:
    """Of several who accept at once one wins, the others get Conflict."""
    return _accept(consultation, "accept", by, moves.lock(consultation))


@transaction.atomic
def take_from_department(*, consultation: Consultation, by: User) -> Consultation:
    """A specialist of the asked department takes it without being named; who was named before is told."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="take", by=by)
    return _take(consultation, row, "take", by)


def _take(consultation: Consultation, row: Consultation, name: str, by: User) -> Consultation:
    roles = list(person.expert_roles(row).filter(person=by))
    role = next((one for one in roles if one.department_id == row.asked_department_id), roles[0] if roles else None)
    if role is None:
        raise Refusal("expert_unfit", _("You cannot take it: check the agreement with the hospital and your licence."))
    asked = {"asked_department": role.department_id, "asked_hospital": role.hospital_id}
    return _accept(consultation, name, by, row, expert=by, **asked)


@transaction.atomic
def read(*, consultation: Consultation, by: User) -> Consultation:
    """A specialist of the asked department takes it from the desk's queue and answers without a call."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="read", by=by)
    _check_written(row)
    return _take(consultation, row, "read", by)


def _accept(consultation: Consultation, name: str, by: User, row: Consultation, **changes: Any) -> Consultation:
    """`row` is the locked consultation as it was: whoever else was asked is told that they are not needed."""
    others = audience.answering(row) - audience.team(row) - {by.pk}
    asked = audience.department(row)
    moves.make(consultation=consultation, name=name, by=by, changes={"accepted_at": timezone.now(), **changes})
    for other in others:
        moves.leave(consultation, other, Participant.Side.ANSWERING)
    notification.tell_of(consultation=consultation, kind="withdrawn", people=others, by=by)
    moves.take_part(consultation, [by.pk], Participant.Side.ANSWERING)
    moves.seat_chair(consultation)
    notification.tell_of(
        consultation=consultation,
        kind="accepted",
        people=audience.askers(consultation) | audience.schedulers(consultation),
        by=by,
    )
    moves.announce(consultation, *asked, *others)
    return consultation


@transaction.atomic
def decline(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """Not this specialist; the department may still take it, or the desk assigns the next."""
    moves.make(consultation=consultation, name="decline", by=by, reason=reason, changes={"expert": None})
    people = audience.schedulers(consultation) | audience.department(consultation)
    notification.tell_of(consultation=consultation, kind="declined", people=people, by=by)
    moves.announce(consultation, by.pk)
    return consultation


@transaction.atomic
def cannot(*, rung: Alert, by: User, words: str, on: str) -> None:
    """Whoever is rung cannot come now and says why: the named specialist declines, another is asked no more."""
    if not words.strip():
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="words")
    thing = rung.notification.consultation
    alert.acknowledge(alert=rung, by=by, on=on, words=words)
    if thing is None:
        return
    if policies.may(by, "decline", thing):
        decline(consultation=thing, by=by, reason=words)
        return
    row = moves.lock(thing)
    if row.state == State.OFFERED:
        moves.leave(row, by.pk, Participant.Side.ANSWERING)
    audit.record(by=by, action="consultation.cannot", thing=row, consultation=row)
    moves.announce(row, by.pk)


def _check_written(row: Consultation) -> None:
    """An emergency is answered in a call, as the clocks say; the state table knows no urgency."""
    if not is_written(clock.current().spans, row):
        raise Refusal("not_in_writing", _("What is this urgent is not answered in writing: join the call."))


@transaction.atomic
def review(*, consultation: Consultation, by: User) -> Consultation:
    """Answer in writing, without a call; it becomes a call as soon as both sides enter the room."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="review", by=by)
    _check_written(row)
    moves.make(consultation=consultation, name="review", by=by)
    notification.tell_of(consultation=consultation, kind="review", people=audience.askers(consultation), by=by)
    moves.announce(consultation)
    return consultation
