"""Recordings of calls: who agreed, the logs relays send, and the films cut from them. Media lie in RECORDINGS_ROOT."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.states import RecordingState


class Recording(models.Model):
    """One recording from asking to deletion. Its data key is kept wrapped; to delete it is to destroy the key.

    `token` names its folder. `cut_bytes` is how much of the logs the films were cut from, `cut_share` (0 to 1) how far
    the worker is that cuts them now.
    """

    class StopReason(models.TextChoices):
        STOPPED = "stopped", _("Stopped by a participant")
        DECLINED = "declined", _("Somebody did not agree")
        UNANSWERED = "unanswered", _("Not everybody answered")
        WITHDRAWN = "withdrawn", _("A consent was withdrawn")
        ENDED = "ended", _("The session ended")
        EMPTY = "empty", _("Everybody left")
        DISK = "disk", _("The relay's disk was full")

    class Retention(models.TextChoices):
        PROCESS = "process", _("Process record, 3 years")
        OUTPATIENT = "outpatient", _("Outpatient record, 15 years")
        INPATIENT = "inpatient", _("Inpatient record, 30 years")

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    consultation = models.ForeignKey("consult.Consultation", on_delete=models.PROTECT, related_name="recordings")
    state = models.CharField(max_length=8, choices=RecordingState.choices, default=RecordingState.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stop_reason = models.CharField(max_length=10, choices=StopReason.choices, blank=True)
    wrapped_key = models.BinaryField(max_length=80, blank=True)
    key_id = models.CharField(max_length=16, blank=True, help_text="of the RECORDING_KEY that wraps it")
    seconds = models.FloatField(default=0)
    incomplete = models.BooleanField(default=False, help_text="something of it was lost")
    cut_bytes = models.BigIntegerField(default=0)
    cut_share = models.FloatField(default=0)
    retention = models.CharField(max_length=10, choices=Retention.choices, default=Retention.PROCESS)
    delete_on = models.DateField(null=True, blank=True, db_index=True)
    held_at = models.DateTimeField(null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation"],
                condition=Q(state__in=["ASKED", "RUNNING"]),
                name="one_open_recording",
            ),
            models.CheckConstraint(
                condition=Q(held_at=None, held_by=None) | Q(held_at__isnull=False, held_by__isnull=False),
                name="recording_hold_is_a_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"recording {self.pk}"


class RecordingAnswer(models.Model):
    """One person's word on one recording; the newest counts. Append-only."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="answers")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    agrees = models.BooleanField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class RecordingLog(models.Model):
    """What one relay wrote of it over one link. `size` is how much of it is here."""

    class State(models.TextChoices):
        ORDERED = "ordered", "Ordered"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Waiting"
        CLOSED = "closed", "Closed"

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="logs")
    name = models.CharField(max_length=32, unique=True, help_text="random, hexadecimal")
    channel = models.CharField(max_length=120, help_text="of the relay's link it was ordered on")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ORDERED)
    seconds = models.FloatField(default=0, help_text="as the relay counts them")
    resumed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    size = models.BigIntegerField(default=0)
    arrived_at = models.DateTimeField(null=True, blank=True, help_text="all of it is here")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"log {self.pk}"


class RecordingFile(models.Model):
    """A film: one person's picture and sound, or one other source. Seconds are of the recording, `size` in bytes."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="files")
    number = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=20)
    content_type = models.CharField(max_length=20)
    path = models.CharField(max_length=100, help_text="below RECORDINGS_ROOT")
    offset = models.FloatField()
    seconds = models.FloatField()
    size = models.BigIntegerField()
    has_video = models.BooleanField()
    has_sound = models.BooleanField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="recording_file_once")]

    def __str__(self) -> str:
        return f"file {self.pk}"
