"""What publishing a department's plan would change, and what is wrong with the plan. Changes nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from consult.models import Cover, Department, Publication, Role, Shift
from consult.policies import holiday, plan
from consult.policies.plan import Planned

LONGEST = 62
"""Days of one period."""
COUNTS = frozenset({Shift.Level.DUTY.value, Shift.Level.ON_CALL.value})
"""Who is standby fills no gap."""


@dataclass(frozen=True, slots=True)
class Gap:
    """From the hour `starts` to before `ends` of a day there are `have`, at the fewest, where `least` are wanted."""

    day: date
    starts: int
    ends: int
    have: int
    least: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """One person has two shifts at once; `other` may be published for another department."""

    role: Role
    one: Planned | Shift
    other: Planned | Shift


@dataclass(slots=True)
class Diff:
    """Of the shifts that have not begun. `changed`: what is published, and what it becomes."""

    added: list[Planned] = field(default_factory=list)
    removed: list[Shift] = field(default_factory=list)
    changed: list[tuple[Shift, Planned]] = field(default_factory=list)
    kept: list[Planned] = field(default_factory=list)
    refused: list[Planned] = field(default_factory=list)

    @property
    def people(self) -> set[int]:
        """Whose shifts change."""
        touched: list[Planned | Shift] = [*self.added, *self.removed, *(row for row, _new in self.changed)]
        return {row.role.person_id for row in touched}

    @property
    def count(self) -> int:
        return len(self.added) + len(self.removed) + len(self.changed)

    def digest(self) -> str:
        """Of all that would be done: two pages that show the same have the same."""
        lines = [f"+{_line(row)}" for row in self.added] + [f"-{row.pk}" for row in self.removed]
        lines += [f"={shift.pk} {_line(row)}" for shift, row in self.changed]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:32]


def _line(row: Planned) -> str:
    return f"{row.role.pk} {row.level} {row.starts_at.timestamp():.0f} {row.ends_at.timestamp():.0f}"


def bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """The first moment of `first` and that after `last`, in the site's zone."""
    zone = timezone.get_default_timezone()
    return (
        datetime.combine(first, time(), tzinfo=zone),
        datetime.combine(last + timedelta(days=1), time(), tzinfo=zone),
    )


def published(departments: Iterable[int], first: date, last: date) -> QuerySet[Shift]:
    """Shifts that begin on the days from `first` to `last`."""
    start, end = bounds(first, last)
    rows = Shift.objects.filter(role__department__in=list(departments), starts_at__gte=start, starts_at__lt=end)
    return rows.select_related("role__person", "role__department__hospital", "role__hospital")


def diff(rows: list[Planned], shifts: Iterable[Shift], now: datetime) -> Diff:
    """The plan of a period beside what is published of it. What has begun is history: it is left alone."""
    found = Diff()
    wanted: dict[tuple[int, datetime], Planned] = {}
    for row in rows:
        if row.starts_at <= now:
            continue
        if row.blocked:
            found.refused.append(row)
        elif (row.role.pk, row.starts_at) in wanted:
            found.refused.append(replace(row, blocked="double"))
        else:
            wanted[row.role.pk, row.starts_at] = row
    for shift in shifts:
        if shift.starts_at <= now:
            continue
        new = wanted.pop((shift.role_id, shift.starts_at), None)
        if new is None:
            found.removed.append(shift)
        elif (new.level, new.ends_at) != (shift.level, shift.ends_at):
            found.changed.append((shift, new))
        else:
            found.kept.append(new)
    found.added = list(wanted.values())
    return found


def overlaps(rows: list[Planned], elsewhere: Iterable[Shift]) -> list[Overlap]:
    """Shifts of one person that run at the same time, those published for other departments among them."""
    theirs: dict[int, list[Planned | Shift]] = defaultdict(list)
    for row in rows:
        if not row.blocked:
            theirs[row.role.person_id].append(row)
    for shift in elsewhere:
        theirs[shift.role.person_id].append(shift)
    found = []
    for own in theirs.values():
        own.sort(key=lambda row: (row.starts_at, row.ends_at))
        for index, one in enumerate(own):
            for other in own[index + 1 :]:
                if other.starts_at >= one.ends_at:
                    break
                if isinstance(one, Planned) or isinstance(other, Planned):
                    found.append(Overlap(one.role, one, other))
    return found


def gaps(rows: list[Planned], covers: Iterable[Cover], first: date, last: date) -> list[Gap]:
    """Hours of the days from `first` to `last` with fewer than wanted, neighbouring hours together.

    `rows` begin a day earlier: a night counts until its morning.
    """
    wanted = list(covers)
    found = [
        Gap(day, hour, hour + 1, have, least)
        for day in (days(first, last) if wanted else ())
        for hour, (have, least) in enumerate(counts(rows, wanted, day))
        if have < least
    ]
    return _joined(found)


def counts(rows: list[Planned], covers: list[Cover], day: date) -> list[tuple[int, int]]:
    """For each hour of the day how many are there, and how many are wanted. A shift counts for hours it fills whole."""
    start, end = bounds(day, day)
    spans = [
        (row.starts_at, row.ends_at)
        for row in rows
        if not row.blocked and row.level in COUNTS and row.starts_at < end and row.ends_at > start
    ]
    is_work, found = holiday.is_workday(day), []
    for hour in range(24):
        since, until = plan.moments(day, time(hour), 60)
        have = sum(1 for span in spans if span[0] <= since and span[1] >= until)
        found.append((have, max((one.least for one in covers if _asks(one, hour, is_work)), default=0)))
    return found


def _asks(cover: Cover, hour: int, is_work: bool) -> bool:
    fits = cover.days == Cover.Days.ALL or (cover.days == Cover.Days.WORK) == is_work
    return fits and cover.starts <= hour < cover.ends


def _joined(gaps: list[Gap]) -> list[Gap]:
    found: list[Gap] = []
    for gap in gaps:
        before = found[-1] if found else None
        if before and (before.day, before.ends, before.have, before.least) == (
            gap.day, gap.starts, gap.have, gap.least
        ):  # fmt: skip
            found[-1] = Gap(gap.day, before.starts, gap.ends, gap.have, gap.least)
        else:
            found.append(gap)
    return found


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(slots=True)
class Preview:
    """All that a scheduler has to see of a department and a period before it is published."""

    department: Department
    first: date
    last: date
    known: int
    diff: Diff
    gaps: list[Gap]
    overlaps: list[Overlap]


def preview(department: Department, first: date, last: date) -> Preview:
    """`known` is the number of the last publication: whoever publishes meanwhile was first."""
    newest = Publication.objects.filter(department=department).first()
    rows = plan.draft([department.pk], first - timedelta(days=1), last)
    inside = [row for row in rows if row.on >= first]
    start, end = bounds(first, last)
    people = {row.role.person_id for row in inside}
    elsewhere = (
        Shift.objects.filter(role__person__in=people, starts_at__lt=end, ends_at__gt=start)
        .exclude(role__department=department)
        .select_related("role__person", "role__department__hospital", "role__hospital")
    )
    return Preview(
        department,
        first,
        last,
        newest.number if newest else 0,
        diff(inside, published([department.pk], first, last), timezone.now()),
        gaps(rows, Cover.objects.filter(department=department), first, last),
        overlaps(inside, elsewhere),
    )
