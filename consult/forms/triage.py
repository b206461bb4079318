"""The scheduler's choice of a specialist."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from consult.models import Role


class RoleChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Role) -> str:  # type: ignore[override]
        title = f" · {obj.get_title_display()}" if obj.title else ""
        return format_html(
            '{}{}<span class="choice-hint">{} · {}</span>', obj.person, title, obj.department, obj.hospital
        )


class AssignForm(forms.Form):
    """`revision` is the consultation's when the dialog was opened: whoever changed it meanwhile was first."""

    role = RoleChoice(label=_("Specialist"), queryset=Role.objects.none(), widget=forms.RadioSelect, empty_label=None)
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, roles: QuerySet[Role], specialty: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        role.queryset = roles  # type: ignore[attr-defined]
        ordered = sorted(roles, key=lambda one: one.department.specialty != specialty)  # type: ignore[union-attr]
        role.choices = [(one.pk, role.label_from_instance(one)) for one in ordered]  # type: ignore[attr-defined]
