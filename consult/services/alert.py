"""Alerts until acknowledged: raised with the news, shown by open pages, brought by other ways, stopped when settled.

What leaves the site is the sentence of the bell: the number of the consultation at most, never a word of the patient.
"""

import logging
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from consult import events
from consult.models import Alert, Consultation, Delivery, Notification, PushSubscription, User
from consult.notify import sms, texts, webpush
from consult.notify.posting import Undelivered
from consult.policies import alert as policies
from consult.policies.alerting import RULES, WAIT
from consult.services import audience, audit, outbox

logger = logging.getLogger(__name__)
MOST = 6
"""Tries of one delivery, 10, 20, 40 ... seconds apart."""
EMERGENCY = "emergency"


def raise_for(rows: list[Notification]) -> None:
    """In the transaction that tells them: an alert for each news that must be acknowledged and still matters."""
    for row in rows:
        rule, thing = RULES.get(row.kind), row.consultation
        if rule is None or thing is None or thing.state not in rule.while_in:
            continue
        if rule.side and row.person_id not in _side(thing, rule.side):
            continue
        if rule.named and row.person_id != thing.expert_id:
            continue
        rings = rule.rings and thing.urgency == EMERGENCY
        values = {"urgency": thing.urgency, "rings": rings}
        alert, is_new = Alert.objects.get_or_create(notification=row, defaults=values)
        if is_new:
            _send_later(alert, row.person)


def _side(consultation: Consultation, side: str) -> set[int]:
    sides = {"asking": audience.askers, "answering": audience.answering, "desk": audience.schedulers}
    return sides[side](consultation)


def _send_later(alert: Alert, person: User) -> None:
    now = timezone.now()
    reach = policies.reach_of(person)
    for channel in policies.ways(person, reach):
        wait = WAIT[channel].get(alert.urgency)
        if wait is None:
            continue
        due = now + wait
        if alert.urgency != EMERGENCY:
            due = policies.quiet_until(reach, due) or due
        targets = list(policies.own_subscriptions(person)) if channel == Delivery.Channel.PUSH else [None]
        for target in targets:
            row = Delivery.objects.create(alert=alert, channel=channel, subscription=target, due_at=due)
            outbox.later(kind="alert.send", payload={"delivery": row.pk}, due_at=due, key=f"send.{row.pk}")


@outbox.handles("alert.send", atomic=False, lease=timedelta(seconds=60))
def send(delivery: int) -> None:
    """Try one way once. It may run twice: a person is rather told twice than not at all."""
    related = ("alert__notification__person", "alert__notification__consultation", "subscription")
    row = Delivery.objects.select_related(*related).get(pk=delivery)
    if row.sent_at or row.failed_at or row.dropped_at:
        return
    row.tried_at = timezone.now()
    if row.alert.acknowledged_at or row.alert.stopped_at:
        row.dropped_at = row.tried_at
        row.save(update_fields=["dropped_at"])
        return
    row.attempts += 1
    try:
        _bring(row)
    except Undelivered as why:
        _again(row, why)
    else:
        row.sent_at, row.error = timezone.now(), ""
    row.save(update_fields=["tried_at", "attempts", "sent_at", "failed_at", "error"])


def _again(row: Delivery, why: Undelivered) -> None:
    row.error = str(why)[:200]
    logger.warning("alert %s not delivered by %s, try %s: %s", row.alert_id, row.channel, row.attempts, row.error)
    if why.is_final or row.attempts >= MOST:
        row.failed_at = timezone.now()
    else:
        due = timezone.now() + timedelta(seconds=5 * 2**row.attempts)
        outbox.later(kind="alert.send", payload={"delivery": row.pk}, due_at=due, key=f"send.{row.pk}")


def _bring(row: Delivery) -> None:
    news = row.alert.notification
    with translation.override(news.person.language or settings.LANGUAGE_CODE):
        words = texts.text(news.kind, str(news.consultation))
        path = news.consultation.get_absolute_url() if news.consultation else reverse("home")
        bring(row.channel, news.person, words, path, number=f"alert-{row.pk}", subscription=row.subscription)


def bring(
    channel: str, person: User, words: str, path: str, *, number: str, subscription: PushSubscription | None = None
) -> None:
    """One message by one way, now. Raises Undelivered."""
    if channel == Delivery.Channel.PUSH:
        if subscription is None or subscription.gone_at:
            raise Undelivered("this browser was signed off", is_final=True)
        _push(subscription, {"title": str(_("Teleconsultation")), "body": words, "url": path, "tag": number})
    elif channel == Delivery.Channel.EMAIL:
        _mail(person, words)
    else:
        sms.send(settings.SMS_HOOK_URL, settings.SMS_HOOK_SECRET, number=number, to=person.phone, text=words)


def _push(target: PushSubscription, message: dict[str, str]) -> None:
    secret, contact = settings.VAPID_SECRET, settings.PUSH_CONTACT
    if not is_push_service(target.endpoint):
        raise Undelivered("not a push service of PUSH_HOSTS", is_final=True)
    try:
        webpush.send(target.endpoint, target.point, target.auth, message, secret=secret, contact=contact)
    except Undelivered as why:
        if str(why) in {"HTTP 404", "HTTP 410"}:  # RFC 8030 section 7.3: the browser is gone
            PushSubscription.objects.filter(pk=target.pk, gone_at=None).update(gone_at=timezone.now())
        raise


def is_push_service(endpoint: str) -> bool:
    """Whether the site may post there: HTTPS to a host of PUSH_HOSTS, so that no browser names a host of the inside."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    known = any(host == name or host.endswith(f".{name}") for name in settings.PUSH_HOSTS)
    return known and (parts.scheme == "https" or (parts.scheme == "http" and host == "127.0.0.1"))


def _mail(person: User, words: str) -> None:
    body = words + "\n\n" + _("Sign in to see it. This message says nothing about the patient on purpose.")
    try:
        EmailMessage(words, body, settings.EMAIL_FROM, [person.email]).send()
    except OSError as why:  # SMTPException is one
        raise Undelivered(f"mail server: {type(why).__name__}") from None


@transaction.atomic
def acknowledge(*, alert: Alert, by: User, on: str, words: str = "") -> Alert:
    """Its person has taken note, `on` a page of some browser; `words` say why they cannot act now. The first counts."""
    rows = Alert.objects.filter(pk=alert.pk, notification__person=by, acknowledged_at=None)
    if rows.update(acknowledged_at=timezone.now(), acknowledged_on=on[:160], words=words[:200]):
        news = alert.notification
        detail = {"kind": news.kind, "cannot": bool(words)}
        audit.record(by=by, action="alert.acknowledge", thing=alert, consultation=news.consultation_id, detail=detail)
        _ring_pages([by.pk], alert.pk)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def acknowledge_of(*, consultation: Consultation, by: User, on: str) -> None:
    """They opened the consultation: that acknowledges all its alerts."""
    own = Alert.objects.filter(policies.OPEN, notification__person=by, notification__consultation=consultation)
    for alert in own.select_related("notification"):
        acknowledge(alert=alert, by=by, on=on)


def shown(alerts: QuerySet[Alert]) -> None:
    """An open page shows them."""
    alerts.filter(shown_at=None).update(shown_at=timezone.now())


def settle(consultation: Consultation, *, person: int | None = None, kinds: set[str] | None = None) -> None:
    """In the transaction of a move: who no longer has to act is not alerted any more, on any page.

    By the state it led to; or, with `person` or `kinds`, all of that person or of those kinds.
    """
    rows = Alert.objects.filter(policies.OPEN, notification__consultation=consultation)
    if person is not None:
        rows = rows.filter(notification__person=person)
    elif kinds is not None:
        rows = rows.filter(notification__kind__in=kinds)
    else:
        rows = rows.exclude(
            notification__kind__in=[kind for kind, rule in RULES.items() if consultation.state in rule.while_in]
        )
    found = dict(rows.values_list("pk", "notification__person"))
    if found:
        Alert.objects.filter(policies.OPEN, pk__in=found).update(stopped_at=timezone.now())
        _ring_pages(sorted(set(found.values())), max(found))


def _ring_pages(people: list[int], seq: int) -> None:
    events.announce(consultation=None, kind="notification", seq=seq, people=people)
