"""What a person has to be told. Rows are the truth; the inbox socket only rings."""

from django.conf import settings
from django.db import models

from consult.models.consultation import Consultation


class Notification(models.Model):
    """`id` is the person's sequence number on the inbox socket. `kind` names a text in consult/notify/texts.py."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    consultation = models.ForeignKey(Consultation, null=True, on_delete=models.CASCADE, related_name="notifications")
    referral = models.ForeignKey(
        "consult.Referral", null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    key = models.CharField(max_length=120, help_text="the same news is told once")
    at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["person", "seen_at"])]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="notification_once")]

    def __str__(self) -> str:
        return f"notification {self.pk}"
