"""A picture that the specialist chose for the opinion: the image as it was looked at, with a caption."""

from django.db import models

from consult.models.opinion import Opinion


class KeyImage(models.Model):
    """Of an opinion's draft, in the order of `place`; what is signed is copied into the version.

    The picture itself is a file under its own SHA-256 that never changes; `shows` says what of which image it is.
    """

    opinion = models.ForeignKey(Opinion, on_delete=models.PROTECT, related_name="key_images")
    place = models.PositiveIntegerField()
    caption = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, help_text="of the JPEG, hex")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    shows = models.JSONField(default=dict, help_text="title, frame, window, UIDs and hash of the original")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["place", "id"]
        constraints = [models.UniqueConstraint(fields=["opinion", "sha256"], name="key_image_once")]

    def __str__(self) -> str:
        return f"key image {self.pk}"
