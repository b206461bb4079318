"""The chat kept with the record."""

from django.conf import settings
from django.db import models

from consult.models.consultation import Consultation


class Message(models.Model):
    """`seq` counts from 1 within a consultation without gaps; `token` makes a repeated post harmless."""

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="messages")
    seq = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField(max_length=4000)
    token = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["consultation", "author", "token"], name="message_token_once"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq}"
