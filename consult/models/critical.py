"""A finding that cannot wait: told until the asking side has read it back and the specialist says that it is right."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from consult.models.consultation import Consultation
from consult.models.opinion import OpinionVersion


class CriticalFindingQuerySet(models.QuerySet["CriticalFinding"]):
    def open(self) -> "CriticalFindingQuerySet":
        """Not acknowledged, and not replaced by an amendment."""
        return self.filter(confirmed_at=None, replaced=False)

    def unread(self) -> "CriticalFindingQuerySet":
        """Open, and nobody has read it back."""
        return self.open().filter(read_back_at=None)


class CriticalFinding(models.Model):
    """Said with a signed version. `read_back` is what the asking side wrote; the specialist confirms or sends back."""

    version = models.OneToOneField(OpinionVersion, on_delete=models.PROTECT, related_name="critical_finding")
    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="critical_findings")
    words = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    told = models.PositiveIntegerField(default=1, help_text="how often the asking side was told")
    told_at = models.DateTimeField(auto_now_add=True)
    read_back = models.TextField(blank=True)
    read_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    read_back_at = models.DateTimeField(null=True, blank=True)
    sent_back = models.PositiveIntegerField(default=0, help_text="how often the read-back was not right")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    replaced = models.BooleanField(default=False, help_text="an amendment says it anew, or no more")

    objects = CriticalFindingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_at=None) | Q(read_back_at__isnull=False), name="confirmed_was_read_back"
            )
        ]
        indexes = [models.Index(fields=["confirmed_at", "replaced", "told_at"], name="critical_open")]

    def __str__(self) -> str:
        return f"critical finding {self.pk}"
