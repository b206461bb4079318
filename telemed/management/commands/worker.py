"""`manage.py worker`: the worker and beat as a process of their own (large form, REDIS_URL)."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from telemed.celery import Beat, app


class Command(BaseCommand):
    help = "Run due work: the Celery worker, and the beat when no other process leads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="jobs run at once")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LARGE:
            raise CommandError("A worker of its own needs REDIS_URL: without it the site runs the work itself.")
        beat = Beat()
        beat.start()
        app.worker_main(
            [
                "worker",
                "--pool=threads",
                f"--concurrency={options['threads']}",
                "--without-gossip",
                "--without-mingle",
                f"--loglevel={settings.LOG_LEVEL}",
                f"--hostname=worker{os.getpid()}@%h",
            ]
        )
        beat.stop()
