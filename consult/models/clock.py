"""The clocks of the workflow: the table they are computed from, versioned, and each one that ran."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation, Urgency


class ClockTable(models.Model):
    """One version of the table; the highest number counts. `spans`: step -> urgency -> [amount, unit], or null."""

    class Unit(models.TextChoices):
        MINUTES = "minutes", _("minutes")
        HOURS = "hours", _("hours")
        WORKDAYS = "workdays", _("working days")

    number = models.PositiveIntegerField(unique=True)
    spans = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", help_text="null: the start"
    )

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"clock table {self.number}"


class Clock(models.Model):
    """What one step was given, and took. Computed at its start; only a pause moves `due_at`, by its length."""

    class Step(models.TextChoices):
        TRIAGE = "triage", _("Triage")
        ACCEPT = "accept", _("Specialist answers the offer")
        SESSION = "session", _("Call held")
        ANSWER = "answer", _("Answer without a call")
        OPINION = "opinion", _("Opinion signed")

    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="clocks")
    step = models.CharField(max_length=10, choices=Step.choices)
    urgency = models.CharField(max_length=10, choices=Urgency.choices)
    table = models.ForeignKey(ClockTable, on_delete=models.PROTECT, related_name="clocks")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True, help_text="stands since then: the asking side is asked for more")
    paused = models.DurationField(default=timedelta(0), help_text="pauses that are over")
    level = models.PositiveSmallIntegerField(default=0, help_text="how far an unanswered offer went up the chain")
    warned_at = models.DateTimeField(null=True, help_text="both sides were told that it is late, once")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["due_at"], name="clock_running", condition=Q(ended_at=None, paused_at=None))]
        constraints = [
            models.UniqueConstraint(fields=["consultation"], name="one_clock_runs", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"clock {self.pk} {self.step}"

    def _end(self) -> datetime:
        return self.ended_at or timezone.now()

    @property
    def stood(self) -> timedelta:
        """Paused in all, the pause that is on included."""
        return self.paused + (self._end() - self.paused_at if self.paused_at else timedelta(0))

    @property
    def took(self) -> timedelta:
        """Without the pauses."""
        return self._end() - self.started_at - self.stood

    @property
    def is_late(self) -> bool:
        return (self.paused_at or self._end()) > self.due_at
