"""The patient's consent: who signed, and the signature."""

import base64
import binascii
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Consent

LARGEST = 8 * 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n"
STARTS = (PNG, b"\xff\xd8\xff", b"%PDF-")
DATA_URL = "data:image/png;base64,"


class ConsentForm(forms.Form):
    """`content` after `is_valid()`: the bytes of the drawn or uploaded signature; `method` says which."""

    signer_name = forms.CharField(label=_("Name of the signer"), max_length=60)
    relation = forms.ChoiceField(
        label=_("Relation to the patient"), choices=Consent.Relation.choices, widget=forms.RadioSelect, initial="self"
    )
    drawn = forms.CharField(required=False, widget=forms.HiddenInput, max_length=2 * 1024 * 1024)
    file = forms.FileField(
        label=_("Signed paper"),
        required=False,
        help_text=_("A photo or scan (JPEG, PNG or PDF, at most 8 MB)."),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
    )

    def clean_drawn(self) -> bytes:
        text = self.cleaned_data["drawn"]
        if not text:
            return b""
        try:
            content = base64.b64decode(text.removeprefix(DATA_URL), validate=True)
        except binascii.Error:
            content = b""
        if not content.startswith(PNG):
            raise forms.ValidationError(_("The drawn signature could not be read. Clear it and sign again."))
        return content

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if not file:
            return b""
        if file.size > LARGEST:
            raise forms.ValidationError(_("This file is larger than 8 MB. Take the photo at a lower resolution."))
        content: bytes = file.read()
        if not content.startswith(STARTS):
            raise forms.ValidationError(_("This is neither a JPEG, a PNG nor a PDF."))
        return content

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if not self.errors and not fields.get("drawn") and not fields.get("file"):
            self.add_error("file", _("Sign in the box, or choose a photo of the signed paper."))
        return fields

    @property
    def method(self) -> str:
        return Consent.Method.FILE if self.cleaned_data["file"] else Consent.Method.DRAWN

    @property
    def content(self) -> bytes:
        signature: bytes = self.cleaned_data["file"] or self.cleaned_data["drawn"]
        return signature
