"""Hospitals, departments and agreements."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Agreement, Department, Hospital, Specialty

NAMES = {"name": _("Name in Chinese"), "name_en": _("Name in English")}


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class HospitalForm(forms.ModelForm):
    """`is_new`: the code is given once; `may_tier`: a hospital's own scheduler does not move it."""

    class Meta:
        model = Hospital
        fields = ["code", "name", "name_en", "tier", "county"]
        labels = {**NAMES, "code": _("Code"), "tier": _("Level of the hospital"), "county": _("County")}
        help_texts = {"code": _("Letters, digits and hyphens; it stays for good.")}

    def __init__(self, *args: Any, may_tier: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["tier"].choices = Hospital.Tier.choices
        if self.instance.pk:
            del fields["code"]
        if not may_tier:
            del fields["tier"]
        for name, each in fields.items():
            each.widget.attrs["class"] = "select" if name == "tier" else "input"

    def validate_unique(self) -> None:
        """The service says it, so that of two at once the second is told as well."""


class DepartmentForm(forms.ModelForm):
    class Meta:
        model = Department
        fields = ["name", "name_en", "specialty", "reads"]
        labels = {**NAMES, "specialty": _("Specialty"), "reads": _("Has a reading desk: takes images without a call")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["specialty"].choices = Specialty.choices
        for name in ("name", "name_en", "specialty"):
            fields[name].widget.attrs["class"] = "select" if name == "specialty" else "input"

    def validate_unique(self) -> None:
        """See HospitalForm."""


class AgreementForm(forms.ModelForm):
    class Meta:
        model = Agreement
        fields = ["primary", "superior", "number", "valid_from", "valid_until"]
        labels = {
            "primary": _("Asking hospital"),
            "superior": _("Answering hospital"),
            "number": _("Number"),
            "valid_from": _("First day"),
            "valid_until": _("Last day"),
        }
        widgets = {"valid_from": _day(), "valid_until": _day()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        active = Hospital.objects.filter(active=True)
        fields["primary"].queryset = active.exclude(tier=Hospital.Tier.PROVINCIAL)
        fields["superior"].queryset = active.filter(tier=Hospital.Tier.PROVINCIAL)
        for name, each in fields.items():
            each.widget.attrs["class"] = "select" if name in {"primary", "superior"} else "input"

    def validate_unique(self) -> None:
        """See HospitalForm."""

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if "valid_from" in said and "valid_until" in said and said["valid_until"] < said["valid_from"]:
            self.add_error("valid_until", _("The last day is before the first."))
        return said
