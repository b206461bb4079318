"""Due work: nothing is lost when a worker dies, nothing is done twice, nothing is tried for ever."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from consult.models import Beat, Consultation, Job, Notification
from consult.services import notification, outbox
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


@pytest.fixture
def ran() -> Iterator[list[int]]:
    """Handlers of two kinds that note what they ran; `fails` does so after writing a row."""
    done: list[int] = []

    def works(number: int) -> None:
        done.append(number)

    def fails(number: int) -> None:
        Beat.objects.create(name=f"written by a failing job {number} {len(done)}", due_at=timezone.now())
        done.append(number)
        raise RuntimeError("on purpose")

    outbox.handles("test.works")(works)
    outbox.handles("test.fails")(fails)
    yield done
    del outbox._handlers["test.works"], outbox._handlers["test.fails"]


@pytest.mark.django_db
def test_a_job_is_due_at_its_time_and_done_once(ran: list[int]) -> None:
    outbox.later(kind="test.works", payload={"number": 1})
    outbox.later(kind="test.works", payload={"number": 2}, due_at=timezone.now() + timedelta(hours=1))
    assert (outbox.sweep(), outbox.sweep(), ran) == (1, 0, [1])
    Job.objects.filter(payload__number=2).update(due_at=timezone.now())
    assert (outbox.sweep(), ran) == (1, [1, 2])
    assert Job.objects.filter(done_at=None).count() == 0


@pytest.mark.django_db
def test_a_key_stands_for_one_open_job(ran: list[int]) -> None:
    for number in (1, 2):
        outbox.later(kind="test.works", payload={"number": number}, key="same")
    assert (outbox.sweep(), ran) == (1, [1])
    outbox.later(kind="test.works", payload={"number": 3}, key="same")
    assert (outbox.sweep(), ran) == (1, [1, 3])


@pytest.mark.django_db
def test_a_rolled_back_act_leaves_no_job(ran: list[int]) -> None:
    with transaction.atomic():
        outbox.later(kind="test.works", payload={"number": 1})
        transaction.set_rollback(True)
    assert (outbox.sweep(), ran) == (0, [])


@pytest.mark.django_db
def test_a_worker_killed_between_taking_and_doing_costs_one_lease(ran: list[int]) -> None:
    """kill -9 leaves exactly this row: taken, neither done nor failed."""
    outbox.later(kind="test.works", payload={"number": 1})
    assert outbox._take(Job.objects.get().pk) is not None
    assert (outbox.sweep(), ran) == (0, [])
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert (outbox.sweep(), outbox.sweep(), ran) == (1, 0, [1])
    assert Job.objects.get().attempts == 2


@pytest.mark.django_db
def test_who_lost_the_lease_leaves_no_rows(ran: list[int]) -> None:
    """A worker that slept past its lease: the other one's result counts, the sleeper's is rolled back."""
    outbox.later(kind="test.works", payload={"number": 1})
    slow = outbox._take(Job.objects.get().pk)
    assert slow is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert outbox.sweep() == 1

    def writes(number: int) -> None:
        Beat.objects.create(name="written by the sleeper", due_at=timezone.now())

    outbox.handles("test.works")(writes)
    assert outbox._run(slow) is False
    assert Beat.objects.filter(name="written by the sleeper").count() == 0


@pytest.mark.django_db
def test_a_failing_job_is_tried_ever_later_and_then_given_up(ran: list[int], caplog: Any) -> None:
    outbox.later(kind="test.fails", payload={"number": 7})
    pauses = []
    for _attempt in range(outbox.MAX_ATTEMPTS):
        before = timezone.now()
        assert outbox.sweep() == 0
        pauses.append(round((Job.objects.get().due_at - before).total_seconds()))
        Job.objects.update(due_at=timezone.now())
    job = Job.objects.get()
    assert pauses[:-1] == [2, 4, 8, 16, 32, 64, 128]
    assert (job.attempts, job.done_at, job.failed_at is not None) == (outbox.MAX_ATTEMPTS, None, True)
    assert (outbox.sweep(), len(ran)) == (0, outbox.MAX_ATTEMPTS)
    assert job.error_id in caplog.records[-1].getMessage()
    assert Beat.objects.filter(name__startswith="written by a failing").count() == 0


@pytest.mark.django_db
def test_one_broken_job_does_not_stop_the_others(ran: list[int]) -> None:
    outbox.later(kind="test.fails", payload={"number": 1})
    outbox.later(kind="nobody handles this", payload={})
    outbox.later(kind="test.works", payload={"number": 2})
    assert (outbox.sweep(), ran) == (1, [1, 2])


@pytest.mark.django_db
def test_old_finished_jobs_are_forgotten_failed_ones_are_kept() -> None:
    now = timezone.now()
    old = now - timedelta(days=8)
    Job.objects.create(kind="a", due_at=old, done_at=old)
    Job.objects.create(kind="b", due_at=old, done_at=now)
    Job.objects.create(kind="c", due_at=old, failed_at=old)
    outbox.beat_once(now)
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["b", "c"]


@pytest.mark.django_db
def test_a_line_of_the_schedule_runs_once_a_period() -> None:
    now = timezone.now()
    assert "sweep" in outbox.beat_once(now)
    assert outbox.beat_once(now + timedelta(seconds=9)) == []
    assert outbox.beat_once(now + timedelta(seconds=11)) == ["sweep"]
    assert {"sweep", "prune_jobs"} <= set(outbox.beat_once(now + timedelta(hours=2)))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_eight_workers_and_eight_beats_do_each_thing_once(ran: list[int]) -> None:
    for number in range(24):
        outbox.later(kind="test.works", payload={"number": number})
    swept = together(*[outbox.sweep] * 8)
    assert (sum(swept), sorted(ran)) == (24, list(range(24)))
    now = timezone.now()
    outbox.beat_once(now)
    later = now + timedelta(seconds=10)
    ticks = together(*[lambda: outbox.beat_once(later)] * 8)
    assert sum(names.count("sweep") for names in ticks) == 1


def test_news_are_delivered_once_although_the_worker_runs_twice(cast: Cast) -> None:
    people.submitted(cast)
    rows = Notification.objects.filter(person=cast.scheduler)
    assert [row.delivered_at for row in rows] == [None]
    run_due()
    first = rows.get().delivered_at
    assert first is not None
    notification.deliver(key=rows.get().key)
    assert rows.get().delivered_at == first


def test_jobs_name_no_patient(cast: Cast) -> None:
    thing = people.closed(cast)
    patient = thing.patient
    assert patient is not None
    written = " ".join(f"{job.kind} {job.key} {job.payload}" for job in Job.objects.all())
    assert Job.objects.count() > 5
    assert [word for word in (patient.name, patient.record_number, people.REQUEST["reason"]) if word in written] == []


def test_told_and_moved_are_one_transaction(cast: Cast) -> None:
    """An error after the move takes the move, its audit row, its news and its job with it."""
    thing = people.draft(cast)
    before = Job.objects.count()
    with transaction.atomic():
        people.consultation.submit(consultation=thing, by=cast.doctor)
        assert Job.objects.count() == before + 1
        transaction.set_rollback(True)
    assert (Job.objects.count(), Consultation.objects.get().state, Notification.objects.count()) == (before, "DRAFT", 0)
