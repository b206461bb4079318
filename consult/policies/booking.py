"""Which times of a specialist are free, for how long, for whom; what no longer fits the roster."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from consult.models import BookedCell, Booking, Clock, Consultation, Licence, Shift, Urgency, Waiting
from consult.models.booking import CELL
from consult.policies import consultation as consultations
from consult.policies import person as people
from consult.policies.person import Person
from consult.states import Actor, State

HOLD = timedelta(minutes=5)
OFFER = timedelta(minutes=15)
"""How long a time that got free is held for whoever waits: they are not at the page."""
REMIND = timedelta(minutes=15)
ABSENT = timedelta(minutes=10)
"""After the booked time, when nobody has begun."""
HORIZON = {"emergency": timedelta(days=1), "urgent": timedelta(days=3), "routine": timedelta(days=14)}
LENGTHS = (15, 30, 45, 60, 90)
USUAL = 30
BY_PURPOSE = {
    Consultation.Purpose.IMAGING.value: 15,
    Consultation.Purpose.TREATMENT.value: 45,
    Consultation.Purpose.TEACHING.value: 60,
}
ACTIVE = (Booking.State.HELD, Booking.State.BOOKED)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time. `after_due`: later than the clock allows."""

    starts_at: datetime
    ends_at: datetime
    after_due: bool

    @property
    def value(self) -> str:
        return self.starts_at.isoformat()


def length(consultation: Consultation) -> int:
    """Minutes such a call is booked for: by purpose, the usual ones when it is an emergency."""
    if consultation.urgency == Urgency.EMERGENCY:
        return USUAL
    return BY_PURPOSE.get(consultation.purpose, USUAL)


def may_schedule(user: Person, consultation: Consultation) -> bool:
    return consultations.may(user, "schedule", consultation)


def may_override(user: Person, consultation: Consultation) -> bool:
    """Over others and outside the roster: the scheduler; in an emergency the specialist too."""
    if not may_schedule(user, consultation):
        return False
    who = consultations.actors(user, consultation)
    return Actor.SCHEDULER in who or (Actor.EXPERT in who and consultation.urgency == Urgency.EMERGENCY)


def is_cell(at: datetime) -> bool:
    """Cells begin at whole quarters of an hour; so do those of every zone, whose offsets are multiples of it."""
    return at.timestamp() % CELL.total_seconds() == 0


def cells(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    count = int((ends_at - starts_at) / CELL)
    return [starts_at + number * CELL for number in range(count)]


def running(now: datetime | None = None) -> Q:
    """Bookings that keep their time: booked, or held and not expired."""
    return Q(state=Booking.State.BOOKED) | Q(state=Booking.State.HELD, held_until__gt=now or timezone.now())


def rostered(persons: Iterable[int], first: datetime, last: datetime, levels: Iterable[str]) -> dict[int, list[Span]]:
    """Person -> times on the published roster, those that touch made one; only days with a valid licence count.

    Three queries. A shift over midnight counts when the licence is valid on the day it begins.
    """
    ids = set(persons)
    shifts = Shift.objects.filter(
        role__person__in=ids, level__in=list(levels), starts_at__lt=last, ends_at__gt=first
    ).order_by("starts_at")
    able = set(people.practising(timezone.localdate()).filter(person__in=ids).values_list("pk", flat=True))
    valid = defaultdict(list)
    for who, since, until in Licence.objects.filter(person__in=ids).values_list("person", "valid_from", "valid_until"):
        valid[who].append((since, until))
    found: dict[int, list[Span]] = defaultdict(list)
    for who, role, start, end in shifts.values_list("role__person", "role", "starts_at", "ends_at"):
        day = timezone.localdate(start)
        if role not in able or not any(since <= day <= until for since, until in valid[who]):
            continue
        spans = found[who]
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return found


def levels_for(consultation: Consultation) -> list[str]:
    """Whoever is on call is booked for what cannot wait; standby for nothing."""
    levels = [Shift.Level.DUTY.value]
    return levels if consultation.urgency == Urgency.ROUTINE else [*levels, Shift.Level.ON_CALL.value]


def horizon(consultation: Consultation) -> timedelta:
    return HORIZON.get(consultation.urgency, HORIZON["routine"])


def free(consultation: Consultation, minutes: int | None = None, now: datetime | None = None) -> list[Slot]:
    """Free times of the consultation's specialist, soonest first. Five queries."""
    now = now or timezone.now()
    if consultation.expert_id is None:
        return []
    span = timedelta(minutes=minutes or length(consultation))
    last = now + horizon(consultation)
    taken = set(_taken(consultation, now, last))
    found: list[Slot] = []
    due = due_at(consultation)
    on = rostered([consultation.expert_id], now, last, levels_for(consultation)).get(consultation.expert_id, [])
    for start, end in on:
        for at in _packed(_aligned(start), min(end, last), span, taken):
            if at > now:
                found.append(Slot(at, at + span, due is not None and at > due))
    return found


def due_at(consultation: Consultation) -> datetime | None:
    """When the call has to be held by its clock, whatever is booked."""
    return Clock.objects.filter(consultation=consultation, ended_at=None).values_list("due_at", flat=True).first()


def _taken(consultation: Consultation, now: datetime, last: datetime) -> QuerySet[BookedCell, datetime]:
    rows = BookedCell.objects.filter(person=consultation.expert_id, at__gt=now - CELL, at__lt=last)
    rows = rows.exclude(booking__state=Booking.State.HELD, booking__held_until__lte=now)
    return rows.exclude(booking__consultation=consultation).values_list("at", flat=True)


def _aligned(at: datetime) -> datetime:
    """The first cell that does not begin before `at`."""
    rest = at.timestamp() % CELL.total_seconds()
    return at if not rest else at + CELL - timedelta(seconds=rest)


def _packed(start: datetime, end: datetime, span: timedelta, taken: set[datetime]) -> Iterator[datetime]:
    """Starts of `span`, one after another between what is taken, so that no gap is left."""
    at = start
    while at + span <= end:
        busy = [cell for cell in cells(at, at + span) if cell in taken]
        if busy:
            at = busy[-1] + CELL
        else:
            yield at
            at += span


def is_on_roster(consultation: Consultation, starts_at: datetime, ends_at: datetime) -> bool:
    person = consultation.expert_id or 0
    spans = rostered([person], starts_at, ends_at, levels_for(consultation)).get(person, [])
    return any(start <= starts_at and ends_at <= end for start, end in spans)


def mine(user: Person) -> QuerySet[Booking]:
    """Held and booked times to come of all consultations this person may see, soonest first."""
    rows = Booking.objects.filter(running(), ends_at__gt=timezone.now())
    rows = rows.filter(consultation__in=consultations.visible_consultations(user))
    related = ("hospital", "patient", "asker", "asked_department", "asked_hospital", "expert")
    return (
        rows.select_related("person", "by", *(f"consultation__{name}" for name in related))
        .prefetch_related("consultation__participants")
        .order_by("starts_at", "pk")
    )


def conflicts(rows: Iterable[Booking]) -> list[Booking]:
    """Of booked times, those whose specialist is no longer on the roster then, on whatever level. Three queries.

    Who was booked outside the roster on purpose is no conflict.
    """
    booked = [row for row in rows if row.state == Booking.State.BOOKED and not row.override]
    if not booked:
        return []
    first, last = min(row.starts_at for row in booked), max(row.ends_at for row in booked)
    on = rostered({row.person_id for row in booked}, first, last, Shift.Level.values)
    return [row for row in booked if not _covered(row, on.get(row.person_id, []))]


def _covered(row: Booking, spans: list[Span]) -> bool:
    return any(start <= row.starts_at and row.ends_at <= end for start, end in spans)


def waiting(user: Person) -> QuerySet[Waiting]:
    """Who waits for a free time, the first to be offered one first."""
    return in_line().filter(consultation__in=consultations.visible_consultations(user))


def in_line() -> QuerySet[Waiting]:
    rank = Case(
        When(consultation__urgency=Urgency.EMERGENCY, then=Value(0)),
        When(consultation__urgency=Urgency.URGENT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = Waiting.objects.filter(ended_at=None, consultation__state=State.ACCEPTED).annotate(urgency_rank=rank)
    related = ("hospital", "patient", "asker", "asked_department", "asked_hospital", "expert")
    return rows.select_related(*(f"consultation__{name}" for name in related)).order_by("urgency_rank", "since", "pk")
