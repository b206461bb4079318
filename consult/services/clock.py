"""The clocks of consultations: which one runs after a move, and the table they are computed from."""

import itertools
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Clock, ClockTable, Consultation, User
from consult.policies import clock as policies
from consult.services import audit
from consult.states import State

BOOKED = frozenset({State.SCHEDULED, State.WAITING})
LONGEST = {"minutes": 7 * 24 * 60, "hours": 90 * 24, "workdays": 90}


def current() -> ClockTable:
    """The newest version; the first is made on first use from what the product starts with."""
    newest = ClockTable.objects.first()
    if newest is None:
        ClockTable.objects.bulk_create([ClockTable(number=1, spans=policies.START)], ignore_conflicts=True)
        newest = ClockTable.objects.get(number=1)
    return newest


@transaction.atomic
def publish(*, by: User, spans: policies.Spans, known: int) -> ClockTable:
    """A new version, for clocks that start from now on. Conflict when somebody published since version `known`."""
    if not policies.may_set(by):
        raise NotAllowed("not_desk", _("The clocks are set by the schedulers of the province."))
    before = current()
    _check(spans)
    if before.number != known:
        raise _changed()
    try:
        with transaction.atomic():
            table = ClockTable.objects.create(number=known + 1, spans=spans, by=by)
    except IntegrityError:
        raise _changed() from None
    audit.record(by=by, action="clocks.publish", thing=table, detail={"was": before.spans, "is": spans})
    return table


def _changed() -> Conflict:
    return Conflict("clocks_changed", _("Somebody else changed the clocks meanwhile. Look at the newest ones."))


def _check(spans: policies.Spans) -> None:
    """Every row is there; the chain goes up, and its last step is not after the offer is late."""
    if set(spans) != set(policies.ROWS):
        raise KeyError(sorted(spans))
    start = timezone.now()
    for row, by_urgency in spans.items():
        for urgency, span in by_urgency.items():
            if span is None:
                if row not in {*policies.CHAIN, "answer"}:
                    raise Refusal("span_missing", _("This step needs a time."), field=f"{row}_{urgency}")
            elif not 0 <= span[0] <= LONGEST[span[1]]:
                raise Refusal("span_wrong", _("This time is not possible."), field=f"{row}_{urgency}")
    for urgency in policies.START["triage"]:
        rows = [("", start), *((row, _moment(spans, row, urgency, start)) for row in policies.CHAIN)]
        chain = [(row, moment) for row, moment in rows if moment is not None]
        for (_before, earlier), (row, later) in itertools.pairwise(chain):
            if later < earlier:
                raise Refusal(
                    "chain_order", _("Each step of the chain comes after the one before."), field=f"{row}_{urgency}"
                )


def _moment(spans: policies.Spans, row: str, urgency: str, start: datetime) -> datetime | None:
    span = spans[row][urgency]
    return policies.after(start, span) if span else None


def follow(consultation: Consultation, *, anew: bool = False) -> None:
    """After a move, in its transaction: the clock of the step it led to runs, another one has ended.

    In NEEDS_INFO the running one stands. `anew` starts the same step again: it was offered to somebody else.
    """
    now = timezone.now()
    state = State(consultation.state)
    running = Clock.objects.filter(consultation=consultation, ended_at=None).first()
    if state == State.NEEDS_INFO:
        if running and running.paused_at is None:
            running.paused_at = now
            running.save(update_fields=["paused_at"])
        return
    step = policies.STEP_OF.get(state)
    if running and running.step == step and not anew:
        _go_on(running, now)
        due: datetime | None = running.due_at
    else:
        if running:
            _stop(running, now)
        due = _start(consultation, step, now) if step else None
    if due and consultation.scheduled_at and state in BOOKED:
        due = min(due, consultation.scheduled_at)  # lists show what comes first: the call, or the end of its clock
    if due != consultation.due_at:
        Consultation.objects.filter(pk=consultation.pk).update(due_at=due)
        consultation.due_at = due


def _go_on(clock: Clock, now: datetime) -> None:
    if clock.paused_at is None:
        return
    lasted = now - clock.paused_at
    clock.paused, clock.due_at, clock.paused_at = clock.paused + lasted, clock.due_at + lasted, None
    clock.save(update_fields=["paused", "due_at", "paused_at"])


def _stop(clock: Clock, now: datetime) -> None:
    _go_on(clock, now)
    clock.ended_at = now
    clock.save(update_fields=["ended_at"])


def _start(consultation: Consultation, step: Clock.Step, now: datetime) -> datetime | None:
    table = current()
    span = policies.span_of(table.spans, step, consultation.urgency)
    if span is None:
        return None
    due = policies.after(now, span)
    made = Clock(consultation=consultation, step=step, urgency=consultation.urgency, table=table)
    made.started_at, made.due_at, made.paused = now, due, timedelta(0)
    made.save()
    return due
