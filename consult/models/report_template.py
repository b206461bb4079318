"""What a reading desk writes again and again."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consult.models.hospital import Department


class ReportTemplate(models.Model):
    """Texts an opinion begins with, of one department, for images of a modality (any when it is empty)."""

    class Modality(models.TextChoices):
        """DICOM's Defined Terms (PS3.3 C.7.3.1.1.1), as far as desks have texts of their own for them."""

        CT = "CT", _("CT")
        MR = "MR", _("MR")
        DX = "DX", _("X-ray")
        MG = "MG", _("Mammography")
        US = "US", _("Ultrasound")
        ECG = "ECG", _("Electrocardiogram")
        SM = "SM", _("Pathology slide")
        XC = "XC", _("Photo")

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="report_templates")
    name = models.CharField(max_length=60)
    modality = models.CharField(max_length=4, choices=Modality.choices, blank=True)
    findings = models.TextField(blank=True)
    diagnosis = models.TextField(blank=True)
    recommendation = models.TextField(blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["modality", "name"]
        constraints = [
            models.UniqueConstraint(fields=["department", "name"], name="one_template_of_a_name"),
            models.CheckConstraint(
                condition=~Q(findings="", diagnosis="", recommendation=""), name="template_says_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name
