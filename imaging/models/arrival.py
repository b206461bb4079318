"""What a hospital's own devices push in over the DICOM network, until a consultation has it."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.models.device import Device
from imaging.models.refusal import sentence


class Arrival(models.Model):
    """One instance from a device. Its file is `path` until an image of a consultation has it, or nobody wants it."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received, not read yet")
        WAITING = "waiting", _("Waiting for a consultation")
        PLACED = "placed", _("In a consultation")
        REFUSED = "refused", _("Cannot be read")
        DISCARDED = "discarded", _("Discarded")

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="arrivals")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    reason = models.CharField(max_length=24, blank=True, help_text="a code of Reason, when refused")
    token = models.CharField(max_length=43, unique=True, help_text="random; the only name of the file")
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="hex")
    at = models.DateTimeField(auto_now_add=True)

    sop_uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64, blank=True)
    study_uid = models.CharField(max_length=64, blank=True, db_index=True)
    modality = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=120, blank=True)
    taken_on = models.CharField(max_length=8, blank=True, help_text="YYYYMMDD as the file says")
    accession = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=120, blank=True)
    patient_id = models.CharField(max_length=64, blank=True)
    patient_sex = models.CharField(max_length=8, blank=True)
    patient_birth = models.DateField(null=True, blank=True)

    image = models.ForeignKey(
        "imaging.Image",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="arrivals",
        help_text="when placed",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="who placed or discarded it; none when it found its consultation by itself",
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["device", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "sha256"],
                name="arrival_file_once",
                condition=Q(state__in=["received", "waiting", "refused"]),
            ),
            models.CheckConstraint(
                condition=Q(state="placed", image__isnull=False) | (~Q(state="placed") & Q(image=None)),
                name="arrival_placed_has_image",
            ),
            models.CheckConstraint(
                condition=Q(state="refused") & ~Q(reason="")
                | ~Q(state="refused") & Q(reason="")
                | Q(state="discarded"),
                name="arrival_refused_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"arrival {self.pk}"

    @property
    def path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "arrivals" / self.token

    @property
    def reason_words(self) -> str:
        return sentence(self.reason) if self.reason else ""
