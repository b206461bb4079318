"""Alerts: whose they are, by what ways a person is reached, when that is quiet. Deny unless a line says yes."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from consult.models import Alert, Delivery, PushSubscription, Reach, User
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person

OPEN = Q(acknowledged_at=None, stopped_at=None)


def own_alerts(user: Person) -> QuerySet[Alert]:
    """What this person was alerted of and may still see, newest first."""
    seen = consultations.visible_consultations(user)
    rows = Alert.objects.filter(notification__person_id=user.pk)
    return rows.filter(Q(notification__consultation=None) | Q(notification__consultation__in=seen))


def own_subscriptions(user: Person) -> QuerySet[PushSubscription]:
    return PushSubscription.objects.filter(person_id=user.pk, gone_at=None)


def may_see_unreached(user: Person) -> bool:
    """Who looks after alerts that reached nobody."""
    return person.is_scheduler(user)


def unreached(user: Person) -> QuerySet[Alert]:
    """Alerts of consultations this scheduler looks after that no page showed and no way delivered, or a way failed.

    Those younger than a minute may still be on their way.
    """
    if not may_see_unreached(user):
        return Alert.objects.none()
    sent = Delivery.objects.filter(sent_at__isnull=False).values("alert")
    failed = Delivery.objects.filter(failed_at__isnull=False).values("alert")
    silent = Q(shown_at=None, acknowledged_at=None) & ~Q(pk__in=sent)
    seen = consultations.visible_consultations(user)
    rows = Alert.objects.filter(silent | Q(pk__in=failed), notification__consultation__in=seen)
    return rows.filter(at__lte=timezone.now() - timedelta(minutes=1)).order_by("-at")


def reach_of(user: User) -> Reach:
    """The person's own, or what counts without one."""
    return Reach.objects.filter(person=user).first() or Reach(person=user)


def is_set_up(channel: str) -> bool:
    """Whether the site can send by it at all."""
    wired = {"push": True, "email": bool(settings.EMAIL_FROM), "sms": bool(settings.SMS_HOOK_URL)}
    return wired[channel]


def ways(user: User, reach: Reach) -> list[str]:
    """Channels outside the page that may be used for this person."""
    has = {"push": True, "email": bool(user.email), "sms": bool(user.phone)}
    return [name for name in Delivery.Channel.values if getattr(reach, name) and has[name] and is_set_up(name)]


def quiet_until(reach: Reach, at: datetime) -> datetime | None:
    """The end of the quiet hours `at` lies in; None when it does not."""
    start, end = reach.quiet_from, reach.quiet_until
    if start is None or end is None or start == end:
        return None
    local = timezone.localtime(at)
    now = local.time()
    inside = start <= now < end if start < end else now >= start or now < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if now >= end else 0)
    return timezone.make_aware(datetime.combine(day, end))
