"""Hospitals, their departments, and the agreements under which one may ask another."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Specialty(models.TextChoices):
    CARDIOLOGY = "cardiology", _("Cardiology")
    RADIOLOGY = "radiology", _("Radiology")
    NEUROLOGY = "neurology", _("Neurology")
    RESPIRATORY = "respiratory", _("Respiratory medicine")
    GASTROENTEROLOGY = "gastroenterology", _("Gastroenterology")
    ENDOCRINOLOGY = "endocrinology", _("Endocrinology")
    ORTHOPAEDICS = "orthopaedics", _("Orthopaedics")
    SURGERY = "surgery", _("General surgery")
    PAEDIATRICS = "paediatrics", _("Paediatrics")
    OBSTETRICS = "obstetrics", _("Obstetrics and gynaecology")
    DERMATOLOGY = "dermatology", _("Dermatology")
    PATHOLOGY = "pathology", _("Pathology")
    EMERGENCY = "emergency", _("Emergency medicine")
    GENERAL = "general", _("General practice")


class Hospital(models.Model):
    class Tier(models.TextChoices):
        PROVINCIAL = "provincial", _("Provincial hospital")
        COUNTY = "county", _("County hospital")
        TOWNSHIP = "township", _("Township health centre")

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    tier = models.CharField(max_length=12, choices=Tier.choices)
    county = models.CharField(max_length=60, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["tier", "code"]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name

    @property
    def is_superior(self) -> bool:
        return self.tier == self.Tier.PROVINCIAL


class Department(models.Model):
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="departments")
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    specialty = models.CharField(max_length=24, choices=Specialty.choices)
    reads = models.BooleanField(default=False, help_text="has a desk: takes images to read without a call")
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["hospital_id", "name"]
        constraints = [models.UniqueConstraint(fields=["hospital", "name"], name="one_department_of_a_name")]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name


class Agreement(models.Model):
    """A primary hospital may ask a superior one while `valid_from <= day <= valid_until` (both included)."""

    primary = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="agreements_as_primary")
    superior = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="agreements_as_superior")
    number = models.CharField(max_length=40, unique=True)
    valid_from = models.DateField()
    valid_until = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["primary_id", "superior_id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_from__lte=F("valid_until")), name="agreement_days_in_order"),
            models.CheckConstraint(condition=~Q(primary=F("superior")), name="agreement_between_two"),
        ]

    def __str__(self) -> str:
        return self.number
