"""What a person must acknowledge, each way it was brought to them, and how they want to be reached."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.models.notification import Notification


class Alert(models.Model):
    """One person, one matter. Open until it is acknowledged, or until nobody has to act on it any more."""

    notification = models.OneToOneField(Notification, on_delete=models.CASCADE, primary_key=True, related_name="alert")
    urgency = models.CharField(max_length=10)
    rings = models.BooleanField(default=False, help_text="an open page rings until somebody has answered")
    at = models.DateTimeField(auto_now_add=True)
    shown_at = models.DateTimeField(null=True, help_text="when an open page first showed it")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_on = models.CharField(max_length=160, blank=True, help_text="page and browser")
    words = models.CharField(max_length=200, blank=True, help_text="why they cannot now")
    stopped_at = models.DateTimeField(null=True, help_text="nobody has to act any more")
    unheard_at = models.DateTimeField(null=True, help_text="the schedulers were told that it is not acknowledged")

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"], name="alert_open", condition=Q(acknowledged_at=None, stopped_at=None))]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class PushSubscription(models.Model):
    """One browser that a person allowed to be woken (Push API): where to post, and what only it can read."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=500, unique=True)
    point = models.CharField(max_length=100, help_text="p256dh, base64url")
    auth = models.CharField(max_length=40, help_text="base64url")
    name = models.CharField(max_length=80, help_text="browser and system")
    made_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, help_text="revoked, or the service knows it no more")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"push subscription {self.pk}"


class Delivery(models.Model):
    """One way an alert is brought to its person outside the page, tried until it worked or there is no use."""

    class Channel(models.TextChoices):
        PUSH = "push", _("Browser push")
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("Text message")

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=6, choices=Channel.choices)
    subscription = models.ForeignKey(PushSubscription, null=True, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, help_text="the service took it")
    failed_at = models.DateTimeField(null=True, help_text="given up")
    dropped_at = models.DateTimeField(null=True, help_text="acknowledged before it was due")
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "channel"], name="one_delivery_a_channel", condition=Q(subscription=None)
            ),
            models.UniqueConstraint(fields=["alert", "subscription"], name="one_delivery_a_browser"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Reach(models.Model):
    """How a person wants to be reached; without a row by all that is set up. Emergencies know no quiet hours."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="reach"
    )
    sound = models.BooleanField(default=True)
    push = models.BooleanField(default=True)
    email = models.BooleanField(default=True)
    sms = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True, help_text="in the site's zone; may be after quiet_until")
    quiet_until = models.TimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None) | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_begin_and_end",
            )
        ]

    def __str__(self) -> str:
        return f"reach {self.pk}"
