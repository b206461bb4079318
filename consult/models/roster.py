"""Who is on duty when: the shifts that were published. What is planned and not yet published is not a shift."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from consult.models.person import Role


class Shift(models.Model):
    """One specialist, of one department, on duty while `starts_at <= now < ends_at` (moments, not days)."""

    class Level(models.TextChoices):
        DUTY = "duty", _("On duty")
        ON_CALL = "on_call", _("On call")
        STANDBY = "standby", _("Standby")

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="shifts")
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.DUTY)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [models.Index(fields=["role", "starts_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="shift_ends_after_it_starts"),
            models.UniqueConstraint(fields=["role", "starts_at"], name="shift_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} {self.starts_at:%Y-%m-%d %H:%M}"
