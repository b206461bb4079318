"""What the plan gives on the days of a period, and why some of it cannot be published. Changes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import Agreement, Change, Department, Leave, Licence, Role, Rule, User
from consult.policies import person, repeat
from consult.policies.person import Person

BLOCKS: dict[str, str | Promise] = {
    "inactive": _("no longer active there"),
    "licence": _("no valid licence on that day"),
    "leave": _("on leave"),
    "double": _("another of their shifts begins at the same time"),
    "agreement": _("the hospital has no valid agreement on that day"),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One shift of the plan. `blocked` is a key of BLOCKS when it cannot be published.

    It comes from `rule` on `day`, replaced there by `change`; or from `change` alone, when it is extra. `known` is the
    revision of that change.
    """

    role: Role
    level: str
    starts_at: datetime
    ends_at: datetime
    rule: int | None = None
    day: date | None = None
    change: int | None = None
    known: int = 0
    blocked: str = ""

    @property
    def key(self) -> str:
        """What addresses it: the rule and its day, or the extra."""
        return f"r{self.rule}-{self.day}" if self.rule else f"c{self.change}"

    @property
    def on(self) -> date:
        """The day it belongs to: that of its start, in the site's zone."""
        return self.starts_at.astimezone(timezone.get_default_timezone()).date()

    @property
    def why(self) -> str | Promise:
        return BLOCKS.get(self.blocked, "")


def plannable_departments(user: Person) -> QuerySet[Department]:
    """Departments whose roster this scheduler makes: with specialists, of their hospital, or all for the province's."""
    roles = person.roles_of(user, Role.Kind.SCHEDULER)
    rows = Department.objects.filter(active=True, hospital__active=True, roles__kind=Role.Kind.EXPERT)
    if not any(role.hospital_id is None for role in roles):
        rows = rows.filter(hospital__in=[role.hospital_id for role in roles])
    return rows.select_related("hospital").distinct().order_by("hospital__code", "name")


def may_plan(user: Person, department: int) -> bool:
    return plannable_departments(user).filter(pk=department).exists()


def members(departments: Iterable[int]) -> QuerySet[Role]:
    """The specialists of departments, in the order of their names."""
    rows = Role.objects.filter(kind=Role.Kind.EXPERT, department__in=list(departments), active=True)
    return rows.select_related("person", "department__hospital", "hospital").order_by(
        "department__hospital__code", "department__name", "person__name_index", "pk"
    )


def visible_rules(user: Person) -> QuerySet[Rule]:
    rows = Rule.objects.filter(role__department__in=plannable_departments(user).values("pk"))
    return rows.select_related("role__person", "role__department__hospital", "role__hospital")


def visible_changes(user: Person) -> QuerySet[Change]:
    own = plannable_departments(user).values("pk")
    rows = Change.objects.filter(Q(rule__role__department__in=own) | Q(role__department__in=own))
    return rows.select_related("role__person", "role__department__hospital", "rule__role__department__hospital")


def visible_leaves(user: Person) -> QuerySet[Leave]:
    """Leave that counts, of people whose shifts this scheduler plans; one's own is asked for elsewhere."""
    people = Role.objects.filter(kind=Role.Kind.EXPERT, department__in=plannable_departments(user).values("pk"))
    rows = Leave.objects.filter(cancelled_at=None, person__in=people.values("person_id"))
    return rows.select_related("person", "by")


def moments(day: date, starts: time, minutes: int) -> tuple[datetime, datetime]:
    """Start and end by the wall clock of the site's zone: over a change of clocks a night is an hour shorter or longer,
    and the next shift still begins where it ends."""
    zone = timezone.get_default_timezone()
    start = datetime.combine(day, starts)
    end = start + timedelta(minutes=minutes)
    return start.replace(tzinfo=zone), end.replace(tzinfo=zone)


def draft(departments: Collection[int], first: date, last: date) -> list[Planned]:
    """What the plan gives on the days from `first` to `last`, both included, by start; the same number of queries
    for any number of rules."""
    mine = Q(role__department__in=departments)
    rules = list(
        Rule.objects.filter(mine, first__lte=last)
        .filter(Q(last=None) | Q(last__gte=first))
        .select_related("role__person", "role__department__hospital", "role__hospital")
    )
    inside = Q(on__range=(first, last)) | Q(day__range=(first, last))
    changes = list(
        Change.objects.filter(inside)
        .filter(mine | Q(rule__role__department__in=departments))
        .select_related("role__person", "role__department__hospital", "role__hospital")
    )
    replaced = {(change.rule_id, change.day) for change in changes if change.rule_id}
    found = [
        Planned(rule.role, rule.level, *moments(day, rule.starts, rule.minutes), rule=rule.pk, day=day)
        for rule in rules
        for day in repeat.days_of(rule, first, last)
        if (rule.pk, day) not in replaced
    ]
    found += [_changed(one) for one in changes if one.on and first <= one.on <= last]
    wanted = [one for one in found if one.role.department_id in departments]
    return sorted(blocked(wanted), key=lambda one: (one.starts_at, one.role.person.name_index, one.role.pk))


def _changed(change: Change) -> Planned:
    if change.role is None or change.on is None or change.starts is None or change.minutes is None:
        raise ValueError("this change takes a shift away")
    start, end = moments(change.on, change.starts, change.minutes)
    found = Planned(change.role, change.level, start, end, rule=change.rule_id, day=change.day, change=change.pk)
    return replace(found, known=change.revision)


def blocked(rows: list[Planned]) -> list[Planned]:
    """The same rows, each with why it cannot be published, if so. Three questions to the database."""
    if not rows:
        return []
    people = {one.role.person_id for one in rows}
    first, last = min(one.on for one in rows), max(_days(one)[-1] for one in rows)
    within = {"person__in": people}
    licences: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for whose, since, until in Licence.objects.filter(
        **within, valid_from__lte=last, valid_until__gte=first
    ).values_list("person_id", "valid_from", "valid_until"):
        licences[whose].append((since, until))
    leaves: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for whose, since, until in Leave.objects.filter(
        **within, cancelled_at=None, first__lte=last, last__gte=first
    ).values_list("person_id", "first", "last"):
        leaves[whose].append((since, until))
    agreements: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for where, since, until in Agreement.objects.filter(
        superior__in={one.role.hospital_id for one in rows},
        ended_at=None,
        valid_from__lte=last,
        valid_until__gte=first,
    ).values_list("superior_id", "valid_from", "valid_until"):
        agreements[where].append((since, until))
    return [replace(one, blocked=_block(one, licences, leaves, agreements)) for one in rows]


Spans = dict[int, list[tuple[date, date]]]


def _block(one: Planned, licences: Spans, leaves: Spans, agreements: Spans) -> str:
    role, days = one.role, _days(one)
    if not _is_active(role, role.person):
        return "inactive"
    if any(since <= day <= until for since, until in leaves[role.person_id] for day in days):
        return "leave"
    if not all(any(since <= day <= until for since, until in licences[role.person_id]) for day in days):
        return "licence"
    if not any(since <= one.on <= until for since, until in agreements[role.hospital_id or 0]):
        return "agreement"
    return ""


def _is_active(role: Role, who: User) -> bool:
    department, hospital = role.department, role.hospital
    return bool(role.active and who.is_active and department and department.active and hospital and hospital.active)


def _days(one: Planned) -> list[date]:
    """The days it touches: a night until midnight is of one day, until the morning of two."""
    zone = timezone.get_default_timezone()
    last = (one.ends_at.astimezone(zone) - timedelta(microseconds=1)).date()
    return [one.on] if last <= one.on else [one.on, last]
