"""The request: drafted, completed, submitted; called off or closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consult.errors import NotAllowed, Refusal
from consult.models import Consultation, DayNumber, Department, Participant, Role, User
from consult.policies import consultation as policies
from consult.policies import patient as patient_policies
from consult.policies import person
from consult.services import audience, audit, diagnosis, guard, moves, notification, reading_desk, search

FIELDS: dict[str, str | Promise] = {
    "patient": gettext_lazy("Patient"),
    "urgency": gettext_lazy("Urgency"),
    "purpose": gettext_lazy("Purpose"),
    "specialty": gettext_lazy("Specialty wanted"),
    "title_wanted": gettext_lazy("Title wanted"),
    "wanted_at": gettext_lazy("Wanted time"),
    "reason": gettext_lazy("Reason for the consultation"),
    "record_summary": gettext_lazy("Record summary"),
    "tests": gettext_lazy("Tests"),
    "present_diagnosis": gettext_lazy("Present diagnosis"),
    "question": gettext_lazy("Question"),
}
OPTIONAL = frozenset({"present_codes", "role_wanted"})
LONGEST = 20_000
ACCESS_AFTER_END = timedelta(days=30)
JUST_PAST = timedelta(hours=1)  # an emergency is wanted "now", and the form takes a while


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing a request still lacks: `field` names it for the form, `words` for the reader."""

    field: str
    words: str


@transaction.atomic
def start_draft(*, by: User, department: Department, role: Role | None = None, specialty: str = "") -> Consultation:
    """A draft in a department where `by` is a doctor; only a primary hospital asks.

    It begins with the specialist the doctor would like, or with a specialty only.
    """
    if not policies.may_ask(by) or department.pk not in person.departments_of(by, Role.Kind.DOCTOR):
        raise NotAllowed("not_a_doctor_here", _("Requests are started by the doctors of a primary hospital."))
    if department.hospital.is_superior:
        raise NotAllowed("not_primary", _("Requests are started by the doctors of a primary hospital."))
    wanted: dict[str, Any] = {"specialty": specialty}
    if role is not None:
        _check_wanted(department, role)
        specialty = role.department.specialty if role.department else specialty
        wanted = {"role_wanted": role, "title_wanted": role.title, "specialty": specialty}
    draft = Consultation.objects.create(hospital_id=department.hospital_id, department=department, asker=by, **wanted)
    audit.record(by=by, action="consultation.start", thing=draft, consultation=draft)
    moves.announce(draft)
    return draft


def _check_wanted(department: Department, role: Role) -> None:
    day = timezone.localdate()
    agreed = role.hospital_id in person.agreed_hospitals(department.hospital_id, day)
    if not agreed or not person.practising(day).filter(pk=role.pk).exists():
        raise Refusal(
            "expert_unfit",
            _("This specialist cannot take it: no agreement with the hospital, no valid licence, or no longer active."),
        )


@transaction.atomic
def save_draft(*, consultation: Consultation, by: User, fields: dict[str, Any]) -> Consultation:
    """Keep what was typed. Unknown fields are a bug (KeyError); a patient of another hospital is refused."""
    row = moves.lock(consultation)
    if not policies.may_edit(by, row):
        _refuse_edit(by, row)
    for name in fields:
        if name not in FIELDS and name not in OPTIONAL:
            raise KeyError(name)
    changed = {name: _clean(name, value) for name, value in fields.items() if getattr(row, name) != value}
    if "patient" in changed:
        _check_patient(by, row, changed["patient"])
    if changed:
        editable = Consultation.objects.filter(pk=row.pk, state__in=policies.EDITABLE)
        if not editable.update(revision=F("revision") + 1, changed_at=timezone.now(), **changed):
            raise moves.too_late()
        names = {"fields": sorted(changed)}
        audit.record(by=by, action="consultation.save_draft", thing=row, consultation=row, detail=names)
        search.keep([row.pk])
    consultation.refresh_from_db()
    if changed:
        moves.announce(consultation)
    return consultation


def _refuse_edit(by: User, row: Consultation) -> None:
    if policies.side_of(by, row) == "asking":
        raise moves.too_late()
    raise NotAllowed("not_asking", _("Only the asking side may change the request."))


def _clean(name: str, value: Any) -> Any:
    if name == "present_codes":
        return diagnosis.codes(value)
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise Refusal("too_long", _("This text is too long: 20,000 characters are the most."), field=name)
        return value.replace("\x00", "").strip()
    return value


@transaction.atomic
def anybody(*, consultation: Consultation, by: User) -> Consultation:
    """The asking doctor leaves it to the desk who answers."""
    return save_draft(consultation=consultation, by=by, fields={"role_wanted": None})


def _check_patient(by: User, row: Consultation, patient: Any) -> None:
    if patient is None:
        return
    own = patient_policies.visible_patients(by).filter(pk=patient.pk, hospital_id=row.hospital_id).exists()
    if not own:
        raise Refusal("foreign_patient", _("Choose a patient of your own hospital."), field="patient")


def is_past(at: datetime) -> bool:
    """Whether a wanted time is no use any more."""
    return at < timezone.now() - JUST_PAST


def missing(consultation: Consultation) -> list[Missing]:
    """Everything the request still lacks before it can be submitted, in the order of the form."""
    lacks = [
        Missing(field, str(words))
        for field, words in FIELDS.items()
        if not (consultation.patient_id if field == "patient" else getattr(consultation, field))
    ]
    if consultation.wanted_at and is_past(consultation.wanted_at):
        lacks.append(Missing("wanted_at", _("A wanted time that is not past")))
    if not policies.has_consent(consultation):
        lacks.append(Missing("consent", _("The patient's consent")))
    if not person.agreed_hospitals(consultation.hospital_id).exists():
        lacks.append(Missing("agreement", _("A valid agreement with a superior hospital")))
    return lacks


@transaction.atomic
def submit(*, consultation: Consultation, by: User) -> Consultation:
    """Send the request to the desk; Refusal names all that is missing. Gives the number the first time."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="submit", by=by)
    lacks = missing(row)
    if lacks:
        words = _(", ").join(item.words for item in lacks)
        count = len(lacks)
        raise Refusal(
            "incomplete",
            ngettext("One thing is still missing: %(words)s", "%(count)s things are still missing: %(words)s", count)
            % {"count": count, "words": words},
            field=lacks[0].field,
        )
    first = {} if row.number else {"number": next_number(), "submitted_at": timezone.now()}
    moves.make(consultation=consultation, name="submit", by=by, changes=first)
    moves.take_part(consultation, [consultation.asker_id], Participant.Side.ASKING)
    desk = reading_desk.of(consultation) if consultation.purpose == Consultation.Purpose.IMAGING else None
    if desk:
        return reading_desk.give(consultation=consultation, by=None, department=desk)
    people = audience.schedulers(consultation)
    notification.tell_of(consultation=consultation, kind="submitted", people=people, by=by)
    moves.announce(consultation)
    return consultation


def next_number() -> str:
    """C<date>-<4 digits>, counted from 1 each day of the site's zone; the day's row is locked until commit."""
    day = timezone.localdate()
    if not DayNumber.objects.filter(day=day).update(last=F("last") + 1):
        DayNumber.objects.bulk_create([DayNumber(day=day)], ignore_conflicts=True)
        DayNumber.objects.filter(day=day).update(last=F("last") + 1)
    return f"C{day:%Y%m%d}-{DayNumber.objects.get(day=day).last:04d}"


@transaction.atomic
def cancel(*, consultation: Consultation, by: User, reason: str = "") -> Consultation:
    """The asker's alone before acceptance."""
    return _end(consultation, "cancel", by, reason, "cancelled")


@transaction.atomic
def call_off(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """After acceptance; the reason is told to everyone who takes part."""
    return _end(consultation, "call_off", by, reason, "cancelled")


@transaction.atomic
def close(*, consultation: Consultation, by: User) -> Consultation:
    """The last page: it can still be read, nothing more is added."""
    return _end(consultation, "close", by, "", "closed")


@transaction.atomic
def follow_up(*, consultation: Consultation, by: User) -> Consultation:
    moves.make(consultation=consultation, name="follow_up", by=by)
    _tell_all(consultation, by, "follow_up")
    return consultation


def _end(consultation: Consultation, name: str, by: User, reason: str, kind: str) -> Consultation:
    now = timezone.now()
    changes: dict[str, Any] = {"closed_at": now}
    if reason.strip():
        changes["last_reason"] = reason.strip()
    moves.make(consultation=consultation, name=name, by=by, reason=reason, changes=changes)
    consultation.participants.filter(side=Participant.Side.ANSWERING, ended_at=None).update(
        ended_at=now + ACCESS_AFTER_END
    )
    if consultation.submitted_at:
        _tell_all(consultation, by, kind)
        guard.look_later(consultation)
    else:
        moves.announce(consultation)
    return consultation


def _tell_all(consultation: Consultation, by: User, kind: str) -> None:
    """Both sides and the desk, but for who did it."""
    people = audience.askers(consultation) | audience.answering(consultation) | audience.schedulers(consultation)
    notification.tell_of(consultation=consultation, kind=kind, people=people, by=by)
    moves.announce(consultation)
