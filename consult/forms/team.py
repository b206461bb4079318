"""A team of specialists: whom to invite, the joint report, a member's word on it."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from consult.forms.diagnosis import CodesField
from consult.forms.triage import role_label
from consult.models import Confirmation, Role
from consult.policies.suggest import Suggestion


class RolesChoice(forms.ModelMultipleChoiceField):
    suggestions: dict[int, Suggestion] = {}

    def label_from_instance(self, obj: Role) -> str:  # type: ignore[override]
        return role_label(obj, self.suggestions.get(obj.pk))


class InviteForm(forms.Form):
    roles = RolesChoice(
        label=_("Specialists"),
        queryset=Role.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one specialist.")},
    )

    def __init__(self, *args: Any, roles: QuerySet[Role], suggestions: list[Suggestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(RolesChoice, self.fields["roles"])
        field.suggestions = {one.role.pk: one for one in suggestions}
        field.queryset = roles
        field.choices = [(one.role.pk, field.label_from_instance(one.role)) for one in suggestions]


class ReportForm(forms.Form):
    """The chair's draft; `draft_rev` as in OpinionForm."""

    findings = forms.CharField(
        label=_("Discussion"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What the specialists found, where they agree and where they do not."),
    )
    diagnosis = forms.CharField(label=_("Joint diagnosis"), widget=forms.Textarea(attrs={"rows": 2}))
    diagnosis_codes = CodesField()
    recommendation = forms.CharField(label=_("Joint recommendation"), widget=forms.Textarea(attrs={"rows": 4}))
    draft_rev = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "report_%s")
        super().__init__(*args, **kwargs)
        for name in ("findings", "diagnosis", "recommendation"):
            self.fields[name].widget.is_required = False
            self.fields[name].required = not self.is_bound  # a draft may be incomplete, putting it says what is missing


class PutForm(forms.Form):
    draft_rev = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class ConfirmReportForm(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Your word on the joint report"), choices=Confirmation.Verdict.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Printed in the report. Needed unless you simply agree."),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "confirm_%s")
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        explains = fields.get("verdict") in {Confirmation.Verdict.REMARK, Confirmation.Verdict.DISSENT}
        if explains and not (fields.get("words") or "").strip():
            self.add_error("words", _("Write your remark: it is printed in the report."))
        return fields


class SignReportForm(forms.Form):
    draft_rev = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
