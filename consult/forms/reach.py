"""How a person is reached."""

from django import forms
from django.utils.translation import gettext_lazy as _

CLOCK = forms.TimeInput(attrs={"type": "time", "class": "input-short"}, format="%H:%M")


class ReachForm(forms.Form):
    sound = forms.BooleanField(label=_("Sound in the page"), required=False)
    push = forms.BooleanField(label=_("Browser push"), required=False)
    email = forms.BooleanField(label=_("E-mail"), required=False)
    address = forms.EmailField(label=_("E-mail address"), required=False)
    sms = forms.BooleanField(label=_("Text message"), required=False)
    phone = forms.RegexField(
        r"^\+?[0-9 -]{5,20}$",
        label=_("Phone number"),
        required=False,
        error_messages={"invalid": _("Write digits, for instance 139 0351 0000.")},
    )
    quiet_from = forms.TimeField(label=_("Quiet from"), required=False, widget=CLOCK)
    quiet_until = forms.TimeField(label=_("Quiet until"), required=False, widget=CLOCK)
