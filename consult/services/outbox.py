"""What must happen later: a row in the business transaction, a bell after commit, a sweep that forgets nothing.

A job is taken by a lease, so a killed worker's job is taken again when the lease is over. An atomic handler shares one
transaction with the mark "done": its rows are written exactly once. Handlers of another kind must bear running twice.
"""

import logging
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from consult.errors import StoreAway
from consult.models import Beat, Job

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 8
PAUSE = timedelta(seconds=20)
TASK = "consult.tasks.run_due"


@dataclass(frozen=True, slots=True)
class Handler:
    run: Callable[..., None]
    atomic: bool
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the schedule."""

    every: timedelta
    run: Callable[[], object]


_handlers: dict[str, Handler] = {}
_schedule: dict[str, Line] = {}


class LeaseLost(Exception):
    """Another worker took the job meanwhile; this run's rows are rolled back."""


_running: ContextVar["Job | None"] = ContextVar("running job", default=None)


def handles(
    kind: str, *, atomic: bool = True, lease: timedelta = LEASE
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register what is called with the payload's fields as keywords. `lease` must exceed the longest run."""

    def register(run: Callable[..., None]) -> Callable[..., None]:
        _handlers[kind] = Handler(run, atomic, lease)
        return run

    return register


def every(period: timedelta, name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Put a function on the schedule: one process runs it each period."""

    def register(run: Callable[[], object]) -> Callable[[], object]:
        _schedule[name] = Line(period, run)
        return run

    return register


def later(*, kind: str, payload: dict[str, Any], due_at: datetime | None = None, key: str = "") -> None:
    """Write due work in the caller's transaction: ids only. An open job of the same kind and key stands for both.

    It is done at the earlier moment of both. One that is running now has read the rows before: it runs once more.
    """
    now = timezone.now()
    job = Job(kind=kind, payload=payload, due_at=due_at or now, key=key)
    Job.objects.bulk_create([job], ignore_conflicts=bool(key))
    if key:
        same = Job.objects.filter(kind=kind, key=key, done_at=None, failed_at=None)
        same.filter(lease_until=None, due_at__gt=job.due_at).update(due_at=job.due_at)
        same.exclude(lease_until=None).update(due_at=job.due_at)
    if job.due_at <= now:
        transaction.on_commit(ring, robust=True)


def begin(*, kind: str, payloads: dict[str, dict[str, Any]]) -> None:
    """`later` for many that are due now and whose keys are new: of rows made in the same transaction."""
    now = timezone.now()
    rows = [Job(kind=kind, payload=payload, due_at=now, key=key) for key, payload in payloads.items()]
    if Job.objects.bulk_create(rows):
        transaction.on_commit(ring, robust=True)


def waits(*, kind: str, key: str) -> bool:
    """Whether such a job is open: waiting, running, or to be tried again."""
    return Job.objects.filter(kind=kind, key=key, done_at=None, failed_at=None).exists()


def ring() -> None:
    """Wake a worker now. When that fails the sweep is at most ten seconds away."""
    if current_app.conf.broker_url != settings.CELERY_BROKER_URL:
        return  # no worker was set up in this process (a management command, a test)
    try:
        current_app.send_task(TASK, retry=False, ignore_result=True)
    except Exception:
        logger.warning("bell not rung; the sweep will find the job", exc_info=True)


def sweep(limit: int = 100) -> int:
    """Run what is due, oldest first, and answer how many jobs were done."""
    done = 0
    for pk in list(_due().values_list("pk", flat=True)[:limit]):
        job = _take(pk)
        if job is not None:
            done += _run(job)
    return done


def _due() -> Any:
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Job.objects.filter(free, done_at=None, failed_at=None, due_at__lte=now).order_by("due_at", "pk")


def _take(pk: int) -> Job | None:
    """Lease one job, or None when another worker has it."""
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        job = _due().select_for_update(skip_locked=skip).filter(pk=pk).first()
        if job is None:
            return None
        handler = _handlers.get(job.kind)
        job.lease_until = timezone.now() + (handler.lease if handler else LEASE)
        job.attempts += 1
        taken = _due().filter(pk=pk).update(lease_until=job.lease_until, attempts=F("attempts") + 1)
        return job if taken else None


def _run(job: Job) -> bool:
    before = _running.set(job)
    try:
        handler = _handlers[job.kind]
        if handler.atomic:
            with transaction.atomic():
                handler.run(**job.payload)
                _finish(job)
        else:
            handler.run(**job.payload)
            _finish(job)
    except LeaseLost:
        return False
    except StoreAway:
        _postpone(job)
        return False
    except Exception:
        _fail(job)
        return False
    finally:
        _running.reset(before)
    return True


def keep() -> None:
    """A long handler says now and then that it is alive: its lease begins anew. Raises LeaseLost when it is another's.

    So a lease may be short, and a killed worker's job is soon taken again.
    """
    job = _running.get()
    if job is None:
        return
    until = timezone.now() + _handlers[job.kind].lease
    if not _held(job).update(lease_until=until):
        raise LeaseLost
    job.lease_until = until


def _held(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, done_at=None, lease_until=job.lease_until)


def _finish(job: Job) -> None:
    """Done, unless it was asked for again while it ran: then it is free to be taken at once."""
    if _held(job).filter(due_at=job.due_at).update(done_at=timezone.now(), lease_until=None):
        return
    if not _held(job).update(lease_until=None):
        raise LeaseLost


def _fail(job: Job) -> None:
    """Try again after 2, 4, 8 ... seconds (at most ten minutes); after the last attempt give up, findable by its id."""
    error_id = uuid.uuid4().hex
    logger.exception("job %s %s attempt %s failed, error %s", job.kind, job.pk, job.attempts, error_id)
    now = timezone.now()
    if job.attempts >= MAX_ATTEMPTS:
        _held(job).update(failed_at=now, error_id=error_id, lease_until=None)
    else:
        pause = timedelta(seconds=min(600, 2**job.attempts))
        _held(job).update(due_at=now + pause, error_id=error_id, lease_until=None)


def _postpone(job: Job) -> None:
    """The store does not answer, for however long: that is no fault of the job and no attempt."""
    logger.warning("job %s %s waits for the store", job.kind, job.pk)
    _held(job).update(due_at=timezone.now() + PAUSE, lease_until=None, attempts=F("attempts") - 1)


def beat_once(now: datetime | None = None) -> list[str]:
    """Run every line of the schedule that is due; who moves its row on first is the one. Call it about every second."""
    now = now or timezone.now()
    due_at = dict(Beat.objects.values_list("name", "due_at"))
    ran = []
    for name, line in _schedule.items():
        if name not in due_at:
            Beat.objects.bulk_create([Beat(name=name, due_at=now)], ignore_conflicts=True)
        elif due_at[name] > now:
            continue
        if Beat.objects.filter(name=name, due_at__lte=now).update(due_at=now + line.every):
            try:
                line.run()
            except Exception:
                logger.exception("schedule line %s failed", name)
            ran.append(name)
    return ran


@every(timedelta(seconds=10), "sweep")
def _sweep_line() -> int:
    return sweep()


@every(timedelta(hours=1), "prune_jobs")
def _prune() -> None:
    """Done jobs are kept a week, failed ones until somebody looked."""
    Job.objects.filter(done_at__lt=timezone.now() - timedelta(days=7)).delete()
