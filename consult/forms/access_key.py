"""A key for a program."""

from django import forms
from django.utils.translation import gettext_lazy as _

DAYS = [(30, _("30 days")), (90, _("90 days")), (365, _("One year"))]
SCOPES = [("read", _("Search and fetch images")), ("store", _("Store images"))]


class AccessKeyForm(forms.Form):
    name = forms.CharField(
        label=_("What it is for"), max_length=60, help_text=_("For example: CT workstation, research export.")
    )
    scope = forms.MultipleChoiceField(
        label=_("What the program may do"), choices=SCOPES, widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label=_("Lasts"), choices=DAYS, coerce=int, initial=90)
    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
