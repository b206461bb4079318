"""`manage.py simulate`: a month of a province through the services, on a clock of its own, judged by plain SQL."""

import random
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from consult.models import AuditEntry, Consultation, Swap, User
from telemed.simulation import judge
from telemed.simulation.clock import Clock
from telemed.simulation.month import Month, play
from telemed.simulation.province import Maker


class Command(BaseCommand):
    help = (
        "Play a month of a province in an empty, migrated database of its own (DATA_DIR or DATABASE_URL), then look"
        " whether a clock was missed, a consultation is stuck, a time was booked twice, and the figures agree."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=31)
        parser.add_argument("--requests", type=int, default=3000)
        parser.add_argument("--centres", type=int, default=85)
        parser.add_argument("--experts", type=int, default=40)
        parser.add_argument("--step", type=int, default=1, help="minutes between two looks at the schedule")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--first", default="2026-09-21", help="the first day; October has a week of holidays")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL or Consultation.objects.exists() or User.objects.exists():
            raise CommandError("Only in an empty database of its own, and with DEBUG on: this makes thousands of rows.")
        began = time.monotonic()
        first = datetime.fromisoformat(options["first"]).replace(tzinfo=timezone.get_default_timezone())
        clock, chance = Clock(first), random.Random(options["seed"])  # noqa: S311  (the same month again)
        last, step = first + timedelta(days=options["days"] - 1), timedelta(minutes=options["step"])
        with translation.override("zh-hans"), clock.worn():
            make = Maker(chance, first.date(), (last + timedelta(days=20)).date())
            province = make.province(options["centres"], options["experts"])
            month = play(
                clock, make, province, days=options["days"], count=options["requests"], step=step, say=self.stdout.write
            )
            found = list(judge.faults(province.regulator, first.date(), clock.now.date(), step))
        self._say(month, time.monotonic() - began)
        for fault in found[:50]:
            self.stderr.write(fault)
        if found:
            raise CommandError(f"{len(found)} faults")
        self.stdout.write("No clock missed, nothing stuck, no time booked twice, audit and statistics agree.")

    def _say(self, month: Month, seconds: float) -> None:
        states = Counter(Consultation.objects.values_list("state", flat=True))
        swapped = Counter(f"swap {state}" for state in Swap.objects.values_list("state", flat=True))
        for name, count in [
            *sorted(states.items()),
            *sorted(swapped.items()),
            *((f"told {code}", n) for code, n in month.told.most_common()),
        ]:
            self.stdout.write(f"{count:7} {name}")
        self.stdout.write(
            f"{month.asked} requests in {month.days:.1f} days, {AuditEntry.objects.count()} audit entries,"
            f" played in {seconds:.0f} s"
        )
