"""The desk's work on a request: look, send back, ask for more, offer it to a specialist."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, Department, Participant, User
from consult.policies import consultation as policies
from consult.policies import person
from consult.services import alert, audience, audit, message, moves, notification
from consult.states import ANSWERING, Actor, State

URGE_AGAIN = timedelta(minutes=5)


@transaction.atomic
def take(*, consultation: Consultation, by: User) -> Consultation:
    """A scheduler begins to look after the request."""
    moves.make(consultation=consultation, name="triage", by=by)
    notification.tell_of(consultation=consultation, kind="triage", people=audience.askers(consultation), by=by)
    moves.announce(consultation)
    return consultation


@transaction.atomic
def assign(
    *, consultation: Consultation, by: User, expert: User, department: Department, revision: int | None = None
) -> Consultation:
    """Offer it to a specialist of a department; the one it was offered to before is told and loses sight of it.

    Conflict when the consultation changed since `revision` (default: since the caller read it): two schedulers who
    assign at once do not undo each other.
    """
    row = moves.lock(consultation)
    moves.check(consultation=row, name="assign", by=by)
    fits = person.expert_roles(row).filter(person=expert, department=department).exists()
    if not fits:
        raise Refusal(
            "expert_unfit",
            _("This specialist cannot take it: no agreement with the hospital, no valid licence, or no longer active."),
            field="role",
        )
    before = row.expert_id
    moves.make(
        consultation=consultation,
        name="assign",
        by=by,
        guard={"revision": consultation.revision if revision is None else revision},
        detail={"expert": expert.get_username(), "department": department.pk},
        changes={
            "expert": expert,
            "asked_department": department,
            "asked_hospital": department.hospital_id,
            "offered_at": timezone.now(),
        },
    )
    if before and before != expert.pk:
        moves.leave(consultation, before, Participant.Side.ANSWERING)
        alert.settle(consultation, person=before)
        notification.tell_of(consultation=consultation, kind="withdrawn", people={before}, by=by)
    notification.tell_of(consultation=consultation, kind="offered", people={expert.pk}, by=by)
    notification.tell_of(
        consultation=consultation,
        kind="offered_department",
        people=audience.department(consultation) - {expert.pk},
        by=by,
    )
    notification.tell_of(consultation=consultation, kind="offered_asker", people=audience.askers(consultation), by=by)
    moves.announce(consultation, *({before} if before else set()))
    return consultation


@transaction.atomic
def return_(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """Back to the asking side, who may correct and submit again."""
    moves.make(consultation=consultation, name="return_", by=by, reason=reason)
    notification.tell_of(consultation=consultation, kind="returned", people=audience.askers(consultation), by=by)
    moves.announce(consultation)
    return consultation


@transaction.atomic
def ask_more(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """What is missing, one item a line; the clocks stand until the asking side has answered."""
    moves.make(consultation=consultation, name="ask_more", by=by, reason=reason)
    notification.tell_of(consultation=consultation, kind="needs_info", people=audience.askers(consultation), by=by)
    moves.announce(consultation)
    return consultation


@transaction.atomic
def supply(*, consultation: Consultation, by: User, answer: str) -> Consultation:
    """The asking side's answer, kept as a message of the record; the desk goes on."""
    moves.check(consultation=moves.lock(consultation), name="supply", by=by)
    message.post(consultation=consultation, by=by, body=answer, token=f"supply-{consultation.revision}")
    moves.make(consultation=consultation, name="supply", by=by)
    notification.tell_of(
        consultation=consultation,
        kind="supplied",
        people=audience.schedulers(consultation) | audience.answering(consultation),
        by=by,
    )
    moves.announce(consultation)
    return consultation


@transaction.atomic
def urge(*, consultation: Consultation, by: User) -> Consultation:
    """The desk reminds whoever has to answer, by an alert; logged, and not again within URGE_AGAIN."""
    row = moves.lock(consultation)
    if Actor.SCHEDULER not in policies.actors(by, row):
        raise NotAllowed("wrong_actor", _("This is not for you to do in this consultation."))
    people = audience.answering(row)
    if row.state not in {State.OFFERED, *ANSWERING} or not people:
        raise moves.too_late()
    before = AuditEntry.objects.filter(consultation=row.pk, action="consultation.urge")
    if before.filter(at__gt=timezone.now() - URGE_AGAIN).exists():
        raise Conflict("urged_lately", _("They were urged less than five minutes ago."))
    notification.tell(people=people, kind="urged", consultation=row, key=f"urged.{row.pk}.{before.count()}")
    audit.record(by=by, action="consultation.urge", thing=row, consultation=row, detail={"told": len(people)})
    moves.announce(row)
    return consultation
