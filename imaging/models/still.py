"""A still that one person in a call asked of another's camera: who asked, whose camera, what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Still(models.Model):
    """The page of `of` takes the picture at its camera and sends it like any file; `image` is what arrived."""

    class Source(models.TextChoices):
        CAMERA = "camera", _("Camera")
        DOCUMENT = "document", _("Document camera")
        ULTRASOUND = "ultrasound", _("Ultrasound")
        DERMATOSCOPE = "dermatoscope", _("Dermatoscope")
        OTHER = "other", _("Second camera")

    class State(models.TextChoices):
        ASKED = "asked", _("Asked for")
        TAKEN = "taken", _("Arrived")
        FAILED = "failed", _("Not taken")

    class Reason(models.TextChoices):
        OFF = "off", _("The camera is off.")
        BROKEN = "broken", _("The camera gave no picture.")
        NOT_SENT = "not_sent", _("The picture could not be sent.")

    consultation = models.ForeignKey("consult.Consultation", on_delete=models.PROTECT, related_name="stills")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    of = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=12, choices=Source.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    image = models.ForeignKey(
        "imaging.Image", null=True, blank=True, on_delete=models.PROTECT, related_name="stills", help_text="when taken"
    )
    at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True, help_text="when its last byte arrived")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="taken", image__isnull=False, taken_at__isnull=False)
                | (~Q(state="taken") & Q(image=None, taken_at=None)),
                name="still_taken_has_image",
            ),
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(reason="")) | (~Q(state="failed") & Q(reason="")),
                name="still_failed_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"still {self.pk}"
