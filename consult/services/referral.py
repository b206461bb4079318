"""Two-way referral: asked with a letter, accepted, arranged, arrived, discharged with a letter, received, closed.

Each step is one conditional UPDATE with its audit row and a line that both sides read.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Consultation, DayNumber, Department, Participant, Patient, Referral, ReferralStep, Role, User
from consult.policies import referral as policies
from consult.services import audit, letter, moves, notification
from consult.states import MOVES, REFERRAL_MOVES

LONGEST = 2000
ACCESS_AFTER_END = timedelta(days=30)


@transaction.atomic
def ask(
    *,
    by: User,
    role: Role,
    patient: Patient,
    to: Department,
    texts: dict[str, Any],
    consultation: Consultation | None = None,
    back_of: Referral | None = None,
) -> Referral:
    """Send a patient to another department with a signed transfer letter. The caller has proved the password."""
    source = role.department
    if source is None or role.pk not in {one.pk for one in policies.sending_roles(by)}:
        raise NotAllowed("not_clinical", _("Patients are referred by doctors of a department."))
    if consultation is not None:
        consultation = moves.lock(consultation)
        if not policies.may_refer(by, consultation):
            raise moves.too_late()
    elif back_of is None and not policies.referable_patients(by).filter(pk=patient.pk).exists():
        raise Refusal("foreign_patient", _("Choose a patient you treat."), field="patient")
    if not policies.targets(source.hospital).filter(pk=to.pk).exists():
        raise Refusal("no_agreement", _("There is no valid agreement with this hospital."), field="to_department")
    up = not source.hospital.is_superior
    try:
        with transaction.atomic():
            made = Referral.objects.create(
                number=_number(),
                direction=Referral.Direction.UP if up else Referral.Direction.DOWN,
                consultation=consultation or (back_of.consultation if back_of else None),
                back_of=back_of,
                patient=patient,
                from_hospital=source.hospital,
                from_department=source,
                sender=by,
                to_hospital=to.hospital,
                to_department=to,
            )
    except IntegrityError:
        raise Conflict("referral_open", _("A referral of this consultation is already under way.")) from None
    letter.sign(referral=made, kind="transfer", by=by, role=role, texts=texts)
    ReferralStep.objects.create(referral=made, name="ask", by=by, words=str(texts["reason"]))
    audit.record(by=by, action="referral.ask", thing=made, consultation=made.consultation_id)
    _tell(made, "referral_asked", "receiving", by)
    return made


def _number() -> str:
    """R<date>-<4 digits>, counted with the consultations of the day's zone by a row of its own."""
    day = timezone.localdate()
    DayNumber.objects.get_or_create(day=day)
    DayNumber.objects.select_for_update().get(day=day)
    last = Referral.objects.filter(number__startswith=f"R{day:%Y%m%d}").count()
    return f"R{day:%Y%m%d}-{last + 1:04d}"


@transaction.atomic
def step(*, referral: Referral, by: User, name: str, words: str = "", **changes: Any) -> Referral:
    """One move of the table. NotAllowed for the other side, Conflict when somebody was first, Refusal without words."""
    move = REFERRAL_MOVES[name]
    words = words.replace("\x00", "").strip()[:LONGEST]
    if policies.side_of(by, referral) != move.side:
        raise NotAllowed("wrong_side", _("This is for the other hospital to do."))
    if move.reason and not words:
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="reason")
    rows = Referral.objects.filter(pk=referral.pk, state__in=move.sources)
    if not rows.update(state=move.target, changed_at=timezone.now(), **changes):
        raise moves.too_late()
    referral.refresh_from_db()
    ReferralStep.objects.create(referral=referral, name=name, by=by, words=words)
    detail = {"to": str(move.target)}
    audit.record(by=by, action=f"referral.{name}", thing=referral, consultation=referral.consultation_id, detail=detail)
    _tell(referral, move.tells, "sending" if move.side == "receiving" else "receiving", by)
    return referral


def accept(*, referral: Referral, by: User) -> Referral:
    """Of two of the department who accept at once one is the receiver."""
    return step(referral=referral, by=by, name="accept", receiver=by)


def refuse(*, referral: Referral, by: User, reason: str) -> Referral:
    return step(referral=referral, by=by, name="refuse", words=reason)


def arrange(*, referral: Referral, by: User, comes_at: datetime, bed: str) -> Referral:
    said = (
        f"{timezone.localtime(comes_at):%Y-%m-%d %H:%M} · {bed}"
        if bed
        else f"{timezone.localtime(comes_at):%Y-%m-%d %H:%M}"
    )
    return step(referral=referral, by=by, name="arrange", words=said, comes_at=comes_at, bed=bed[:60])


@transaction.atomic
def arrive(*, referral: Referral, by: User) -> Referral:
    """The patient is there: a consultation that led to it has ended by the transfer."""
    done = step(referral=referral, by=by, name="arrive")
    thing = done.consultation
    if thing is not None and done.direction == Referral.Direction.UP and thing.state in MOVES["refer"].sources:
        first = done.steps.filter(name="ask").first()
        reason = first.words if first else ""
        moves.make(
            consultation=thing, name="refer", by=None, reason=reason or done.number, detail={"referral": done.number}
        )
        now = timezone.now()
        seats = thing.participants.filter(side=Participant.Side.ANSWERING, ended_at=None)
        seats.update(ended_at=now + ACCESS_AFTER_END)
        moves.announce(thing)
    return done


@transaction.atomic
def discharge(*, referral: Referral, by: User, texts: dict[str, Any]) -> Referral:
    """The treatment here has ended: the discharge letter goes back with the patient."""
    done = step(referral=referral, by=by, name="discharge")
    role = next(one for one in policies.sending_roles(by) if one.department_id == done.to_department_id)
    letter.sign(referral=done, kind="discharge", by=by, role=role, texts=texts)
    return done


def receive(*, referral: Referral, by: User) -> Referral:
    """The sender has read the discharge letter; the receiver's sight of the consultation ends."""
    return step(referral=referral, by=by, name="receive")


def close(*, referral: Referral, by: User) -> Referral:
    return step(referral=referral, by=by, name="close")


def withdraw(*, referral: Referral, by: User, reason: str) -> Referral:
    return step(referral=referral, by=by, name="withdraw", words=reason)


def people_of(referral: Referral, side: str) -> set[int]:
    """Who of a department is told."""
    department = referral.from_department_id if side == "sending" else referral.to_department_id
    rows = Role.objects.filter(department=department, active=True, person__is_active=True, kind__in=policies.CLINICAL)
    return set(rows.values_list("person_id", flat=True))


def _tell(referral: Referral, kind: str, side: str, by: User) -> None:
    people = people_of(referral, side) - {by.pk}
    notification.tell(
        people=people,
        kind=kind,
        consultation=None,
        key=f"{kind}.{referral.pk}.{referral.steps.count()}",
        referral=referral,
    )
    both = people_of(referral, "sending") | people_of(referral, "receiving")
    events.announce(consultation=None, kind="notification", seq=referral.pk, people=both)
