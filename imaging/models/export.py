"""The images of a consultation on their way out: asked for by one person, made by the worker, gone after a day."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.models.refusal import sentence


class Export(models.Model):
    """`path` is there while READY. Rows stay: who took what out of the site, and what for."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Not made")
        REMOVED = "removed", _("Removed")

    class Purpose(models.TextChoices):
        TREATMENT = "treatment", _("Treatment of this patient")
        PATIENT = "patient", _("Asked for by the patient")
        TEACHING = "teaching", _("Teaching")
        RESEARCH = "research", _("Research")
        LEGAL = "legal", _("Authority or court")

    class Kind(models.TextChoices):
        WHOLE = "whole", _("With the patient's name")
        CLEANED = "cleaned", _("De-identified")

    consultation = models.ForeignKey("consult.Consultation", on_delete=models.PROTECT, related_name="exports")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.WHOLE)
    checked = models.JSONField(
        default=list, blank=True, help_text="images in whose pixels nobody is named: a person saw"
    )
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    language = models.CharField(max_length=10, help_text="of the words beside marks")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=24, blank=True, help_text="a code of Reason, when failed")
    token = models.CharField(max_length=43, unique=True, help_text="random; the only name of its folder")
    total = models.PositiveIntegerField(default=0, help_text="files to take")
    done = models.PositiveIntegerField(default=0, help_text="files taken so far")
    made = models.JSONField(default=dict, blank=True, help_text="objects made beside the images, by modality")
    missing = models.PositiveIntegerField(default=0, help_text="what these headers did not allow")
    size = models.PositiveBigIntegerField(default=0, help_text="bytes, when ready")
    at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(reason="")) | (~Q(state="failed") & Q(reason="")),
                name="export_failed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(ready_at__isnull=False, removed_at=None), name="export_ready_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "exports" / self.token

    @property
    def path(self) -> Path:
        return self.folder / "study.zip"

    @property
    def reason_words(self) -> str:
        return sentence(self.reason) if self.reason else ""

    @property
    def is_busy(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)
