"""The time of a call: one that is free, or one that is taken over with a reason."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consult.forms.consultation import FutureField
from consult.models import Participant
from consult.policies.booking import LENGTHS, USUAL


def lengths() -> list[tuple[int, str]]:
    """In the language of the moment."""
    return [(minutes, gettext("%(n)s min") % {"n": minutes}) for minutes in LENGTHS]


class MomentField(forms.CharField):
    """A moment with its offset from UTC (ISO 8601): the hour that comes twice in autumn is two of them."""

    def clean(self, value: Any) -> datetime:
        text = super().clean(value)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or timezone.is_naive(at):
            raise forms.ValidationError(_("Choose one of the free times."))
        return at


class HoldForm(forms.Form):
    starts_at = MomentField(
        label=_("Free times"), max_length=40, error_messages={"required": _("Choose one of the free times.")}
    )
    minutes = forms.TypedChoiceField(label=_("Length"), choices=lengths, coerce=int)


class ReasonOfMoveForm(forms.Form):
    reason = forms.CharField(
        label=_("Why is it moved?"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class OverrideForm(forms.Form):
    """The time is written in the site's zone."""

    starts_at = FutureField(
        label=_("Time"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 900}, format="%Y-%m-%dT%H:%M"),
        help_text=_("At a quarter of an hour."),
    )
    minutes = forms.TypedChoiceField(label=_("Length"), choices=lengths, coerce=int, initial=USUAL)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody who loses their time is told that an urgent booking took it over; the reason is kept."),
    )


class MissForm(forms.Form):
    side = forms.ChoiceField(label=_("Who did not come?"), choices=Participant.Side.choices, widget=forms.RadioSelect)
    reason = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
