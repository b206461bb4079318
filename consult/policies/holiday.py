"""Which days are worked. The table of holidays is read once in half a minute, never once a day asked about."""

import time
from collections.abc import Mapping
from datetime import date

from consult.models import Holiday, Role
from consult.policies import person
from consult.policies.person import Person

KEPT = 30.0
"""Seconds until another process's change of the table is seen."""
_known: tuple[float, Mapping[date, str]] | None = None


def table() -> Mapping[date, str]:
    """The days that are not what their weekday says, with their kind."""
    global _known
    now = time.monotonic()
    if _known is None or _known[0] <= now:
        _known = (now + KEPT, dict(Holiday.objects.values_list("day", "kind")))
    return _known[1]


def forget() -> None:
    """The table changed."""
    global _known
    _known = None


def is_workday(day: date) -> bool:
    """Monday to Friday, but for public holidays; and the weekend days worked in exchange."""
    kind = table().get(day)
    return kind == Holiday.Kind.WORK if kind else day.weekday() < 5


def is_public_holiday(day: date) -> bool:
    return table().get(day) == Holiday.Kind.FREE


def may_keep(user: Person) -> bool:
    """Who keeps the province's calendar: its schedulers, who belong to no hospital."""
    return any(role.hospital_id is None for role in person.roles_of(user, Role.Kind.SCHEDULER))
