"""What a specialist asks for when they want to swap a shift."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from consult.models import Role, Shift
from consult.policies import swap as policies


class SwapForm(forms.Form):
    """`want` names a colleague who takes it (r and a role), or a shift of theirs in return (s and a shift)."""

    want = forms.ChoiceField(label=_("Who takes it, and for what"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False, help_text=_("Seen by your colleague."))

    def __init__(self, *args: Any, shift: Shift, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles = {role.pk: role for role in policies.partners(shift)}
        self.shifts = {row.pk: row for row in policies.returns(shift)}
        groups: list[tuple[str, list[tuple[str, str]]]] = []
        for role in self.roles.values():
            own = [row for row in self.shifts.values() if row.role_id == role.pk]
            choices = [(f"r{role.pk}", str(_("%(name)s, nothing in return") % {"name": role.person}))]
            choices += [(f"s{row.pk}", f"{role.person} · {said(row)}") for row in own]
            groups.append((str(role.person), choices))
        self.fields["want"].choices = [("", _("Choose")), *groups]  # type: ignore[attr-defined]

    def wanted(self) -> tuple[Role, Shift | None]:
        chosen = self.cleaned_data["want"]
        number = int(chosen[1:])
        if chosen[0] == "r":
            return self.roles[number], None
        back = self.shifts[number]
        return self.roles[back.role_id], back


def said(shift: Shift) -> str:
    start, end = timezone.localtime(shift.starts_at), timezone.localtime(shift.ends_at)
    day = date_format(start, "D Y-m-d")
    return f"{day} {start:%H:%M}–{end:%H:%M} · {Shift.Level(shift.level).label}"
