"""A mark on a frame that both sides see: a measurement, an arrow with words, the value of a point."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def standing(self) -> "AnnotationQuerySet":
        """Not deleted."""
        return self.filter(deleted_at=None)


class Annotation(models.Model):
    """`uid` is made by the author's page, `rev` counts its changes: one sent twice is one. Rows stay when deleted."""

    class Kind(models.TextChoices):
        LENGTH = "length", _("Length of a line")
        ANGLE = "angle", _("Angle")
        COBB = "cobb", _("Cobb angle")
        RECTANGLE = "rectangle", _("Rectangle")
        ELLIPSE = "ellipse", _("Ellipse")
        ARROW = "arrow", _("Arrow with text")
        PROBE = "probe", _("Value of a point")

    class Side(models.TextChoices):
        ASKING = "asking", _("Asking side")
        ANSWERING = "answering", _("Answering side")

    uid = models.UUIDField(unique=True)
    rev = models.PositiveIntegerField(default=1)
    image = models.ForeignKey("imaging.Image", on_delete=models.PROTECT, related_name="annotations")
    frame = models.PositiveIntegerField(help_text="from 0")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    points = models.JSONField(help_text="[[x, y], ...] in pixels of the frame: 0, 0 is its top left corner")
    text = models.CharField(max_length=200, blank=True)
    figures = models.JSONField(
        default=dict, blank=True, help_text="what the site measured: see imaging/raster/measure.py"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=12, choices=Side.choices, help_text="the author's, when it was made")
    at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="by the author")

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["image", "deleted_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(rev__gte=1), name="annotation_rev_from_one"),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(deleted_at__gte=models.F("at")), name="annotation_deleted_after_made"
            ),
        ]

    def __str__(self) -> str:
        return f"annotation {self.pk}"
