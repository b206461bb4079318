"""Who is in a room and what they send, as rows tell it; shaped for the room socket."""

from collections.abc import Sequence
from typing import Any

from channels.db import database_sync_to_async
from django.utils import translation

from consult import policies
from consult.models import Consultation, User
from consult.services import relay as relays


@database_sync_to_async
def people(consultation_id: int, language: str) -> list[dict[str, Any]]:
    """Everybody in the room, in order of arrival; names in `language`."""
    peers, _tracks = relays.presence(consultation_id)
    consultation = Consultation.objects.get(pk=consultation_id)
    persons = User.objects.filter(username__in={peer["username"] for peer in peers}).prefetch_related("roles__hospital")
    by_username = {person.username: person for person in persons}
    with translation.override(language):
        rows = [
            _row(peer, by_username[peer["username"]], consultation) for peer in peers if peer["username"] in by_username
        ]
    return sorted(rows, key=lambda row: (str(row["since"]), str(row["session"])))


def _row(peer: dict[str, Any], person: User, consultation: Consultation) -> dict[str, Any]:
    side = policies.side_of(person, consultation)
    hospital = consultation.asked_hospital if side == "answering" else consultation.hospital
    return {
        "username": person.username,
        "name": person.display_name,
        "hospital": str(hospital or ""),
        "side": side,
        "session": peer["peer"],
        "mic": peer["mic"],
        "cam": peer["cam"],
        "screen": peer["screen"],
        "clinical": peer.get("clinical", ""),
        "stethoscope": peer.get("stethoscope", False),
        "paused": peer.get("paused", []),
        "since": peer["since"],
    }


@database_sync_to_async
def tracks(consultation_id: int, without: str) -> list[dict[str, str]]:
    """What others send; `session` is the sender's page."""
    _peers, rows = relays.presence(consultation_id)
    return shape(rows, without)


def shape(rows: Sequence[dict[str, str]], without: str) -> list[dict[str, str]]:
    return [
        {
            "id": row["id"],
            "username": row["username"],
            "session": row["peer"],
            "kind": row["kind"],
            "source": row["source"],
        }
        for row in rows
        if row["peer"] != without
    ]


@database_sync_to_async
def addresses() -> list[str]:
    """Where media go to, for the words to a network desk."""
    return sorted({f"{relay.address} {relay.port}" for relay in relays.live()})
