"""What a consultation is found by."""

from django.db import models

from consult.models.consultation import Consultation


class SearchEntry(models.Model):
    """All words of one consultation, patient and people; written anew whenever one of them changes.

    `folded` has a trigram index on PostgreSQL, where that extension may be had.
    """

    consultation = models.OneToOneField(Consultation, primary_key=True, on_delete=models.CASCADE, related_name="entry")
    text = models.TextField()
    folded = models.TextField()

    def __str__(self) -> str:
        return f"words of {self.consultation_id}"
