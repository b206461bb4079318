"""The bell of the outbox: worker and beat, as threads of the site (small form) or a process (large form).

Rows are the truth: a job that is never rung is found by the next sweep, so nothing here may be the only reminder.
"""

import logging
import os
import socket
import threading
import time
from typing import Any

from celery import Celery, signals
from django.db import close_old_connections
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")

app = Celery("telemed")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks()

log = logging.getLogger("telemed.worker")

EXPIRES_SECONDS = 30  # a bell nobody heard for so long is forgotten
SCHEDULE = {"consult.tasks.run_due": 2.0, "telemed.celery.heartbeat": 10.0}  # seconds between two bells


@signals.task_prerun.connect
@signals.task_postrun.connect
def _drop_dead_connections(**_: Any) -> None:
    """A pool thread keeps its connection: without this a restarted database is never reached again."""
    close_old_connections()


@app.task(name="telemed.celery.heartbeat")
def heartbeat() -> None:
    """Prove that beat, broker, worker and database work together: /healthz reads this row."""
    from telemed.models import Beacon

    Beacon.objects.update_or_create(
        name="worker", defaults={"holder": f"{socket.gethostname()}.{os.getpid()}", "seen_at": timezone.now()}
    )


class Beat(threading.Thread):
    """Rings SCHEDULE until `stop`. Several may ring: rows decide which process runs a line of the schedule."""

    def __init__(self) -> None:
        super().__init__(name="beat", daemon=True)
        self._ended = threading.Event()

    def run(self) -> None:
        due = dict.fromkeys(SCHEDULE, 0.0)
        while not self._ended.wait(0.5):
            now = time.monotonic()
            for name in [name for name, at in due.items() if at <= now]:
                due[name] = now + SCHEDULE[name]
                try:
                    app.send_task(name, expires=EXPIRES_SECONDS, retry=False)
                except Exception:
                    log.warning("beat: %s not rung, tried again in %s s", name, SCHEDULE[name], exc_info=True)

    def stop(self) -> None:
        self._ended.set()


class Embedded:
    """Worker and beat as threads of this process, without signal handlers, gossip or a broker of their own."""

    def __init__(self, threads: int = 4) -> None:
        self.beat = Beat()
        self.controller: Any = None
        self._threads = threads
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._ended = threading.Event()

    def start(self) -> None:
        self._thread.start()
        self.beat.start()

    def stop(self) -> None:
        """Take no new job; running ones that do not end are run again by the next process (their lease ends)."""
        self._ended.set()
        self.beat.stop()
        if self.controller is not None:
            self.controller.stop()

    def _work(self) -> None:
        delay = 0.2
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self.controller = app.WorkController(
                    pool="threads",
                    concurrency=self._threads,
                    without_heartbeat=True,
                    without_mingle=True,
                    without_gossip=True,
                    quiet=True,
                )
                self.controller.start()
            except Exception:
                log.exception("worker: ended, started again in %.1f s", delay)
            if time.monotonic() - began > 30:
                delay = 0.2
            self._ended.wait(delay)
            delay = min(5.0, delay * 2)
