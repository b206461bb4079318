"""Registered relays, which room lives on which, and who is there: kept where every process reads it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, FloatField, QuerySet
from django.db.models.functions import Cast, Greatest
from django.utils import timezone

from consult.models import Placement, Relay

LIVE_FOR = timedelta(seconds=6)  # three missed load reports
MOVE_AFTER = timedelta(seconds=4)  # a lost link may be back sooner, and its calls still run


def live(now: datetime | None = None) -> QuerySet[Relay]:
    """Relays that have a link and reported lately."""
    return Relay.objects.exclude(channel="").filter(seen_at__gt=(now or timezone.now()) - LIVE_FOR)


def register(
    *, name: str, channel: str, address: str, port: int, capacity: int, version: str, rooms: Iterable[int]
) -> tuple[list[int], list[int]]:
    """A relay dialled in and says which consultations' `rooms` it still runs.

    Returns the consultations that are placed on it, and those of them that were talking and are emptied now.
    """
    with transaction.atomic():
        relay, _ = Relay.objects.update_or_create(
            name=name,
            defaults={
                "channel": channel,
                "address": address,
                "port": port,
                "capacity": capacity,
                "version": version,
                "seen_at": timezone.now(),
                "load": 0,
            },
        )
        dead = Placement.objects.filter(relay=relay).exclude(consultation__in=list(rooms))
        emptied = [row.consultation_id for row in dead if row.peers]
        dead.update(peers=[], tracks=[])
    return list(relay.placements.values_list("consultation_id", flat=True)), emptied


def report(*, channel: str, rooms: int, participants: int, load: float) -> bool:
    """What the relay on this link carries; False when another link of the same name took over."""
    fields = {"rooms": rooms, "participants": participants, "load": load, "seen_at": timezone.now()}
    return Relay.objects.filter(channel=channel).update(**fields) == 1


def lost(*, channel: str) -> list[int]:
    """The link is gone. Returns the consultations placed on that relay; their calls may still run."""
    relay = Relay.objects.filter(channel=channel).first()
    if relay is None or not Relay.objects.filter(pk=relay.pk, channel=channel).update(channel=""):
        return []
    return list(relay.placements.values_list("consultation_id", flat=True))


def place(consultation_id: int) -> Relay | None:
    """The live relay this consultation's room is on, choosing the least loaded with room when it has none.

    None: wait, no relay can take it now. A room stays whole: of two who place at once, the first counts.
    """
    now = timezone.now()
    placement = Placement.objects.select_related("relay").filter(consultation_id=consultation_id).first()
    if placement is not None:
        old = placement.relay
        if old.channel and old.seen_at > now - LIVE_FOR:
            return old
        if old.seen_at > now - MOVE_AFTER:
            return None
    chosen = _least_loaded(now)
    if chosen is None:
        return None
    if placement is None:
        placement, _ = Placement.objects.get_or_create(consultation_id=consultation_id, defaults={"relay": chosen})
    else:
        moved = {"relay": chosen, "peers": [], "tracks": [], "at": now}
        Placement.objects.filter(pk=placement.pk, relay=placement.relay_id).update(**moved)
    return live(now).filter(placements__consultation_id=consultation_id).first()


def _least_loaded(now: datetime) -> Relay | None:
    full = Cast(F("participants"), FloatField()) / F("capacity")
    relays = live(now).filter(capacity__gt=0, participants__lt=F("capacity"))
    return relays.annotate(strain=Greatest(F("load"), full)).order_by("strain", "rooms", "name").first()


def observe(
    *, channel: str, consultation_id: int, peers: Sequence[dict[str, Any]], tracks: Sequence[dict[str, str]]
) -> tuple[set[str], set[str]] | None:
    """Keep who is in the room. Returns the usernames that came and went; None when the room is not that relay's."""
    with transaction.atomic():
        placement = (
            Placement.objects.select_for_update(of=("self",))
            .filter(consultation_id=consultation_id, relay__channel=channel)
            .first()
        )
        if placement is None:
            return None
        before = {peer["peer"]: peer for peer in placement.peers}
        now = timezone.now().isoformat()
        placement.peers = [{**peer, "since": before.get(peer["peer"], {}).get("since", now)} for peer in peers]
        placement.tracks = list(tracks)
        placement.save(update_fields=["peers", "tracks"])
    were, are = {peer["username"] for peer in before.values()}, {peer["username"] for peer in peers}
    return are - were, were - are


def presence(consultation_id: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Peers and tracks of the room as its relay last told."""
    row = Placement.objects.filter(consultation_id=consultation_id).values_list("peers", "tracks").first()
    return row or ([], [])


def placed_elsewhere(consultations: Collection[int], channel: str) -> list[int]:
    """Those of `consultations` that no longer live on the relay of this link."""
    here = Placement.objects.filter(consultation_id__in=list(consultations), relay__channel=channel)
    kept = set(here.values_list("consultation_id", flat=True))
    return [pk for pk in consultations if pk not in kept]
