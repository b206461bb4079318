"""What a request must say."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.forms.diagnosis import CodesField
from consult.models import Consultation, Role, Specialty, Urgency
from consult.services.consultation import is_past

EMPTIED: dict[str, Any] = {"wanted_at": None, "present_codes": []}


class FutureField(forms.DateTimeField):
    """A time to come, written and shown in `zone` (None: the site's): what one reads is what one typed."""

    zone: ZoneInfo | None = None

    def prepare_value(self, value: Any) -> Any:
        with timezone.override(self.zone):
            return super().prepare_value(value)

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            at = super().to_python(value)
        if at is not None and is_past(at):
            raise forms.ValidationError(_("This time is past. Choose a later one."), code="past")
        return at


class QuestionForm(forms.Form):
    """Every field may be empty while it is a draft; what is missing is named before sending."""

    urgency = forms.ChoiceField(label=_("Urgency"), choices=Urgency.choices, widget=forms.RadioSelect)
    purpose = forms.ChoiceField(
        label=_("What do you need?"), choices=Consultation.Purpose.choices, widget=forms.RadioSelect
    )
    specialty = forms.ChoiceField(label=_("Specialty wanted"), choices=[("", _("Choose"))])
    title_wanted = forms.ChoiceField(label=_("Title wanted"), choices=[("", _("Choose"))])
    wanted_at = FutureField(
        label=_("Wanted time"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("When the consultation should take place."),
    )
    reason = forms.CharField(
        label=_("Reason for the consultation"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why your hospital cannot settle this alone."),
    )
    record_summary = forms.CharField(
        label=_("Record summary"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Complaint, course, past history, examination, treatment so far."),
    )
    tests = forms.CharField(
        label=_("Tests"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Laboratory, ECG, imaging: what was done and found. Write “none” when there were none."),
    )
    present_diagnosis = forms.CharField(label=_("Present diagnosis"), widget=forms.Textarea(attrs={"rows": 2}))
    present_codes = CodesField()
    question = forms.CharField(
        label=_("Your question"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What the specialist should answer."),
    )

    def __init__(self, *args: Any, zone: ZoneInfo | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["wanted_at"].zone = zone  # type: ignore[attr-defined]
        blank = [("", _("Choose"))]
        self.fields["specialty"].choices = blank + list(Specialty.choices)  # type: ignore[attr-defined]
        titles = [choice for choice in Role.Title.choices if choice[0]]
        self.fields["title_wanted"].choices = blank + titles  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.is_required = False  # the browser must not stop a draft

    @property
    def kept(self) -> dict[str, Any]:
        """What a draft takes over: every field that could be read, an emptied one too."""
        self.is_valid()
        read = {name: self.cleaned_data.get(name) for name in self.fields if name in self.cleaned_data}
        for name in self.fields:
            if name in self.data and not self.data[name].strip():
                read[name] = EMPTIED.get(name, "")
        return read

    @property
    def unkept(self) -> dict[str, str]:
        """What was typed and cannot be kept, by field, with the reason."""
        kept = self.kept
        wrong = {name: str(errors[0]) for name, errors in self.errors.items() if name not in kept}
        return {name: reason for name, reason in wrong.items() if self.data.get(name, "").strip()}

    @property
    def is_readable(self) -> bool:
        """Whether nothing is malformed; empty is not malformed."""
        return all(error.code == "required" for errors in self.errors.as_data().values() for error in errors)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "autofocus": True})
    )


class OptionalReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "autofocus": True})
    )


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("Your answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4, "autofocus": True})
    )


class ConfirmForm(forms.Form):
    """Nothing to fill in."""
