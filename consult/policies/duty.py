"""On duty now: whom one may ask, whether they are there, and how long others of the specialty waited lately."""

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone

from consult.models import (
    Agreement,
    Booking,
    Consultation,
    Hospital,
    Participant,
    Role,
    Shift,
    Specialty,
    Urgency,
    User,
)
from consult.policies import consultation as consultations
from consult.policies import person, roster
from consult.policies.person import Person
from consult.states import State

ONLINE = timedelta(seconds=150)
"""Since a page of theirs was last seen open: sockets say so every minute."""
LOOK_BACK = timedelta(days=56)
NEWEST = 3000
ENOUGH = 5
"""Fewer answers than this are no range to promise."""
SOON = timedelta(hours=4)
KEPT_SECONDS = 300
IN_CALL = frozenset({State.WAITING, State.IN_SESSION, State.INTERRUPTED})
LEVELS = {Shift.Level.DUTY.value: 0, Shift.Level.ON_CALL.value: 1, Shift.Level.STANDBY.value: 2}


@dataclass(frozen=True, slots=True)
class Range:
    """The middle half of what was measured, in seconds: a quarter was shorter, a quarter longer."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Measured:
    """By specialty and urgency, from submitting to accepting; by specialty, how long calls last as a rule."""

    waits: dict[tuple[str, str], Range]
    calls: dict[str, timedelta]


@dataclass(frozen=True, slots=True)
class Present:
    """One specialist on the roster now. `busy_until` is what such a call takes as a rule, None when nobody knows.

    `booked` is the appointment that runs or comes next.
    """

    shift: Shift
    is_online: bool
    busy_since: datetime | None
    busy_until: datetime | None
    booked: Booking | None

    @property
    def role(self) -> Role:
        return self.shift.role


@dataclass(frozen=True, slots=True)
class Group:
    specialty: str
    waits: list[tuple[str, Range | None]]
    people: list[Present] = field(default_factory=list)

    @property
    def is_measured(self) -> bool:
        return any(found for _urgency, found in self.waits)

    @property
    def label(self) -> str:
        return str(Specialty(self.specialty).label)


def may_see(user: Person) -> bool:
    """Doctors who ask, and schedulers."""
    return consultations.may_ask(user) or person.is_scheduler(user)


def _asked_hospitals(user: Person) -> QuerySet[Hospital]:
    """Superior hospitals whose roster concerns this person: by agreement today; all for the province's scheduler."""
    day = timezone.localdate()
    superior = Hospital.objects.filter(active=True, tier=Hospital.Tier.PROVINCIAL)
    schedules = person.roles_of(user, Role.Kind.SCHEDULER)
    if any(role.hospital_id is None for role in schedules):
        return superior
    roles = [*schedules, *person.roles_of(user, Role.Kind.DOCTOR)]
    own = {role.hospital_id for role in roles if role.hospital_id}
    agreed = Agreement.objects.filter(primary__in=own, valid_from__lte=day, valid_until__gte=day, ended_at=None)
    return superior.filter(pk__in=agreed.values("superior")) | superior.filter(pk__in=own)


def present(user: Person, at: datetime | None = None) -> QuerySet[Shift]:
    """Shifts running now at hospitals this person's may ask."""
    if not may_see(user):
        return Shift.objects.none()
    return roster.on_duty(at).filter(role__hospital__in=_asked_hospitals(user))


def is_online(user: User, now: datetime) -> bool:
    return user.online_at is not None and user.online_at > now - ONLINE


def groups(user: Person) -> list[Group]:
    """By specialty, who is free and online first. Five queries, however many there are."""
    now = timezone.now()
    shifts = list(present(user, now))
    known = measured()
    persons = {shift.role.person_id for shift in shifts}
    since, appointments = _in_calls(persons), _booked(persons, now)
    found: dict[str, Group] = {}
    for shift in shifts:
        specialty = shift.role.department.specialty if shift.role.department else ""
        if specialty not in found:
            waits = [(urgency, known.waits.get((specialty, urgency))) for urgency in Urgency.values]
            found[specialty] = Group(specialty, waits)
        began = since.get(shift.role.person_id)
        usual = known.calls.get(specialty)
        until = began + usual if began and usual else None
        online, booked = is_online(shift.role.person, now), appointments.get(shift.role.person_id)
        found[specialty].people.append(Present(shift, online, began, until, booked))
    for group in found.values():
        group.people.sort(key=_first)
    return sorted(found.values(), key=lambda group: group.label)


def _first(one: Present) -> tuple[int, bool, bool, str]:
    who = one.role.person
    return LEVELS[one.shift.level], one.busy_since is not None, not one.is_online, who.name_index


def _in_calls(people: set[int]) -> dict[int, datetime]:
    """Since when each of these is in a call that has not ended; who stays in the room afterwards is free."""
    rows = Participant.objects.filter(
        person__in=people, last_joined_at__isnull=False, last_left_at=None, consultation__state__in=IN_CALL
    )
    return {pk: at for pk, at in rows.values_list("person", "last_joined_at") if at}


def _booked(people: set[int], now: datetime) -> dict[int, Booking]:
    """The appointment of each that runs or begins soon."""
    rows = Booking.objects.filter(person__in=people, state=Booking.State.BOOKED, ends_at__gt=now)
    rows = rows.filter(starts_at__lt=now + SOON).order_by("-starts_at")
    return {row.person_id: row for row in rows}


def measured() -> Measured:
    """What was measured in the last weeks; kept for five minutes, because every duty page asks."""
    known: Measured | None = cache.get("duty.measured")
    if known is None:
        known = _measure()
        cache.set("duty.measured", known, KEPT_SECONDS)
    return known


def _measure() -> Measured:
    rows = Consultation.objects.filter(accepted_at__gte=timezone.now() - LOOK_BACK, asked_department__isnull=False)
    names = ("asked_department__specialty", "urgency", "submitted_at", "accepted_at")
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    calls: dict[str, list[float]] = defaultdict(list)
    read = rows.order_by("-pk").values_list(*names, "session_started_at", "session_ended_at")[:NEWEST]
    for specialty, urgency, sent, accepted, started, ended in read:
        waits[specialty, urgency].append((accepted - sent).total_seconds())
        if started and ended:
            calls[specialty].append((ended - started).total_seconds())
    return Measured(
        {key: _range(took) for key, took in waits.items() if len(took) >= ENOUGH},
        {key: timedelta(seconds=statistics.median(took)) for key, took in calls.items() if len(took) >= ENOUGH},
    )


def _range(took: list[float]) -> Range:
    low, _middle, high = statistics.quantiles(took, n=4, method="inclusive")
    return Range(low, high, len(took))


def desk() -> QuerySet[User]:
    """Who to call when nobody is on duty: the province's schedulers."""
    kind = Role.Kind.SCHEDULER
    return User.objects.filter(is_active=True, roles__kind=kind, roles__hospital=None, roles__active=True).distinct()


def standing(roles: list[Role]) -> dict[int, str]:
    """Role -> its level on duty now. Empty when nobody at all is on the roster today: then it says nothing."""
    rows = list(roster.on_duty().filter(role__in=[role.pk for role in roles]))
    rows.sort(key=lambda shift: -LEVELS[shift.level])
    return {shift.role_id: shift.level for shift in rows}


def is_rostered(now: datetime | None = None) -> bool:
    """Whether a roster is kept at all: somebody is on it today."""
    now = now or timezone.now()
    return Shift.objects.filter(starts_at__lt=now + timedelta(hours=12), ends_at__gt=now - timedelta(hours=12)).exists()
