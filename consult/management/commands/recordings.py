"""`manage.py recordings list | rewrap | class ID CLASS`: what there is, a new master key, how long one is kept."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consult.errors import Refusal
from consult.models import Recording
from consult.services import recording, recording_files, recording_keys


class Command(BaseCommand):
    help = "Recordings of calls: list them, wrap their keys by the present RECORDING_KEY, change a retention class."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="number, consultation, state, length, size, kept until")
        acts.add_parser("rewrap", help="wrap all keys by the present RECORDING_KEY; no file is written again")
        change = acts.add_parser("class", help="change how long a recording is kept")
        change.add_argument("number", type=int)
        change.add_argument("retention", choices=Recording.Retention.values)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "rewrap":
            self.stdout.write(f"{recording_keys.rewrap()} keys wrapped anew")
        elif options["act"] == "class":
            self._classify(options["number"], options["retention"])
        else:
            for row in Recording.objects.select_related("consultation").order_by("pk"):
                size = recording_files.bytes_of(row) / 1_000_000
                held = " held" if row.held_at else ""
                until = row.delete_on or "-"
                self.stdout.write(
                    f"{row.pk} {row.consultation} {row.state} {row.seconds:.0f} s {size:.1f} MB {until}{held}"
                )

    def _classify(self, number: int, retention: str) -> None:
        row = Recording.objects.filter(pk=number).first()
        if row is None:
            raise CommandError(f"there is no recording {number}")
        try:
            recording.classify(recording=row, retention=retention)
        except Refusal as refusal:
            raise CommandError(refusal.code) from None
        self.stdout.write(f"kept until {row.delete_on}")
