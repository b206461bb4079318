"""What has been published of a department's plan, and how many have to be there."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from consult.models.hospital import Department


class Cover(models.Model):
    """At least so many on duty or on call in a department, from `starts` to before `ends`, whole hours of the day."""

    class Days(models.TextChoices):
        ALL = "all", _("Every day")
        WORK = "work", _("Working days")
        FREE = "free", _("Free days")

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="covers")
    days = models.CharField(max_length=4, choices=Days.choices, default=Days.ALL)
    starts = models.PositiveSmallIntegerField()
    ends = models.PositiveSmallIntegerField()
    least = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["days", "starts", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends"), ends__lte=24), name="cover_hours_in_order"),
            models.CheckConstraint(condition=Q(least__gte=1), name="cover_wants_somebody"),
        ]

    def __str__(self) -> str:
        return f"cover {self.pk}"


class Publication(models.Model):
    """One publishing of a department's plan, numbered from 1: of two at once only one has the next number."""

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="publications")
    number = models.PositiveIntegerField()
    first = models.DateField()
    last = models.DateField()
    added = models.PositiveIntegerField()
    removed = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["department", "number"], name="publication_once"),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="publication_days_in_order"),
        ]

    def __str__(self) -> str:
        return f"publication {self.number}"
