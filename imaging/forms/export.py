"""What an export is for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from imaging.models import Export


class ExportForm(forms.Form):
    purpose = forms.ChoiceField(
        label=_("What the images are for"),
        choices=[("", _("Choose …")), *Export.Purpose.choices],
        help_text=_("Recorded with your name."),
    )
