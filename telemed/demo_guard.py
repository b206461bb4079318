"""How long the demo's calls took: as long as such calls take, but for one that the sham guard asks about."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from consult.models import Consultation
from consult.services import guard

FLAGGED = "卫巧玲"
USUAL, SHORT = timedelta(minutes=18), timedelta(seconds=50)
BEFORE = timedelta(minutes=40)
"""Between the request and the call."""


def as_long_as(thing: Consultation, took: timedelta) -> None:
    """The call that runs began `took` ago, and what led to it before."""
    moved = {name: F(name) - took - BEFORE for name in ("submitted_at", "offered_at", "accepted_at")}
    Consultation.objects.filter(pk=thing.pk).update(session_started_at=timezone.now() - took, **moved)
    thing.refresh_from_db()


def fill() -> None:
    """The rules look at every consultation that was signed."""
    for pk in Consultation.objects.filter(signed_at__isnull=False).order_by("pk").values_list("pk", flat=True):
        guard.look(consultation=pk)
