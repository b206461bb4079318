"""The scheduler's choice of a specialist or a reading desk; a desk's templates."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from consult.models import Department, ReportTemplate, Role
from consult.policies.suggest import Suggestion


def role_label(role: Role, known: Suggestion | None) -> str:
    """Name and title, department and hospital, what speaks for and against."""
    title = f" · {role.get_title_display()}" if role.title else ""
    reasons = format_html_join(
        "",
        '<span class="reason reason-{}">{}</span>',
        [("for" if good else "against", words) for words, good in (known.reasons if known else [])],
    )
    return format_html(
        '{}{}<span class="choice-hint">{} · {}</span><span class="reasons">{}</span>',
        role.person,
        title,
        role.department,
        role.hospital,
        reasons,
    )


class RoleChoice(forms.ModelChoiceField):
    """`suggestions`: role -> what speaks for and against it, said below its name."""

    suggestions: dict[int, Suggestion] = {}

    def label_from_instance(self, obj: Role) -> str:  # type: ignore[override]
        return role_label(obj, self.suggestions.get(obj.pk))


class AssignForm(forms.Form):
    """`revision` is the consultation's when the dialog was opened: whoever changed it meanwhile was first."""

    role = RoleChoice(label=_("Specialist"), queryset=Role.objects.none(), widget=forms.RadioSelect, empty_label=None)
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, roles: QuerySet[Role], suggestions: list[Suggestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = cast(RoleChoice, self.fields["role"])
        role.suggestions = {one.role.pk: one for one in suggestions}
        role.queryset = roles
        role.choices = [(one.role.pk, role.label_from_instance(one.role)) for one in suggestions]


class DeskChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Department) -> str:  # type: ignore[override]
        return format_html('{}<span class="choice-hint">{}</span>', obj, obj.hospital)


class DeskForm(forms.Form):
    """`revision` as in AssignForm."""

    department = DeskChoice(
        label=_("Reading desk"),
        queryset=Department.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": _("Choose a desk. When none is offered, open one first.")},
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, desks: QuerySet[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = desks  # type: ignore[attr-defined]


class TemplateForm(forms.ModelForm):
    """A text that reports begin with."""

    class Meta:
        model = ReportTemplate
        fields = ("name", "modality", "findings", "diagnosis", "recommendation")
        labels = {
            "name": _("Name of the template"),
            "modality": _("For"),
            "findings": _("Findings"),
            "diagnosis": _("Diagnosis"),
            "recommendation": _("Recommendation"),
        }
        widgets = {
            "findings": forms.Textarea(attrs={"rows": 4}),
            "diagnosis": forms.Textarea(attrs={"rows": 2}),
            "recommendation": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["modality"].choices = [("", _("Any images")), *ReportTemplate.Modality.choices]  # type: ignore[attr-defined]

    def validate_unique(self) -> None:
        """The service says which name is taken."""

    def validate_constraints(self) -> None:
        """The service says what is missing."""
