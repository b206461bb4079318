"""The specialist's opinion, its signing and amending; the asking side's decision."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consult.forms.diagnosis import CodesField
from consult.models import Decision


class OpinionForm(forms.Form):
    """The draft. `draft_rev` is the revision it was typed into: a newer one elsewhere is a conflict."""

    findings = forms.CharField(label=_("Findings"), widget=forms.Textarea(attrs={"rows": 5}))
    diagnosis = forms.CharField(label=_("Diagnosis"), widget=forms.Textarea(attrs={"rows": 2}))
    diagnosis_codes = CodesField()
    recommendation = forms.CharField(label=_("Recommendation"), widget=forms.Textarea(attrs={"rows": 4}))
    critical = forms.CharField(
        label=_("Critical finding"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only what cannot wait: the asking side is told until it has read this back to you."),
    )
    draft_rev = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "opinion_%s")
        super().__init__(*args, **kwargs)
        for name in ("findings", "diagnosis", "recommendation"):
            self.fields[name].widget.is_required = False
            self.fields[name].required = not self.is_bound  # a draft may be incomplete, signing says what is missing


class SignForm(forms.Form):
    draft_rev = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    pictures = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class ReadBackForm(forms.Form):
    """What the asking side has understood of a critical finding."""

    words = forms.CharField(
        label=_("Read back: the finding as you have understood it"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class DecisionForm(forms.Form):
    verdict = forms.ChoiceField(label=_("Decision"), choices=Decision.Verdict.choices, widget=forms.RadioSelect)
    final_diagnosis = forms.CharField(label=_("Final diagnosis"), widget=forms.Textarea(attrs={"rows": 2}))
    final_codes = CodesField()
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed unless the opinion is adopted as it is."),
    )

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if fields.get("verdict") in {Decision.Verdict.PARTLY, Decision.Verdict.NOT} and not fields.get("reason"):
            self.add_error("reason", _("Say why the opinion is not adopted as it is."))
        return fields
