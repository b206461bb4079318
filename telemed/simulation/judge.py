"""Looks at the rows when the month is over: plain SQL, none of the code that wrote them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection

from consult.models import User
from consult.policies.statistics import counted
from consult.services import audit, statistics
from consult.services.statistics import Filters

AT_ONCE = timedelta(minutes=5)
"""What is to be done at once is told as late after so long, the rest when it is due."""
ENDED = ("CLOSED", "CANCELLED", "NO_SHOW", "EXPIRED", "REFERRED")


def sql(question: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, values or None)
        return list(cursor.fetchall())


def moment(value: Any) -> datetime | None:
    """SQLite gives moments as text in UTC."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def faults(regulator: User, first: date, last: date, step: timedelta) -> Iterator[str]:
    """What is wrong, in words; nothing when all is well. `step` is how often the schedule ran."""
    yield from _stuck()
    yield from _unwarned(AT_ONCE + timedelta(minutes=1) + step)
    yield from _booked_twice()
    yield from _statistics(regulator, first, last)
    report = audit.verify()
    if report.broken is not None:
        yield f"the audit chain is broken at entry {report.broken}"


def _stuck() -> Iterator[str]:
    marks = ", ".join(["%s"] * len(ENDED))
    rows = sql(f"SELECT number, state FROM consult_consultation WHERE state NOT IN ({marks})", *ENDED)  # noqa: S608
    for number, state in rows:
        yield f"{number or 'a draft'} is stuck in {state}"
    for number, count in sql(
        "SELECT c.number, count(*) FROM consult_clock k JOIN consult_consultation c ON c.id = k.consultation_id"
        " WHERE k.ended_at IS NULL GROUP BY c.number"
    ):
        yield f"{number} has ended and {count} of its clocks run"


def _unwarned(grace: timedelta) -> Iterator[str]:
    """Clocks that ran out and of which nobody was told in time. A clock that stood was due later by as long."""
    for number, step, *moments in sql(
        "SELECT c.number, k.step, k.due_at, k.ended_at, k.warned_at FROM consult_clock k"
        " JOIN consult_consultation c ON c.id = k.consultation_id"
    ):
        due, ended, warned = (moment(each) for each in moments)
        if due and ended and ended > due + grace and not (warned and warned <= due + grace):
            yield f"{number}: nobody was told in time that {step} was late"


def _booked_twice() -> Iterator[str]:
    """Calls of one specialist that were booked when they began, one within another."""
    spans: dict[int, list[tuple[datetime, datetime, str]]] = {}
    for person, number, *moments in sql(
        "SELECT b.person_id, c.number, b.starts_at, b.ends_at, b.freed_at FROM consult_booking b"
        " JOIN consult_consultation c ON c.id = b.consultation_id WHERE b.booked_at IS NOT NULL"
    ):
        starts, ends, freed = (moment(each) for each in moments)
        if starts and ends and (freed is None or freed >= starts):
            spans.setdefault(person, []).append((starts, min(ends, freed or ends), number))
    for rows in spans.values():
        for (_starts, ends, one), (starts, _ends, other) in pairwise(sorted(rows)):
            if starts < ends:
                yield f"{one} and {other} were booked at the same time"


def _statistics(regulator: User, first: date, last: date) -> Iterator[str]:
    found = statistics.report(counted(regulator), Filters(first, last))
    sent = "FROM consult_consultation WHERE submitted_at IS NOT NULL"
    total = found.total
    refused = "SELECT count(*) FROM consult_movereason WHERE move IN ('decline', 'return_')"
    verdicts = dict(sql("SELECT verdict, count(*) FROM consult_decision GROUP BY verdict"))
    by_state = Counter(dict(sql(f"SELECT signed_at IS NOT NULL, count(*) {sent} GROUP BY 1")))
    pairs = {
        "requests": (total.requests, sum(by_state.values())),
        "answered": (total.answered, by_state[True] or by_state[1]),
        "refusals": (total.refusals, sql(refused)[0][0]),
        "adopted": (total.adopted, verdicts.get("adopted", 0)),
        "partly adopted": (total.partly, verdicts.get("partly", 0)),
        "decided": (total.decided, sum(verdicts.values())),
        "by hospital": (
            {line.key: line.requests for line in found.hospitals},
            dict(sql(f"SELECT hospital_id, count(*) {sent} GROUP BY hospital_id")),
        ),
        "by specialist": (
            {line.key: line.requests for line in found.experts},
            dict(sql(f"SELECT expert_id, count(*) {sent} AND expert_id IS NOT NULL GROUP BY expert_id")),
        ),
        "late": (total.late, len(_late())),
    }
    for name, (said, counted_again) in pairs.items():
        if said != counted_again:
            yield f"statistics say {said} {name}, the rows {counted_again}"


def _late() -> set[int]:
    rows = sql("SELECT consultation_id, due_at, ended_at FROM consult_clock WHERE ended_at IS NOT NULL")
    return {pk for pk, due, ended in rows if (moment(ended) or datetime.min) > (moment(due) or datetime.max)}
