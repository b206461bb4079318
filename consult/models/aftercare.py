"""After the decision: what both sides think of it, the follow-up, and what became of the patient."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.models.consultation import Consultation


class Rating(models.Model):
    """One side's word on the consultation; given once."""

    class Side(models.TextChoices):
        ASKING = "asking", _("Asking side")
        ANSWERING = "answering", _("Answering side")

    class Stars(models.IntegerChoices):
        FIVE = 5, _("5 – very good")
        FOUR = 4, _("4 – good")
        THREE = 3, _("3 – fair")
        TWO = 2, _("2 – poor")
        ONE = 1, _("1 – very poor")

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="ratings")
    side = models.CharField(max_length=10, choices=Side.choices)
    stars = models.PositiveSmallIntegerField(choices=Stars.choices)
    words = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["consultation", "side"], name="one_rating_of_a_side"),
            models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return f"rating {self.pk}"


class FollowUp(models.Model):
    """Something to look at on a day, and what was found."""

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    task = models.CharField(max_length=200)
    found = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
                name="follow_up_done_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"follow-up {self.pk}"


class Outcome(models.Model):
    """What became of it, told to the specialist."""

    class Patient(models.TextChoices):
        RECOVERED = "recovered", _("Recovered")
        IMPROVED = "improved", _("Improved")
        UNCHANGED = "unchanged", _("Unchanged")
        WORSE = "worse", _("Worse")
        DIED = "died", _("Died")
        UNKNOWN = "unknown", _("Not known")

    class Answer(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        OPEN = "open", _("Cannot be said")

    consultation = models.OneToOneField(Consultation, on_delete=models.PROTECT, related_name="outcome")
    changed = models.CharField(max_length=4, choices=Answer.choices, help_text="the diagnosis")
    avoided = models.CharField(max_length=4, choices=Answer.choices, help_text="a transfer")
    patient = models.CharField(max_length=10, choices=Patient.choices)
    words = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"outcome {self.pk}"
