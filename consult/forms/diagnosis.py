"""A field of ICD-10 codes beside the words of a diagnosis."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from consult.errors import Refusal
from consult.services import diagnosis


class CodesField(forms.CharField):
    """Codes separated by spaces, the main one first; a list of tidy ones, empty where there are none."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("ICD-10 codes"))
        kwargs.setdefault("help_text", _("Any number, the main one first; the words above count without any."))
        widget = forms.TextInput(attrs={"data-codes": reverse_lazy("diagnoses"), "autocomplete": "off"})
        super().__init__(required=False, max_length=200, widget=widget, empty_value=[], **kwargs)  # type: ignore[arg-type]

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        words = super().clean(value) or ""
        try:
            return diagnosis.codes(words.replace(",", " ").split())
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal.message), code=refusal.code) from refusal
