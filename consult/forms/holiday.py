"""Days of the calendar of holidays."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Holiday


class HolidayForm(forms.ModelForm):
    first = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: that day only."),
    )

    class Meta:
        model = Holiday
        fields = ["kind", "name", "name_en"]
        labels = {"kind": _("What it is"), "name": _("Name in Chinese"), "name_en": _("Name in English")}
        widgets = {"kind": forms.RadioSelect}

    field_order = ("first", "last", "kind", "name", "name_en")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = Holiday.Kind.choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        said["last"] = said.get("last") or said.get("first")
        return said
