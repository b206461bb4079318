"""`manage.py site`: one site process (Daphne through our launcher), with the worker's threads when embedded."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Serve the site from this one process. `manage.py serve` starts and supervises it for you."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fd", type=int, help="listening socket inherited from the supervisor")

    def handle(self, *args: Any, **options: Any) -> None:
        from consult import events
        from telemed import launcher  # before anything else of Twisted
        from telemed.asgi import application
        from telemed.celery import Embedded
        from telemed.streaming import is_streamed

        worker = Embedded() if settings.WORKER == "embedded" else None

        def ready() -> None:
            events.bind(asyncio.get_event_loop())
            if worker:
                worker.start()

        host = settings.HOST.replace(":", r"\:")
        endpoint = (
            f"fd:fileno={options['fd']}"
            if options["fd"] is not None
            else f"tcp:port={settings.PORT}:interface={host}:backlog=512"
        )
        code = launcher.run(
            application,
            endpoint=endpoint,
            behind_proxy=settings.BEHIND_PROXY,
            ready=ready,
            is_streamed=is_streamed,
        )
        if worker:
            worker.stop()
        if code:
            raise CommandError(f"{settings.HOST}:{settings.PORT} cannot be listened on: is it already in use?")
