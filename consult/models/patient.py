"""Patients of one hospital, and what they consented to."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from consult.models.hospital import Hospital


class Patient(models.Model):
    class Sex(models.TextChoices):
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")
        OTHER = "other", _("Other")
        UNKNOWN = "unknown", _("Unknown")

    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="patients")
    record_number = models.CharField(max_length=40, help_text="the hospital's own number")
    name = models.CharField(max_length=60)
    name_index = models.CharField(max_length=160, blank=True, editable=False)
    sex = models.CharField(max_length=8, choices=Sex.choices)
    birth_date = models.DateField()
    id_number = models.CharField(max_length=18, blank=True, help_text="GB 11643 resident identity number")
    phone = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["hospital", "record_number"], name="record_number_once")]

    def __str__(self) -> str:
        return self.name


class ConsentText(models.Model):
    """One version of one text in one language; a changed text is a new version, never an edit."""

    class Kind(models.TextChoices):
        CONSULTATION = "consultation", _("Remote consultation")
        RECORDING = "recording", _("Recording of the call")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=10)
    body = models.TextField()
    sha256 = models.CharField(max_length=64, help_text="of body in UTF-8, hex")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "-version"]
        constraints = [models.UniqueConstraint(fields=["kind", "version", "language"], name="consent_text_once")]

    def __str__(self) -> str:
        return f"{self.kind} v{self.version} {self.language}"


class Consent(models.Model):
    """Who agreed to what, when, how. Append-only: a withdrawal is a new row with `withdraws` set."""

    class Relation(models.TextChoices):
        SELF = "self", _("The patient")
        SPOUSE = "spouse", _("Spouse")
        PARENT = "parent", _("Parent")
        CHILD = "child", _("Son or daughter")
        GUARDIAN = "guardian", _("Legal guardian")
        OTHER = "other", _("Other authorised person")

    class Method(models.TextChoices):
        DRAWN = "drawn", _("Signed on the screen")
        FILE = "file", _("Signed paper, photographed or scanned")

    consultation = models.ForeignKey("consult.Consultation", on_delete=models.PROTECT, related_name="consents")
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=60)
    relation = models.CharField(max_length=10, choices=Relation.choices)
    method = models.CharField(max_length=6, choices=Method.choices)
    file_path = models.CharField(max_length=200, blank=True, help_text="below MEDIA_ROOT")
    file_sha256 = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField()
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    withdraws = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawal")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"consent {self.pk}"
