"""The bell may fail at any time: rows stay, the act is done, and a later sweep finds the work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery, current_app
from channels.layers import channel_layers, get_channel_layer
from django.db import connection

from consult import events
from consult.models import AuditEntry, Beat, Consultation, Job, Message
from consult.services import message, outbox, session
from consult.states import State
from tests import cast as people
from tests.cast import Cast

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def dead_broker(settings: Any) -> Iterator[None]:
    """A worker was set up in this process, and its broker is gone."""
    before = current_app._get_current_object()
    settings.CELERY_BROKER_URL = NOWHERE
    dead = Celery("dead", broker=NOWHERE)
    dead.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
    dead.set_current()
    yield
    before.set_current()


def test_a_broker_that_is_gone_costs_nothing(cast: Cast, dead_broker: None, commits: Any, caplog: Any) -> None:
    thing = people.accepted(cast)
    with commits():
        message.post(consultation=thing, by=cast.doctor, body="在吗", token="t")
    assert "bell not rung" in caplog.text
    assert "在吗" not in caplog.text
    assert Message.objects.count() == 1
    assert Job.objects.filter(done_at=None, payload__key=f"message.{thing.pk}.1").count() == 1
    assert outbox.sweep() > 0
    assert not Job.objects.filter(done_at=None).exists()


def test_a_channel_layer_that_is_gone_costs_nothing(cast: Cast, settings: Any, commits: Any, caplog: Any) -> None:
    dead = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [NOWHERE]}}
    thing = people.accepted(cast)
    settings.CHANNEL_LAYERS = {"default": dead}
    channel_layers.backends = {}
    try:
        with commits():
            message.post(consultation=thing, by=cast.doctor, body="在吗", token="t")
    finally:
        channel_layers.backends = {}
    assert "news not sent to one group" in caplog.text
    assert "在吗" not in caplog.text
    assert Message.objects.count() == 1


@pytest.mark.small
def test_news_reach_the_room_and_the_people_after_the_commit_only(cast: Cast, commits: Any) -> None:
    layer = get_channel_layer()
    room, page = (async_to_sync(layer.new_channel)() for _ in range(2))
    async_to_sync(layer.group_add)("consultation.7", room)
    async_to_sync(layer.group_add)(f"person.{cast.doctor.pk}", page)
    with commits():
        events.announce(consultation=7, kind="message", seq=3, people=[cast.doctor.pk, cast.doctor.pk])
    news = {"type": "news", "kind": "message", "consultation": 7, "seq": 3, "mark": None}
    assert [async_to_sync(layer.receive)(name) for name in (room, page)] == [news, news]
    with commits():
        events.revoke(person=cast.doctor.pk)
    assert async_to_sync(layer.receive)(page) == {"type": "recheck"}


WORKER = """
import sys, time, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from consult.models import Beat
from consult.services import outbox
from django.utils import timezone
def slow():
    Beat.objects.create(name="written by the killed worker", due_at=timezone.now())
    print("running", flush=True)
    time.sleep(60)
outbox.handles("test.slow")(slow)
outbox.sweep()
"""


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_leaves_no_half_and_its_job_is_done_later(transactional_db: None) -> None:
    outbox.later(kind="test.slow", payload={})
    name = str(connection.settings_dict["NAME"])
    connection.close()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, name],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "telemed.settings"},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"running\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    ran: list[float] = []
    outbox.handles("test.slow")(lambda: ran.append(time.monotonic()))
    try:
        assert (outbox.sweep(), ran) == (0, [])  # the lease of the dead one is not over
        job = Job.objects.get()
        Job.objects.filter(pk=job.pk).update(lease_until=job.due_at)
        assert (outbox.sweep(), outbox.sweep(), len(ran)) == (1, 0, 1)
    finally:
        del outbox._handlers["test.slow"]
    assert (Job.objects.get().attempts, Beat.objects.filter(name__contains="killed").count()) == (2, 0)


@pytest.mark.slow
def test_a_loss_in_any_state_never_leads_beyond_interrupted(cast: Cast) -> None:
    thing = people.in_session(cast)
    found: dict[str, list[str]] = {}
    for state in State:
        found[state] = []
        for lose in (
            lambda: session.departed(consultation=thing, by=cast.doctor),
            lambda: session.interrupted(consultation=thing),
        ):
            Consultation.objects.filter(pk=thing.pk).update(state=state)
            thing.participants.update(last_left_at=None)
            found[state].append(str(lose().state))
    wanted = {state: "INTERRUPTED" if state == "IN_SESSION" else str(state) for state in State}
    assert found == {state: [after, after] for state, after in wanted.items()}
    assert AuditEntry.objects.filter(action="consultation.interrupt").count() == 2
