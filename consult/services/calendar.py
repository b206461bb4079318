"""The roster as a page shows it: the plan beside what is published, by person or by day. Reads only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise

from consult.models import Cover, Department, Holiday, Role, Shift
from consult.policies import plan, publication
from consult.policies.plan import Planned


@dataclass(frozen=True, slots=True)
class Entry:
    """`state`: same (as published), new, changed, removed (published, no longer planned), blocked, past."""

    role: Role
    level: str
    starts_at: datetime
    ends_at: datetime
    state: str
    key: str = ""
    known: int = 0
    why: str | Promise = ""

    @property
    def on(self) -> date:
        return timezone.localdate(self.starts_at, timezone.get_default_timezone())

    @property
    def word(self) -> str | Promise:
        return Shift.Level(self.level).label

    @property
    def is_night(self) -> bool:
        return timezone.localdate(self.ends_at - timedelta(microseconds=1), timezone.get_default_timezone()) > self.on


@dataclass(slots=True)
class Day:
    """A column, or a cell of the month."""

    day: date
    is_today: bool
    is_free: bool
    holiday: Holiday | None
    is_inside: bool = True
    entries: list[Entry] = field(default_factory=list)
    gaps: list[publication.Gap] = field(default_factory=list)


@dataclass(slots=True)
class Hours:
    """One day of a department: for each hour how many are there and how many are wanted."""

    day: date
    hours: list[tuple[int, int]]
    gaps: list[publication.Gap]


@dataclass(slots=True)
class Block:
    """A department: its cover, and a row of cells for each of its people."""

    department: Department
    cover: list[Hours]
    rows: list[tuple[Role, list[tuple[Day, list[Entry]]]]]
    unpublished: int


@dataclass(slots=True)
class Calendar:
    days: list[Day]
    blocks: list[Block]

    @property
    def weeks(self) -> list[list[Day]]:
        return [self.days[at : at + 7] for at in range(0, len(self.days), 7)]

    @property
    def gaps(self) -> int:
        return sum(len(day.gaps) for day in self.days)

    @property
    def unpublished(self) -> int:
        return sum(block.unpublished for block in self.blocks)


def show(departments: Iterable[Department], first: date, last: date) -> Calendar:
    """The days from `first` to `last`; the same number of queries for any number of shifts."""
    places = list(departments)
    ids = [place.pk for place in places]
    rows = plan.draft(ids, first - timedelta(days=1), last)
    shifts = list(publication.published(ids, first, last))
    covers = list(Cover.objects.filter(department__in=ids))
    days = _days(first, last)
    shown = entries([row for row in rows if row.on >= first], shifts)
    by_day = {day.day: day for day in days}
    for entry in shown:
        by_day[entry.on].entries.append(entry)
    people = defaultdict(list)
    for role in plan.members(ids):
        people[role.department_id].append(role)
    blocks = []
    for place in places:
        own = [row for row in rows if row.role.department_id == place.pk]
        wanted = [cover for cover in covers if cover.department_id == place.pk]
        cover = [_hours(own, wanted, day.day) for day in days]
        for day, hours in zip(days, cover, strict=True):
            day.gaps.extend(hours.gaps)
        mine = [entry for entry in shown if entry.role.department_id == place.pk]
        blocks.append(Block(place, cover, _rows(people[place.pk], mine, days), _unpublished(mine)))
    return Calendar(days, blocks)


def _days(first: date, last: date) -> list[Day]:
    marked = {row.day: row for row in Holiday.objects.filter(day__range=(first, last))}
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    found = []
    for day in publication.days(first, last):
        row = marked.get(day)
        is_free = row.kind == Holiday.Kind.FREE if row else day.weekday() >= 5
        found.append(Day(day, day == today, is_free, row))
    return found


def entries(rows: list[Planned], shifts: list[Shift]) -> list[Entry]:
    """What is published and has begun, and for the time to come the plan with what publishing would change."""
    now = timezone.now()
    diff = publication.diff(rows, shifts, now)
    found = [_published(shift, "past") for shift in shifts if shift.starts_at <= now]
    found += [_published(shift, "removed") for shift in diff.removed]
    states = (("same", diff.kept), ("new", diff.added), ("changed", [new for _old, new in diff.changed]))
    found += [_planned(row, state) for state, some in (*states, ("blocked", diff.refused)) for row in some]
    return sorted(found, key=lambda one: (one.starts_at, one.role.person.name_index, one.role.pk))


def _planned(row: Planned, state: str) -> Entry:
    return Entry(row.role, row.level, row.starts_at, row.ends_at, state, row.key, row.known, row.why)


def _published(shift: Shift, state: str) -> Entry:
    return Entry(shift.role, shift.level, shift.starts_at, shift.ends_at, state)


def _hours(rows: list[Planned], covers: list[Cover], day: date) -> Hours:
    return Hours(day, publication.counts(rows, covers, day), publication.gaps(rows, covers, day, day))


def _rows(
    people: list[Role], entries: list[Entry], days: list[Day]
) -> list[tuple[Role, list[tuple[Day, list[Entry]]]]]:
    """Everybody of the department, and whoever has left it and still has shifts there."""
    cells: dict[tuple[int, date], list[Entry]] = defaultdict(list)
    for entry in entries:
        cells[entry.role.pk, entry.on].append(entry)
    known = {role.pk for role in people}
    gone = {entry.role.pk: entry.role for entry in entries if entry.role.pk not in known}
    return [(role, [(day, cells[role.pk, day.day]) for day in days]) for role in [*people, *gone.values()]]


def _unpublished(entries: list[Entry]) -> int:
    return sum(1 for entry in entries if entry.state in {"new", "changed", "removed"})
