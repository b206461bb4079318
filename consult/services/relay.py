"""Registered relays, which room lives on which, and who is there: kept where every process reads it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.functions import Cast, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.errors import Refusal
from consult.models import Placement, Relay

LIVE_FOR = timedelta(seconds=6)
SILENT_AFTER = timedelta(seconds=3)  # three missed reports, while another relay's come in
MOVE_AFTER = timedelta(seconds=0.5)  # a lost link is dialled again within 0.3 s when its relay lives
MOVE_WITHIN = timedelta(seconds=15)  # then who has not come to the new relay has left
BUSY_FROM, BUSY_UNTIL = 0.85, 0.7  # share of a core: no new rooms from the first, again below the second


@dataclass(frozen=True)
class Duties:
    """What follows from a relay's report, as consultations: rooms to `wake` because they have to move, rooms to `close`
    on this relay because they moved away, rooms whose move is `over`."""

    wake: list[int] = field(default_factory=list)
    close: list[int] = field(default_factory=list)
    over: list[int] = field(default_factory=list)


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
                "move_at": None,
                "leaving": False,
                "busy": False,
                "load": 0,
            },
        )
        dead = Placement.objects.filter(relay=relay).exclude(consultation__in=list(rooms))
        emptied = [row.consultation_id for row in dead if row.peers]
        dead.update(peers=[], tracks=[], former=None)
    return list(relay.placements.values_list("consultation_id", flat=True)), emptied


def report(*, channel: str, rooms: int, participants: int, load: float, settled: bool) -> Duties | None:
    """What the relay on this link carries, and what follows; None when another link of its name took over.

    `settled`: the link has stood for longer than any living relay needs to dial in after the site was away. Only then
    does another relay's silence mean that it is gone.
    """
    now = timezone.now()
    relay = Relay.objects.filter(channel=channel).first()
    if relay is None:
        return None
    busy = load >= (BUSY_UNTIL if relay.busy else BUSY_FROM)
    fields = {"rooms": rooms, "participants": participants, "load": load, "busy": busy, "seen_at": now}
    if not Relay.objects.filter(pk=relay.pk, channel=channel).update(**fields):
        return None
    leave = Q(relay=relay) if relay.empties else Q(pk=None)
    if settled:
        leave |= Q(relay__in=_silenced(now))
    old = now - MOVE_WITHIN
    close = Placement.objects.filter(former=relay, at__lt=old)
    over = [row.consultation_id for row in relay.placements.filter(at__lt=old) if _moving(row.peers)]
    duties = Duties(wake=_consultations(Placement.objects.filter(leave)), close=_consultations(close), over=over)
    if duties.close:
        close.update(former=None)
    return duties


def _silenced(now: datetime) -> list[int]:
    """Relays unheard for too long, marked as gone: their rooms may move at once."""
    silent = Relay.objects.filter(seen_at__lt=now - SILENT_AFTER, move_at=None)
    found = list(silent.values_list("pk", flat=True))
    if found:
        silent.filter(pk__in=found).update(channel="", move_at=now)
    return found


def _consultations(placements: QuerySet[Placement]) -> list[int]:
    return list(placements.values_list("consultation_id", flat=True))


def lost(*, channel: str, by_relay: bool) -> list[int]:
    """The link is gone. Returns the consultations placed on that relay; their calls may still run.

    `by_relay`: its end broke off, so it is gone unless it dials again soon. When ours did, that says nothing.
    """
    relay = Relay.objects.filter(channel=channel).first()
    gone = {"channel": "", "move_at": timezone.now() + MOVE_AFTER if by_relay else None}
    if relay is None or not Relay.objects.filter(pk=relay.pk, channel=channel).update(**gone):
        return []
    return _consultations(relay.placements.all())


def drain(*, name: str) -> Relay | None:
    """Take no new rooms on this relay, and let the others take those it has; it stays so until `undrain`."""
    Relay.objects.filter(name=name).update(draining=True)
    return Relay.objects.filter(name=name).first()


def undrain(*, name: str) -> Relay | None:
    """Let this relay take rooms again."""
    Relay.objects.filter(name=name).update(draining=False)
    return Relay.objects.filter(name=name).first()


def leaving(*, channel: str) -> list[int]:
    """The relay on this link is about to end. Returns the consultations that have to move."""
    relays = Relay.objects.filter(channel=channel)
    relays.update(leaving=True)
    return _consultations(Placement.objects.filter(relay__in=relays))


def place(consultation_id: int) -> Relay | None:
    """The live relay this consultation's room is on, choosing the least loaded with room when it has none.

    None: wait, no relay can take it now. A room stays whole: of two who place at once, the first counts.
    Raises Refusal(relay_full) for a new room when every relay is at its limit.
    """
    now = timezone.now()
    placement = Placement.objects.select_related("relay").filter(consultation_id=consultation_id).first()
    if placement is None:
        return _place_new(consultation_id, now)
    old = placement.relay
    carries = bool(old.channel) and old.seen_at > now - LIVE_FOR
    if carries and not old.empties:
        return old
    if not carries and (old.move_at is None or old.move_at > now):
        return None
    chosen = _least_loaded(now, people=len(placement.peers), running=bool(placement.peers))
    if chosen is None:
        return old if carries else None
    _move(placement, chosen, now)
    return live(now).filter(placements__consultation_id=consultation_id).first()


def _place_new(consultation_id: int, now: datetime) -> Relay | None:
    chosen = _least_loaded(now, people=1, running=False)
    if chosen is None:
        if live(now).exists():
            words = _("The media relay is full. Try again in a few minutes, or tell the scheduler.")
            raise Refusal("relay_full", words)
        return None
    _placement, made = Placement.objects.get_or_create(consultation_id=consultation_id, defaults={"relay": chosen})
    if made:
        _count(chosen, 1)
    return live(now).filter(placements__consultation_id=consultation_id).first()


def _move(placement: Placement, chosen: Relay, now: datetime) -> None:
    """To `chosen`, unless somebody moved it first."""
    peers = [{**peer, "moving": True} for peer in placement.peers]
    fields = {"relay": chosen, "former": placement.relay, "peers": peers, "tracks": [], "at": now}
    if Placement.objects.filter(pk=placement.pk, relay=placement.relay_id).update(**fields):
        _count(chosen, len(peers))


def _count(relay: Relay, people: int) -> None:
    """Until its next report: rooms placed in the same second spread."""
    Relay.objects.filter(pk=relay.pk).update(rooms=F("rooms") + 1, participants=F("participants") + people)


def _least_loaded(now: datetime, *, people: int, running: bool) -> Relay | None:
    """The relay with room for `people`; a call that is `running` goes to a busy one rather than nowhere."""
    full = Cast(F("participants"), FloatField()) / F("capacity")
    relays = live(now).filter(capacity__gt=0, participants__lte=F("capacity") - max(people, 1))
    relays = relays.filter(draining=False, leaving=False)
    if not running:
        relays = relays.filter(busy=False)
    return relays.annotate(strain=Greatest(F("load"), full)).order_by("busy", "strain", "rooms", "name").first()


def observe(
    *, channel: str, consultation_id: int, peers: Sequence[dict[str, Any]], tracks: Sequence[dict[str, str]]
) -> tuple[set[str], set[str]] | None:
    """Keep who is in the room. Returns the usernames that came and went; None when the room is not that relay's."""
    with transaction.atomic():
        placement = _locked(consultation_id).filter(relay__channel=channel).first()
        if placement is None:
            return None
        before = {peer["peer"]: peer for peer in placement.peers}
        now = timezone.now().isoformat()
        here = [{**peer, "since": before.get(peer["peer"], {}).get("since", now)} for peer in peers]
        arrived = {peer["peer"] for peer in here}
        to_come = [peer for peer in _moving(placement.peers) if peer["peer"] not in arrived]
        return _keep(placement, [*here, *to_come], list(tracks))


def people(consultation_id: int) -> set[str]:
    """Usernames of those a relay has in the room."""
    peers, _tracks = presence(consultation_id)
    return {peer["username"] for peer in peers}


def move_over(consultation_id: int) -> set[str]:
    """Who has not come to the new relay by now has left: their usernames."""
    with transaction.atomic():
        placement = _locked(consultation_id).first()
        if placement is None:
            return set()
        here = [peer for peer in placement.peers if not peer.get("moving")]
        return _keep(placement, here, placement.tracks)[1]


def _locked(consultation_id: int) -> QuerySet[Placement]:
    return Placement.objects.select_for_update(of=("self",)).filter(consultation_id=consultation_id)


def _keep(placement: Placement, peers: list[dict[str, Any]], tracks: list[Any]) -> tuple[set[str], set[str]]:
    were, are = ({peer["username"] for peer in known} for known in (placement.peers, peers))
    placement.peers, placement.tracks = peers, tracks
    placement.save(update_fields=["peers", "tracks"])
    return are - were, were - are


def _moving(peers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [peer for peer in peers if peer.get("moving")]


def presence(consultation_id: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Peers and tracks of the room as its relay last told."""
    row = Placement.objects.filter(consultation_id=consultation_id).values_list("peers", "tracks").first()
    return row or ([], [])


def lives_on(consultation_id: int, channel: str) -> bool:
    """Whether the room is placed on the relay of this link."""
    return Placement.objects.filter(consultation_id=consultation_id, relay__channel=channel).exists()


def peers_on(consultation_id: int, channel: str) -> list[dict[str, Any]]:
    """Peers of the room while it lives on the relay of this link."""
    row = Placement.objects.filter(consultation_id=consultation_id, relay__channel=channel)
    return next(iter(row.values_list("peers", flat=True)), [])


def placed_elsewhere(consultations: Collection[int], channel: str) -> list[int]:
    """Those of `consultations` to end on the relay of this link: they live elsewhere, and have had the time to move."""
    here = Q(relay__channel=channel) | Q(former__channel=channel, at__gt=timezone.now() - MOVE_WITHIN)
    kept = set(_consultations(Placement.objects.filter(here, consultation_id__in=list(consultations))))
    return [pk for pk in consultations if pk not in kept]
