"""The signed PDF of an opinion: which bytes, under whose certificate. Append-only, as the version it prints."""

from django.db import models

from consult.models.opinion import OpinionVersion


class Seal(models.Model):
    """One document of one version, with labels in `language`. The bytes are a file below MEDIA_ROOT, by `sha256`."""

    version = models.ForeignKey(OpinionVersion, on_delete=models.PROTECT, related_name="seals")
    language = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64, help_text="of the PDF, hex")
    size = models.PositiveIntegerField(help_text="bytes")
    subject = models.CharField(max_length=200, help_text="whose certificate")
    issuer = models.CharField(max_length=200)
    serial = models.CharField(max_length=64, help_text="of the certificate, hex")
    stamped = models.BooleanField(help_text="with a server's time stamp: PAdES B-T, else B-B")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["version", "language"], name="one_seal_of_a_language")]

    def __str__(self) -> str:
        return f"seal of {self.version_id} {self.language}"
