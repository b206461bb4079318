"""Every minute: an offer nobody answers goes up the chain, and both sides are told once that a step is late.

Each step is one conditional UPDATE, so that of two sweepers one takes it; its news and its audit row are in the same
transaction.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from consult.models import Alert, Clock, Consultation, Participant
from consult.policies import alert as alerts
from consult.policies import clock as policies
from consult.policies import suggest
from consult.policies.alerting import UNHEARD
from consult.services import audience, audit, clock, moves, notification, outbox

AT_ONCE = timedelta(minutes=5)
"""After which both sides are told of a step that was to be done at once."""


@outbox.every(timedelta(minutes=1), "clocks")
def sweep() -> int:
    """Answers how many steps were taken."""
    now = timezone.now()
    _adopt()
    rows = Clock.objects.filter(ended_at=None, paused_at=None, warned_at=None).select_related("table")
    waiting = [row.pk for row in rows.order_by("due_at") if _is_late(row, now) or _chain(row, now)]
    return sum(_take(pk, now) for pk in waiting)


@outbox.every(timedelta(minutes=1), "unheard")
def remind() -> int:
    """What nobody has acknowledged in time is told to the schedulers, once for each piece of news."""
    now = timezone.now()
    told = 0
    for urgency, wait in UNHEARD.items():
        rows = Alert.objects.filter(alerts.OPEN, urgency=urgency, unheard_at=None, at__lte=now - wait)
        for row in rows.exclude(notification__kind="unheard").select_related("notification__consultation"):
            told += _unheard(row, now)
    return told


@transaction.atomic
def _unheard(row: Alert, now: datetime) -> int:
    news = row.notification
    same = Alert.objects.filter(notification__key=news.key)
    if not Alert.objects.filter(alerts.OPEN, pk=row.pk, unheard_at=None).update(unheard_at=now):
        return 0
    if news.consultation is None or same.filter(acknowledged_at__isnull=False).exists():
        return 0  # a colleague who was told the same has taken note
    people = audience.schedulers(news.consultation) - {news.person_id}
    made = notification.tell(
        people=people, kind="unheard", consultation=news.consultation, key=f"unheard.{news.key}"[:120]
    )
    return 1 if made else 0


def _adopt() -> None:
    """What stands at a timed step without a clock (it was there before there were clocks) gets one."""
    running = Clock.objects.filter(consultation=OuterRef("pk"), ended_at=None)
    for row in Consultation.objects.filter(~Exists(running), state__in=policies.STEP_OF):
        with transaction.atomic():
            clock.follow(moves.lock(row))


def _chain(row: Clock, now: datetime) -> list[tuple[int, str]]:
    """Steps of the chain that are due for an offer and not yet taken."""
    if row.step != Clock.Step.ACCEPT:
        return []
    due = []
    for level, name in enumerate(policies.CHAIN, 1):
        span = policies.span_of(row.table.spans, name, row.urgency)
        if span and level > row.level and policies.after(row.started_at, span) + row.paused <= now:
            due.append((level, name))
    return due


def _is_late(row: Clock, now: datetime) -> bool:
    return row.due_at + (AT_ONCE if row.due_at <= row.started_at else timedelta(0)) <= now


@transaction.atomic
def _take(pk: int, now: datetime) -> int:
    """One clock, under the lock of its consultation as the moves take it: it may have ended meanwhile."""
    consultation = moves.lock(Consultation.objects.get(clocks=pk))
    running = Clock.objects.filter(pk=pk, ended_at=None, paused_at=None)
    row = running.select_related("table").first()
    if row is None:
        return 0
    taken = 0
    for level, name in _chain(row, now):
        if running.filter(level__lt=level).update(level=level):
            taken += 1
            _tell(consultation, row, name)
    if _is_late(row, now) and running.filter(warned_at=None).update(warned_at=now):
        taken += 1
        _late(consultation, row)
    if taken:
        moves.announce(consultation)
    return taken


def _tell(consultation: Consultation, row: Clock, step: str) -> None:
    """Bring an offer before those of one step of the chain; the history says so."""
    if step == "second":
        role = suggest.second(consultation)
        people = {role.person_id} if role else set()
        moves.take_part(consultation, people, Participant.Side.ANSWERING)
    elif step == "department":
        people = audience.department(consultation) - audience.answering(consultation)
    else:
        people = audience.schedulers(consultation)
    _say(consultation, row, f"chain_{step}", people)
    audit.record(by=None, action=f"clock.{step}", thing=row, consultation=consultation, detail={"told": len(people)})


def _late(consultation: Consultation, row: Clock) -> None:
    people = audience.askers(consultation) | audience.answering(consultation) | audience.schedulers(consultation)
    _say(consultation, row, f"late_{row.step}", people)
    audit.record(by=None, action="clock.late", thing=row, consultation=consultation, detail={"step": row.step})


def _say(consultation: Consultation, row: Clock, kind: str, people: set[int]) -> None:
    notification.tell(people=people, kind=kind, consultation=consultation, key=f"{kind}.{row.pk}")
