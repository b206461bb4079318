"""Who has keys for programs. A key opens nothing by itself: what it may see and do is asked of its owner."""

from django.db.models import QuerySet
from django.utils import timezone

from consult.models import AccessKey, User
from consult.policies import person


def visible_keys(user: User) -> QuerySet[AccessKey]:
    """A person's own, but the revoked ones."""
    return AccessKey.objects.filter(person=user, revoked_at=None)


def may_make_key(user: User) -> bool:
    """Whoever has a role; without one a key would open nothing."""
    return bool(person.roles(user))


def usable_keys() -> QuerySet[AccessKey]:
    """Neither revoked nor expired, of people who may still sign in."""
    return AccessKey.objects.filter(revoked_at=None, expires_at__gt=timezone.now(), person__is_active=True)
