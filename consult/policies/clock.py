"""When a step is due: the table of spans as it starts, and how a span becomes a moment. Nothing is swept here."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.utils import timezone

from consult.models import Clock, ClockTable, Consultation, Role, Urgency, User
from consult.policies import person
from consult.policies.holiday import is_workday
from consult.policies.person import Person
from consult.states import State

Span = tuple[int, str]
Spans = dict[str, dict[str, Span | None]]
S, Step = State, Clock.Step
STEP_OF: dict[State, Clock.Step] = {
    S.SUBMITTED: Step.TRIAGE,
    S.TRIAGE: Step.TRIAGE,
    S.DECLINED: Step.TRIAGE,
    S.OFFERED: Step.ACCEPT,
    S.ACCEPTED: Step.SESSION,
    S.SCHEDULED: Step.SESSION,
    S.WAITING: Step.SESSION,
    S.ASYNC_REVIEW: Step.ANSWER,
    S.OPINION_DUE: Step.OPINION,
}
CHAIN = ("second", "department", "desk")
"""Who is told, after how long, when an offer is not answered: a second specialist, the department, the schedulers."""
ROWS = ("triage", "accept", *CHAIN, "session", "answer", "opinion")
M, H, D = ClockTable.Unit.MINUTES.value, ClockTable.Unit.HOURS.value, ClockTable.Unit.WORKDAYS.value


def _row(emergency: Span | None, urgent: Span | None, routine: Span | None) -> dict[str, Span | None]:
    return {Urgency.EMERGENCY.value: emergency, Urgency.URGENT.value: urgent, Urgency.ROUTINE.value: routine}


START: Spans = {
    "triage": _row((3, M), (30, M), (2, H)),
    "accept": _row((10, M), (1, H), (24, H)),
    "second": _row((5, M), (20, M), None),
    "department": _row((8, M), (40, M), None),
    "desk": _row((10, M), (1, H), (24, H)),
    "session": _row((0, M), (12, H), (3, D)),
    "answer": _row(None, (4, H), (24, H)),
    "opinion": _row((30, M), (2, H), (24, H)),
}
"""Version 1. An emergency's call is held at once, and not answered in writing: images read without a call have the
span of the opinion."""


def span_of(spans: Spans, step: str, urgency: str) -> Span | None:
    """[amount, unit] of a row of the table; None when that is not timed or not offered."""
    span = spans.get(step, {}).get(urgency)
    if span is None and step == Step.ANSWER:
        span = spans.get(Step.OPINION, {}).get(urgency)
    return (int(span[0]), str(span[1])) if span else None


def is_written(spans: Spans, consultation: Consultation) -> bool:
    """Whether these clocks offer an answer without a call; images are always read without one."""
    is_offered = spans.get(Step.ANSWER, {}).get(consultation.urgency) is not None
    return is_offered or consultation.purpose == Consultation.Purpose.IMAGING


def offers_writing(user: User, consultation: Consultation) -> bool:
    """The same by the clocks of now, which are read once per user object."""
    if user._clock_spans is None:
        newest = ClockTable.objects.first()
        user._clock_spans = newest.spans if newest else dict(START)
    return is_written(user._clock_spans, consultation)


def after(start: datetime, span: Span, is_work: Callable[[date], bool] = is_workday) -> datetime:
    """`start` and a span later. Working days: the same time of day in the site's zone, on the last of so many."""
    amount, unit = span
    if unit == M:
        return start + timedelta(minutes=amount)
    if unit == H:
        return start + timedelta(hours=amount)
    moment = timezone.localtime(start)
    for _day in range(amount):
        moment += timedelta(days=1)
        while not is_work(moment.date()):
            moment += timedelta(days=1)
    return moment


def due_at(consultation: Consultation) -> datetime | None:
    """When the step the consultation stands at is due; None when nothing is being timed."""
    return consultation.due_at


def is_paused(consultation: Consultation) -> bool:
    """The clock stands only while the asking side is asked for more."""
    return consultation.state == State.NEEDS_INFO


def may_set(user: Person) -> bool:
    """Who sets the clocks of the province: its schedulers, who belong to no hospital."""
    return any(role.hospital_id is None for role in person.roles_of(user, Role.Kind.SCHEDULER))
