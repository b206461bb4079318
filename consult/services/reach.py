"""How a person is reached: what they chose, their browsers, and a test of each way that says what happened."""

from datetime import time

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Delivery, PushSubscription, Reach, User
from consult.notify import webpush
from consult.notify.posting import Undelivered
from consult.policies import alert as policies
from consult.services import alert, audit

MOST_BROWSERS = 10


@transaction.atomic
def choose(
    *,
    by: User,
    sound: bool,
    push: bool,
    email: bool,
    sms: bool,
    quiet_from: time | None,
    quiet_until: time | None,
    phone: str,
    address: str,
) -> Reach:
    """Keep what a person chose for themselves, with the address and the number it goes to."""
    if (quiet_from is None) != (quiet_until is None):
        raise Refusal("quiet_half", _("Quiet hours need a beginning and an end."), field="quiet_until")
    chosen = {"sound": sound, "push": push, "email": email, "sms": sms}
    hours = {"quiet_from": quiet_from, "quiet_until": quiet_until}
    row, _made = Reach.objects.update_or_create(person=by, defaults={**chosen, **hours})
    if (by.phone, by.email) != (phone, address):
        by.phone, by.email = phone, address
        by.save(update_fields=["phone", "email"])
    audit.record(by=by, action="reach.choose", thing=row, detail=chosen)
    return row


@transaction.atomic
def allow_browser(*, by: User, endpoint: str, point: str, auth: str, name: str) -> PushSubscription:
    """This browser may be woken. The same browser again, also of another person, is that of who allows it now."""
    try:
        is_key = len(webpush.raw(point)) == 65 and len(webpush.raw(auth)) == 16
    except ValueError:
        is_key = False
    if not is_key or len(endpoint) > 500 or not alert.is_push_service(endpoint):
        raise Refusal("push_unknown", _("This browser's push service is not one that the site may use."))
    own = policies.own_subscriptions(by).exclude(endpoint=endpoint)
    if own.count() >= MOST_BROWSERS:
        raise Refusal("push_many", _("Ten browsers are the most. Sign one off first."))
    values = {"person": by, "point": point, "auth": auth, "name": name[:80], "gone_at": None}
    row, _made = PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=values)
    audit.record(by=by, action="reach.allow_browser", thing=row)
    return row


@transaction.atomic
def sign_off_browser(*, subscription: PushSubscription, by: User) -> None:
    """It is woken no more."""
    if subscription.person_id != by.pk:
        raise NotAllowed("not_yours", _("This is another person's browser."))
    PushSubscription.objects.filter(pk=subscription.pk, gone_at=None).update(gone_at=timezone.now())
    audit.record(by=by, action="reach.sign_off_browser", thing=subscription)


def test(*, by: User, channel: str) -> tuple[bool, str]:
    """Send a message to oneself by one way, now: whether it was taken, and in words what happened."""
    if not policies.is_set_up(channel):
        return False, _("The site is not set up for this. Ask who runs it.")
    targets: list[PushSubscription | None] = [None]
    if channel == Delivery.Channel.PUSH:
        targets = list(policies.own_subscriptions(by))
        if not targets:
            return False, _("No browser is allowed yet. Press “Allow this browser” first.")
    elif not (by.email if channel == Delivery.Channel.EMAIL else by.phone):
        return False, _("There is no address yet. Fill it in and keep it first.")
    words = _("This is a test. An alert would reach you like this.")
    number = f"test-{by.pk}-{timezone.now():%H%M%S}"
    troubles = []
    for target in targets:
        try:
            alert.bring(channel, by, words, reverse("reach"), number=number, subscription=target)
        except Undelivered as why:
            troubles.append(str(why))
    audit.record(by=by, action="reach.test", thing=by, detail={"channel": channel, "failed": len(troubles)})
    if troubles:
        return False, _("It was not taken: %(why)s.") % {"why": ", ".join(sorted(set(troubles)))}
    return True, _("It was taken and is on its way to you.")
