"""After the decision: a rating, an entry of the follow-up, the outcome."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.models import Outcome, Rating


class RatingForm(forms.Form):
    stars = forms.TypedChoiceField(
        label=_("How good was this consultation?"), choices=Rating.Stars.choices, coerce=int, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("In words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "rating_%s")
        super().__init__(*args, **kwargs)


class FollowUpForm(forms.Form):
    due_on = forms.DateField(label=_("On"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    task = forms.CharField(label=_("What is to be looked at"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "follow_up_%s")
        super().__init__(*args, **kwargs)


class FoundForm(forms.Form):
    found = forms.CharField(label=_("What was found"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class OutcomeForm(forms.Form):
    patient = forms.ChoiceField(
        label=_("What became of the patient"), choices=Outcome.Patient.choices, widget=forms.RadioSelect
    )
    changed = forms.ChoiceField(
        label=_("Did the diagnosis change?"), choices=Outcome.Answer.choices, widget=forms.RadioSelect
    )
    avoided = forms.ChoiceField(
        label=_("Was a transfer avoided?"), choices=Outcome.Answer.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("In words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "outcome_%s")
        super().__init__(*args, **kwargs)
