"""Keys for programs: made and shown once, recognised, revoked."""

import hashlib
import re
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AccessKey, AuditEntry, User
from consult.policies import access_key as policies
from consult.services import audit

PREFIX = "tmk_"
SECRET = re.compile(r"tmk_[A-Za-z0-9_-]{43}")
MOST = 20  # of one person
LONGEST = 365  # days
NOTED_EVERY = timedelta(minutes=10)
WRONG_PASSWORDS = 5
WRONG_WINDOW = timedelta(minutes=15)


class Unknown(Refusal):
    """No such key, or one that is no longer good: which of them is not said."""

    status = 401


def make(*, by: User, name: str, may_read: bool, may_store: bool, days: int, password: str) -> tuple[AccessKey, str]:
    """A new key of `by` and the key itself, which nobody can read again. Lasts `days`, 1 to LONGEST.

    Refusal: `wrong_password`, `locked`, `opens_nothing`, `days`; Conflict: `name_taken`, `too_many`.
    """
    if not policies.may_make_key(by):
        raise NotAllowed("may_not_make_key", _("Only people with a role at a hospital have keys for programs."))
    if not (may_read or may_store):
        raise Refusal("opens_nothing", _("Choose what the program may do."), field="scope")
    if not 1 <= days <= LONGEST:
        raise Refusal("days", _("A key lasts a year at most."), field="days")
    _prove(by, password)
    secret = PREFIX + secrets.token_urlsafe(32)
    key = AccessKey(
        person=by,
        name=name,
        hint=secret[:8],
        digest=_digest(secret),
        may_read=may_read,
        may_store=may_store,
        expires_at=timezone.now() + timedelta(days=days),
    )
    try:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=by.pk)
            if policies.visible_keys(by).count() >= MOST:
                raise Conflict("too_many", _("You have too many keys. Revoke those that are not needed."))
            key.save()
            detail = {"name": name, "read": may_read, "store": may_store, "days": days}
            audit.record(by=by, action="accesskey.make", thing=key, detail=detail)
    except IntegrityError:
        words = _("You have a key of this name. Choose another, or revoke that one.")
        raise Conflict("name_taken", words, field="name") from None
    return key, secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _prove(by: User, password: str) -> None:
    """The owner's password again: who finds an open screen makes no key. Too many wrong ones stop it."""
    action = "accesskey.wrong_password"
    since = timezone.now() - WRONG_WINDOW
    wrong = AuditEntry.objects.filter(actor=by.get_username(), action=action, at__gt=since).count()
    if wrong >= WRONG_PASSWORDS:
        raise Refusal("locked", _("Too many wrong passwords. Wait a quarter of an hour and try again."))
    if not by.check_password(password):
        audit.record(by=by, action=action, thing=by)
        raise Refusal("wrong_password", _("This is not your password. No key was made."), field="password")


def use(*, secret: str, stores: bool) -> User:
    """The owner of a good key, read anew; `stores` says what it is used for.

    Raises Unknown, and NotAllowed `insufficient_scope` (RFC 6750 section 3.1). Noted, in the audit too, once in ten
    minutes.
    """
    found = policies.usable_keys().select_related("person") if SECRET.fullmatch(secret) else AccessKey.objects.none()
    key = found.filter(digest=_digest(secret)).first()
    if key is None:
        raise Unknown("unknown_key", _("This key is unknown, revoked or expired."))
    if not (key.may_store if stores else key.may_read):
        raise NotAllowed("insufficient_scope", _("This key was not made for that."))
    if key.last_used_at is None or key.last_used_at <= timezone.now() - NOTED_EVERY:
        _note_use(key)
    return key.person


@transaction.atomic
def _note_use(key: AccessKey) -> None:
    """Once, also when many requests come with it together; the others wait for no lock."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    if AccessKey.objects.filter(stale, pk=key.pk).update(last_used_at=now):
        audit.record(by=key.person, action="accesskey.use", thing=key, detail={"name": key.name})


@transaction.atomic
def revoke(*, key: AccessKey, by: User) -> None:
    """At once: the next request with it is refused."""
    if not AccessKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now(), revoked_by=by):
        raise Conflict("revoked", _("This key was already revoked."))
    audit.record(by=by, action="accesskey.revoke", thing=key, detail={"name": key.name})
