"""What each person of some departments has in a period: hours, nights, free days. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from consult.models import Department, Role
from consult.policies import holiday, plan, publication
from consult.services import calendar
from consult.services.calendar import Entry


@dataclass(slots=True)
class Share:
    """Hours by level; a night runs at 3 o'clock; a free day is a weekend or holiday on which it begins."""

    role: Role
    shifts: int = 0
    duty: float = 0
    on_call: float = 0
    standby: float = 0
    nights: int = 0
    free: int = 0

    @property
    def hours(self) -> float:
        return self.duty + self.on_call + self.standby


def shares(departments: Iterable[Department], first: date, last: date) -> list[Share]:
    """Published shifts that have begun, and the plan for what comes. Everybody of the departments has a row."""
    ids = [place.pk for place in departments]
    found = {role.pk: Share(role) for role in plan.members(ids)}
    rows = plan.draft(ids, first, last)
    for entry in calendar.entries(rows, list(publication.published(ids, first, last))):
        if entry.state not in {"removed", "blocked"}:
            _count(found.setdefault(entry.role.pk, Share(entry.role)), entry)
    return list(found.values())


def _count(share: Share, entry: Entry) -> None:
    hours = (entry.ends_at - entry.starts_at) / timedelta(hours=1)
    share.shifts += 1
    setattr(share, entry.level, getattr(share, entry.level) + hours)
    zone = timezone.get_default_timezone()
    threes = (datetime.combine(entry.on + timedelta(days=n), time(3), tzinfo=zone) for n in (0, 1))
    share.nights += sum(1 for three in threes if entry.starts_at <= three < entry.ends_at)
    share.free += not holiday.is_workday(entry.on)
