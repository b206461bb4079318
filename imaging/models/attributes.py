"""What searches over DICOMweb are for, of each DICOM image: kept beside it, so that a search opens no file."""

from django.db import models


class Attributes(models.Model):
    """`said`: tag to element of the DICOM JSON model (PS3.18 annex F), of those tags that imaging/dicom/names.py names.

    An element too large to keep here is null: it is in the image's metadata.
    """

    image = models.OneToOneField("imaging.Image", on_delete=models.CASCADE, primary_key=True, related_name="attributes")
    said = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "attributes"

    def __str__(self) -> str:
        return f"attributes of image {self.pk}"
