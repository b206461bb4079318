"""What a relay tells of a room becomes presence: rows every process reads, and arrivals and departures."""

import logging
from typing import Protocol

from channels.db import database_sync_to_async

from consult.errors import Refusal
from consult.live import linking
from consult.models import Consultation, User
from consult.services import quality, recording, session
from consult.services import relay as relays

log = logging.getLogger("consult.live")


Change = tuple[set[str], set[str]]
"""Usernames that came, and that went."""


class Verb(Protocol):
    def __call__(self, *, consultation: Consultation, by: User) -> object: ...


@database_sync_to_async
def keep(channel: str, consultation_id: int, room: linking.Room) -> Change | None:
    """Keep `room` as the relay on link `channel` told it: who came and who went, to be booked; None when that room is
    not that relay's."""
    paused = room.paused or {}
    peers = [{**peer, "paused": list(paused.get(peer["peer"], ()))} for peer in room.peers]
    return relays.observe(channel=channel, consultation_id=consultation_id, peers=peers, tracks=room.tracks)


@database_sync_to_async
def book(consultation_id: int) -> None:
    """Arrivals and departures, and what follows: from what is kept and what is booked, whatever was cut short."""
    consultation = Consultation.objects.get(pk=consultation_id)
    here, booked = relays.people(consultation_id), session.people(consultation)
    for username in sorted(here - booked):
        _say(session.arrived, consultation, username)
    for username in sorted(booked - here):
        _say(session.departed, consultation, username)
    if here != booked:
        recording.review(consultation=consultation_id)


@database_sync_to_async
def end_move(consultation_id: int) -> None:
    """The room moved to another relay a while ago: who did not come along has departed."""
    consultation = Consultation.objects.get(pk=consultation_id)
    for username in sorted(relays.move_over(consultation_id)):
        _say(session.departed, consultation, username)


@database_sync_to_async
def keep_quality(channel: str, told: linking.Quality) -> None:
    """Keep what the relay on link `channel` saw of the lines in one room."""
    quality.heard(channel=channel, consultation_id=int(told.room), peers=told.peers)


@database_sync_to_async
def interrupt(consultation_id: int) -> None:
    """The relay came back without this room: its people have to arrive again."""
    session.interrupted(consultation=Consultation.objects.get(pk=consultation_id))


def _say(verb: "Verb", consultation: Consultation, username: str) -> None:
    person = User.objects.filter(username=username).first()
    if person is None:
        return
    try:
        verb(consultation=consultation, by=person)
    except Refusal as refusal:  # the workflow moved on; being in the room is no right to change it
        log.info("room %s: presence did not count code=%s", consultation.pk, refusal.code)
