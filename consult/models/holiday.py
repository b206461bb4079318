"""The public holidays of a year with their moved workdays, as the State Council announces them."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Holiday(models.Model):
    """A day that is not what its weekday says: free, or worked in exchange. Days without a row follow the week."""

    class Kind(models.TextChoices):
        FREE = "free", _("Free")
        WORK = "work", _("Moved workday")

    day = models.DateField(unique=True)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return (self.name_en if (get_language() or "").startswith("en") else self.name) or self.name
