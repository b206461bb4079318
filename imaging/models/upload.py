"""A file on its way in: resumable (tus 1.0), one row and one part file each."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Upload(models.Model):
    """`offset` bytes of `length` are on disk and synced. `token` is random and the only name of the part file."""

    token = models.CharField(max_length=43, unique=True)
    consultation = models.ForeignKey("consult.Consultation", on_delete=models.CASCADE, related_name="uploads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=160)
    sha256 = models.CharField(max_length=64, blank=True, help_text="as the sender computed it, hex")
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField()
    image = models.ForeignKey(
        "imaging.Image", null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="when all arrived"
    )

    still = models.ForeignKey(
        "imaging.Still", null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="that it brings"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="upload_within_length"),
            models.CheckConstraint(condition=Q(length__gt=0), name="upload_not_empty"),
            models.CheckConstraint(condition=Q(image=None) | Q(offset=F("length")), name="upload_whole_has_image"),
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"

    @property
    def part(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "uploads" / f"{self.token}.part"

    @property
    def percent(self) -> int:
        return self.offset * 100 // self.length
