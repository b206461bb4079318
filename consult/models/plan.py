"""What is planned: repeating rules, single changes, leave. Nothing here is a shift before it is published."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.models.person import Role
from consult.models.roster import Shift


class Rule(models.Model):
    """A shift that repeats. Times are wall times of the site's zone, kept over a change of clocks.

    `rrule` is the value of an RRULE (RFC 5545 section 3.3.10) without end; it begins on `first`, `last` is included.
    """

    class Holidays(models.TextChoices):
        USUAL = "usual", _("As usual")
        NOT = "not", _("Not on public holidays")
        ONLY = "only", _("Only on public holidays")
        WORKDAYS = "workdays", _("Only on working days, moved workdays included")
        FREE = "free", _("Only on free days: weekends and public holidays")

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="rules")
    level = models.CharField(max_length=8, choices=Shift.Level.choices, default=Shift.Level.DUTY)
    rrule = models.CharField(max_length=80)
    first = models.DateField()
    last = models.DateField(null=True, blank=True)
    starts = models.TimeField()
    minutes = models.PositiveSmallIntegerField(help_text="length by the wall clock")
    holidays = models.CharField(max_length=8, choices=Holidays.choices, default=Holidays.USUAL)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["role_id", "starts", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(last=None) | Q(first__lte=F("last")), name="rule_days_in_order"),
            models.CheckConstraint(condition=Q(minutes__gte=1, minutes__lte=1440), name="rule_lasts_a_day_at_most"),
        ]

    def __str__(self) -> str:
        return f"rule {self.pk}"


class Change(models.Model):
    """A single exception. Of a rule: what it gives on `day` falls away (no `role`) or is replaced by this.

    Without a rule it is extra.
    """

    rule = models.ForeignKey(Rule, null=True, on_delete=models.CASCADE, related_name="changes")
    day = models.DateField(null=True, help_text="of the rule, that falls away or is replaced")
    role = models.ForeignKey(Role, null=True, on_delete=models.PROTECT, related_name="changes")
    on = models.DateField(null=True)
    level = models.CharField(max_length=8, choices=Shift.Level.choices, default=Shift.Level.DUTY)
    starts = models.TimeField(null=True)
    minutes = models.PositiveSmallIntegerField(null=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["on", "starts", "id"]
        indexes = [models.Index(fields=["role", "on"])]
        constraints = [
            models.UniqueConstraint(fields=["rule", "day"], name="change_once_a_day"),
            models.CheckConstraint(
                condition=Q(rule__isnull=True, day__isnull=True, role__isnull=False)
                | Q(rule__isnull=False, day__isnull=False),
                name="change_of_a_day_or_extra",
            ),
            models.CheckConstraint(
                condition=Q(role__isnull=True, on__isnull=True, starts__isnull=True, minutes__isnull=True)
                | Q(role__isnull=False, on__isnull=False, starts__isnull=False, minutes__gte=1, minutes__lte=1440),
                name="change_is_whole_or_off",
            ),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}"


class Leave(models.Model):
    """Days on which a person is not there, both included. The reason is read by the schedulers only."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="leaves")
    first = models.DateField()
    last = models.DateField()
    reason = models.CharField(max_length=120)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["first", "id"]
        indexes = [models.Index(fields=["person", "last"])]
        constraints = [models.CheckConstraint(condition=Q(first__lte=F("last")), name="leave_days_in_order")]

    def __str__(self) -> str:
        return f"leave {self.pk}"
