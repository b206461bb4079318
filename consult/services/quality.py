"""How good a call was: sums that pages and relays tell again and again; the newest count. Everything may come twice."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed
from consult.models import CallQuality, Consultation, User
from consult.policies import quality as policies
from consult.services import relay

MOST = 200
"""Pages of one person in one consultation that are kept: each reload is one."""


@transaction.atomic
def note(*, consultation: Consultation, by: User, session: str, figures: Mapping[str, float]) -> None:
    """The page's own sums since it joined. Older sums than those kept change nothing."""
    if not policies.may_note_quality(by, consultation):
        raise NotAllowed("not_taking_part", _("The call is only for those who take part, and only while it is open."))
    row = _row(consultation.pk, by, session)
    if row is None:
        raise Conflict("too_many", _("Too much at once. Wait a moment."))
    newer = CallQuality.objects.filter(pk=row.pk, seconds__lte=figures["seconds"])
    newer.update(**figures, seen_at=timezone.now())


@transaction.atomic
def heard(*, channel: str, consultation_id: int, peers: Sequence[Mapping[str, Any]]) -> None:
    """What the relay on link `channel` sees of the pages in its room. Other relays' words do not count."""
    present = {peer["peer"]: peer["username"] for peer in relay.peers_on(consultation_id, channel)}
    people = {user.get_username(): user for user in User.objects.filter(username__in=present.values())}
    for told in peers:
        person = people.get(present.get(told["peer"], ""))
        row = _row(consultation_id, person, told["peer"]) if person else None
        if row is None:
            continue
        CallQuality.objects.filter(pk=row.pk).update(
            relay_packets=told["packets"],
            relay_lost=told["lost"],
            relay_jitter_ms=told["jitter"],
            relay_trip_ms=told["trip"] or None,
            seen_at=timezone.now(),
        )


def _row(consultation_id: int, person: User, session: str) -> CallQuality | None:
    """The row of that page; None when this person has too many."""
    known = CallQuality.objects.filter(consultation_id=consultation_id, person=person)
    row = known.filter(session=session).first()
    if row is None and known.count() < MOST:
        row, _new = CallQuality.objects.get_or_create(
            consultation_id=consultation_id, person=person, session=session, defaults={"seen_at": timezone.now()}
        )
    return row
