"""Check the audit chain: prints its length and end, or the first entry that does not fit."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from consult.services import audit


class Command(BaseCommand):
    help = "Check the audit chain; exit status 1 when an entry was changed, removed or slipped in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", metavar="COUNT:HASH", default="", help="an end printed earlier that must still be in the chain"
        )

    def handle(self, *args: Any, since: str, **options: Any) -> None:
        report = audit.verify()
        if report.broken is not None:
            raise CommandError(f"audit chain broken at entry {report.broken} (intact before: {report.count})")
        if since:
            count, _, digest = since.partition(":")
            if not count.isdigit() or not audit.holds(seq=int(count), digest_seen=digest):
                raise CommandError(f"the chain no longer holds {since}: it was cut off or rebuilt")
        self.stdout.write(f"audit chain intact: {report.count} entries, last hash {report.last_hash}")
