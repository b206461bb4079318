"""One file of a consultation: what it is, where its bytes are, whether it may be shown."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from imaging.models.refusal import sentence


class ImageQuerySet(models.QuerySet["Image"]):
    def kept(self) -> "ImageQuerySet":
        """Whose bytes are stored and count."""
        return self.exclude(state__in=[Image.State.WITHDRAWN, Image.State.UNPACKED])


class Image(models.Model):
    """`folder` below MEDIA_ROOT is a random name and holds `original` (byte for byte) and what was made of it."""

    class Kind(models.TextChoices):
        PHOTO = "photo", _("Photo")
        DICOM = "dicom", _("DICOM image")
        DOCUMENT = "document", _("Document")
        ECG = "ecg", _("Electrocardiogram")
        SLIDE = "slide", _("Pathology slide")
        ARCHIVE = "archive", _("Archive")

    class State(models.TextChoices):
        RECEIVED = "received", _("Received, waiting to be prepared")
        PROCESSING = "processing", _("Being prepared")
        READY = "ready", _("Ready")
        HELD = "held", _("Held: another patient in the file")
        REFUSED = "refused", _("Not accepted")
        UNPACKED = "unpacked", _("Unpacked: its files are here, it is not")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    consultation = models.ForeignKey("consult.Consultation", on_delete=models.PROTECT, related_name="images")
    kind = models.CharField(max_length=8, choices=Kind.choices, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    reason = models.CharField(max_length=24, blank=True, help_text="a code of Reason, when refused")
    name = models.CharField(max_length=160, help_text="the sender's file name, cleaned for display only")
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="of the original, hex")
    mime = models.CharField(max_length=40, blank=True)
    folder = models.CharField(max_length=64, unique=True)
    archive = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="members", help_text="the zip it came in"
    )
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    frames = models.PositiveIntegerField(default=0)
    modality = models.CharField(max_length=16, blank=True)
    sop_uid = models.CharField(max_length=64, blank=True)
    series_uid = models.CharField(max_length=64, blank=True, db_index=True)
    study_uid = models.CharField(max_length=64, blank=True)
    series_number = models.IntegerField(null=True, blank=True)
    instance_number = models.IntegerField(null=True, blank=True)
    description = models.CharField(max_length=120, blank=True)
    laterality = models.CharField(max_length=2, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="the header and the layout of frames.raw")

    patient_name = models.CharField(max_length=120, blank=True, help_text="as the file says")
    patient_id = models.CharField(max_length=64, blank=True)
    patient_sex = models.CharField(max_length=8, blank=True)
    patient_birth = models.DateField(null=True, blank=True)
    differs = models.JSONField(default=list, blank=True, help_text="what in the file differs from our patient")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["series_number", "series_uid", "instance_number", "id"]
        indexes = [models.Index(fields=["consultation", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "sha256"],
                name="image_file_once",
                condition=~Q(state__in=["withdrawn", "unpacked"]),
            ),
            models.CheckConstraint(
                condition=(Q(state="refused") & ~Q(reason=""))
                | (~Q(state="refused") & Q(reason=""))
                | Q(state="withdrawn"),
                name="refused_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="image_confirmed_by_and_at",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_by__isnull=True, withdrawn_at__isnull=True)
                | Q(withdrawn_by__isnull=False, withdrawn_at__isnull=False),
                name="image_withdrawn_by_and_at",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["ready", "held"])
                | Q(frames__gt=0, width__gt=0, height__gt=0)
                | Q(kind="dicom", frames=1, width=0, height=0),  # a report
                name="shown_has_pixels_or_words",
            ),
        ]

    def __str__(self) -> str:
        return f"image {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.pk])

    @property
    def path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "images" / self.folder

    @property
    def original(self) -> Path:
        return self.path / "original"

    @property
    def reason_words(self) -> str:
        return sentence(self.reason) if self.reason else ""

    @property
    def has_pages(self) -> bool:
        """A document: each frame is the picture of a page."""
        return "pages" in self.facts

    @property
    def has_report(self) -> bool:
        """A structured report: text in place of a picture."""
        return "report" in self.facts

    @property
    def has_tiles(self) -> bool:
        """A whole slide: cut to tiles in one packed file (imaging/raster/tiles.py)."""
        return "tiles" in self.facts

    @property
    def has_pixels(self) -> bool:
        """Frames are arrays of values (frames.raw): a DICOM image."""
        return "dtype" in self.facts

    @property
    def is_busy(self) -> bool:
        return self.state in (self.State.RECEIVED, self.State.PROCESSING)
