"""The words given with a move: why it was declined, returned, called off. Nothing edits them."""

from django.conf import settings
from django.db import models

from consult.models.consultation import Consultation


class MoveReason(models.Model):
    consultation = models.ForeignKey(Consultation, on_delete=models.CASCADE, related_name="reasons")
    move = models.CharField(max_length=20, help_text="name in states.MOVES")
    words = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    hospital = models.ForeignKey(
        "consult.Hospital", null=True, on_delete=models.PROTECT, related_name="+", help_text="asked at that moment"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["move", "at"], name="reasons_of_a_move")]

    def __str__(self) -> str:
        return f"{self.move} of {self.consultation_id}"
