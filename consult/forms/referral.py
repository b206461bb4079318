"""Referral: whom, where to, the transfer letter; the arrangement; the discharge letter."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from consult.forms.consultation import FutureField
from consult.forms.diagnosis import CodesField
from consult.models import Department, Patient


def _text(label: Any, rows: int, *, required: bool = True, hint: Any = "") -> forms.CharField:
    area = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, widget=area, max_length=5000, required=required, help_text=hint)


def _password() -> forms.CharField:
    return forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("You sign the letter with it."),
    )


class PatientChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Patient) -> str:  # type: ignore[override]
        return f"{obj.name} · {obj.get_sex_display()} · {obj.birth_date} · {obj.record_number}"


class DepartmentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Department) -> str:  # type: ignore[override]
        return f"{obj.hospital} · {obj}"


class ReferralForm(forms.Form):
    """The transfer letter; without `patients` the patient is settled already."""

    patient = PatientChoice(label=_("Patient"), queryset=Patient.objects.none())
    to_department = DepartmentChoice(label=_("Refer to"), queryset=Department.objects.none())
    reason = _text(_("Reason"), 2, hint=_("Why the patient goes there."))
    diagnosis = _text(_("Diagnosis"), 2)
    codes = CodesField()
    treatment = _text(_("Treatment given"), 4)
    condition = _text(_("Condition"), 2, hint=_("Vital signs, consciousness, what the journey must mind."))
    wanted = _text(_("What is wanted"), 2, required=False)
    password = _password()

    def __init__(
        self, *args: Any, departments: QuerySet[Department], patients: QuerySet[Patient] | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_department"].queryset = departments  # type: ignore[attr-defined]
        if patients is None:
            del self.fields["patient"]
        else:
            self.fields["patient"].queryset = patients  # type: ignore[attr-defined]


class ArrangeForm(forms.Form):
    comes_at = FutureField(
        label=_("The patient comes"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    bed = forms.CharField(label=_("Ward and bed"), max_length=60)


class DischargeForm(forms.Form):
    course = _text(_("Course"), 4)
    diagnosis = _text(_("Diagnosis"), 2)
    codes = CodesField()
    treatment = _text(_("Treatment given"), 3)
    condition = _text(_("Condition at discharge"), 2)
    advice = _text(_("Advice for the time after"), 3, required=False)
    password = _password()
