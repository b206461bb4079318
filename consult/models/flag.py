"""Consultations that look as if they were held for show: what a rule found, and what the reviewer says."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation


class Flag(models.Model):
    """One rule that one consultation met. `found` holds numbers only; the words are made when it is read."""

    class Rule(models.TextChoices):
        SHORT_CALL = "short_call", _("Very short call")
        SHORT_TEXT = "short_text", _("Hardly any text in the opinion")
        NO_OPINION = "no_opinion", _("Call without an opinion")
        COPIED = "copied", _("Text of an earlier opinion")
        UNOPENED = "unopened", _("Signed before anything was opened")
        MANY = "many", _("Many opinions in one hour")

    class State(models.TextChoices):
        OPEN = "open", _("To be reviewed")
        CLEARED = "cleared", _("Cleared")
        CONFIRMED = "confirmed", _("Confirmed")

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="flags")
    rule = models.CharField(max_length=12, choices=Rule.choices)
    found = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, db_index=True)
    at = models.DateTimeField(auto_now_add=True)
    words = models.TextField(blank=True, help_text="of the reviewer")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "rule"], name="flag_once"),
            models.CheckConstraint(
                condition=Q(state="open", reviewed_by=None)
                | (~Q(state="open") & ~Q(words="") & Q(reviewed_by__isnull=False, reviewed_at__isnull=False)),
                name="review_has_words",
            ),
        ]

    def __str__(self) -> str:
        return f"flag {self.pk}"
