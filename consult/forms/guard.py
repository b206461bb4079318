"""What a reviewer says of a flag."""

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Flag

CHOICES = [(one.value, one.label) for one in (Flag.State.CLEARED, Flag.State.CONFIRMED)]


class ReviewForm(forms.Form):
    verdict = forms.ChoiceField(label=_("Result of the review"), choices=CHOICES, widget=forms.RadioSelect)
    words = forms.CharField(label=_("Why"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
