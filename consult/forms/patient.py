"""Who the patient is, as the asking doctor enters it."""

import re
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.models import Patient

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"  # GB 11643-1999 section 4: by the weighted sum modulo 11


def is_resident_id(text: str) -> bool:
    """Whether the 18 characters carry their own check character (GB 11643) and a real birth date."""
    if not re.fullmatch(r"\d{17}[\dX]", text):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False)) % 11
    return text[17] == CHECK_CHARACTERS[rest] and birth_date_of(text) is not None


def birth_date_of(resident_id: str) -> date | None:
    try:
        return date(int(resident_id[6:10]), int(resident_id[10:12]), int(resident_id[12:14]))
    except ValueError:
        return None


class PatientForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    id_number = forms.CharField(
        label=_("Resident identity number"),
        max_length=18,
        required=False,
        help_text=_("18 characters. Fills in birth date and sex."),
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=Patient.Sex.choices, widget=forms.RadioSelect)
    birth_date = forms.DateField(
        label=_("Birth date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    record_number = forms.CharField(
        label=_("Record number"), max_length=40, help_text=_("The number in your hospital's own records.")
    )
    phone = forms.CharField(label=_("Phone"), max_length=30, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs.update(autocomplete="off", lang="zh-Hans")
        self.fields["id_number"].widget.attrs.update(autocomplete="off", autocapitalize="characters")
        self.fields["record_number"].widget.attrs.update(autocomplete="off")
        self.fields["phone"].widget.attrs.update(autocomplete="off", inputmode="tel", type="tel")
        self.fields["birth_date"].widget.attrs["max"] = timezone.localdate().isoformat()

    def clean_id_number(self) -> str:
        text = self.cleaned_data["id_number"].strip().upper()
        if text and not is_resident_id(text):
            raise forms.ValidationError(_("This is not a valid identity number: check every digit, the last one too."))
        return text

    def clean_birth_date(self) -> date:
        day = self.cleaned_data["birth_date"]
        if day > timezone.localdate() or day.year < 1900:
            raise forms.ValidationError(_("Enter a birth date between 1900 and today."))
        return day

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        number, day, sex = fields.get("id_number"), fields.get("birth_date"), fields.get("sex")
        if number and day and birth_date_of(number) != day:
            self.add_error("birth_date", _("The identity number says another birth date."))
        if number and sex in {Patient.Sex.MALE, Patient.Sex.FEMALE}:
            said = Patient.Sex.MALE if int(number[16]) % 2 else Patient.Sex.FEMALE
            if said != sex:
                self.add_error("sex", _("The identity number says another sex."))
        return fields
