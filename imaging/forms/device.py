"""A device of a hospital, as an administrator writes it down."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Hospital
from imaging.models import Device


class DeviceForm(forms.ModelForm):
    """The hospital of one that is on the list stays: what it sent was that hospital's."""

    class Meta:
        model = Device
        fields = ("hospital", "name", "ae_title", "address", "port", "quota_mb")
        labels = {
            "hospital": _("Hospital"),
            "name": _("What people call it"),
            "ae_title": _("AE title"),
            "address": _("IP address"),
            "port": _("Its own DICOM port"),
            "quota_mb": _("Room for what waits, in MB"),
        }
        help_texts = {
            "name": "",
            "ae_title": _("Exactly as the device is set up: capital and small letters count."),
            "address": _("The address it sends from."),
            "port": _("Only for the test of the connection."),
            "quota_mb": _("0: only the limit of its hospital counts."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hospital = self.fields["hospital"]
        hospital.queryset = Hospital.objects.filter(active=True).order_by("name")  # type: ignore[attr-defined]
        hospital.empty_label = _("Choose …")  # type: ignore[attr-defined]
        hospital.disabled = bool(self.instance.pk)
        self.fields["port"].min_value = 1  # type: ignore[attr-defined]

    def clean_ae_title(self) -> str:
        """PS3.8 section 9.3.2, default repertoire without backslash and control characters."""
        title = str(self.cleaned_data["ae_title"]).strip()
        if not title.isascii() or not title.isprintable() or "\\" in title or not title:
            raise forms.ValidationError(_("Latin letters, digits, spaces and signs but the backslash; at most 16."))
        return title
