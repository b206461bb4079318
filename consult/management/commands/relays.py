"""Shows the relays; takes one out of service without dropping a call, and back."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consult.models import Relay
from consult.services import relay as relays

ROW = "{:<16} {:<9} {:<24} {:>5} {:>11} {:>5} {:>8}  {}"
ACTS = {"drain": relays.drain, "undrain": relays.undrain}


class Command(BaseCommand):
    help = "List the relays. `drain NAME` moves its calls to the others and keeps new ones away, until `undrain NAME`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", nargs="?", choices=["list", *ACTS], default="list")
        parser.add_argument("name", nargs="?", default="", help="the relay's RELAY_NAME")

    def handle(self, *args: Any, act: str, name: str, **options: Any) -> None:
        if act != "list" and ACTS[act](name=name) is None:
            known = ", ".join(Relay.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"there is no relay {name!r}; known: {known}")
        now = timezone.now()
        if act == "drain" and not relays.live(now).filter(draining=False, leaving=False).exists():
            self.stderr.write(f"No other relay is live: the calls stay on {name} until there is one.")
        self.stdout.write(ROW.format("name", "state", "address", "rooms", "people", "load", "version", "heard"))
        for relay in Relay.objects.all():
            self.stdout.write(_row(relay, now))


def _row(relay: Relay, now: datetime) -> str:
    return ROW.format(
        relay.name,
        _state(relay, now),
        f"{relay.address} {relay.port}",
        relay.rooms,
        f"{relay.participants}/{relay.capacity}",
        f"{relay.load:.0%}",
        relay.version,
        f"{max((now - relay.seen_at).total_seconds(), 0):.0f} s ago",
    ).rstrip()


def _state(relay: Relay, now: datetime) -> str:
    if not relay.channel or relay.seen_at <= now - relays.LIVE_FOR:
        return "away"
    if relay.empties:
        return "draining"
    return "busy" if relay.busy or relay.participants >= relay.capacity else "live"
