"""Feeds of one's shifts for calendar programs: an address with a secret, made, fetched, revoked. No patient in it."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from consult.errors import NotAllowed
from consult.models import RosterFeed, Shift, User
from consult.paper import ical
from consult.policies import person
from consult.services import audit

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
PAST = timedelta(days=60)
NOTED_EVERY = timedelta(minutes=10)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make(*, by: User) -> str:
    """The secret of a new address, shown once; the one before is revoked with it."""
    if not person.is_expert(by):
        raise NotAllowed("not_expert", _("Only specialists have a roster of their own."))
    User.objects.select_for_update().get(pk=by.pk)
    RosterFeed.objects.filter(person=by, revoked_at=None).update(revoked_at=timezone.now())
    secret = secrets.token_urlsafe(32)
    feed = RosterFeed.objects.create(person=by, digest=_digest(secret))
    audit.record(by=by, action="rosterfeed.make", thing=feed)
    return secret


@transaction.atomic
def revoke(*, by: User) -> None:
    """At once; doing it twice does nothing more."""
    feed = RosterFeed.objects.filter(person=by, revoked_at=None).first()
    if feed and RosterFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(by=by, action="rosterfeed.revoke", thing=feed)


def fetch(*, secret: str) -> bytes | None:
    """The calendar under this address; None when it is unknown, revoked, or its person is not active any more."""
    if not SECRET.fullmatch(secret):
        return None
    feeds = RosterFeed.objects.select_related("person").filter(person__is_active=True)
    feed = feeds.filter(digest=_digest(secret), revoked_at=None).first()
    if feed is None:
        return None
    now = timezone.now()
    _note_use(feed, now)
    with translation.override(feed.person.language or "zh-hans"):
        return _calendar(feed.person, now)


@transaction.atomic
def _note_use(feed: RosterFeed, now: datetime) -> None:
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    if RosterFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=now):
        audit.record(by=feed.person, action="rosterfeed.use", thing=feed)


def _calendar(who: User, now: datetime) -> bytes:
    rows = Shift.objects.filter(role__person=who, ends_at__gt=now - PAST)
    events = [
        ical.Event(
            uid=f"shift-{shift.pk}@telemed",
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            summary=f"{Shift.Level(shift.level).label} · {shift.role.department}",
            location=str(shift.role.hospital),
            is_busy=shift.level == Shift.Level.DUTY,
        )
        for shift in rows.select_related("role__department", "role__hospital")
    ]
    return ical.calendar(_("Roster of %(name)s") % {"name": who.display_name}, events, now)
