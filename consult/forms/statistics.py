"""Which consultations are counted."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consult.models import Hospital, Specialty, Urgency, User
from consult.services.statistics import Filters

LONGEST = timedelta(days=3700)
IDS = ("hospital", "asked_hospital", "expert")


def _this_year() -> date:
    """The first day of the month eleven months ago: twelve months with this one."""
    today = timezone.localdate()
    return (today.replace(day=1) - timedelta(days=330)).replace(day=1)


def _day() -> forms.DateInput:
    """The browser's own calendar takes ISO 8601 only, whatever the page's language."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class FilterForm(forms.Form):
    """Everything may be left out: then the last twelve months of all that may be seen."""

    first = forms.DateField(label=_("First day"), required=False, widget=_day())
    last = forms.DateField(label=_("Last day"), required=False, widget=_day())
    hospital = forms.ModelChoiceField(Hospital.objects.none(), label=_("Asking hospital"), required=False)
    asked_hospital = forms.ModelChoiceField(Hospital.objects.none(), label=_("Answering hospital"), required=False)
    expert = forms.ModelChoiceField(User.objects.none(), label=_("Specialist"), required=False)
    specialty = forms.ChoiceField(label=_("Specialty"), required=False)
    urgency = forms.ChoiceField(label=_("Urgency"), required=False)

    def __init__(self, *args: Any, may_compare: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hospitals = Hospital.objects.filter(active=True)
        fields: dict[str, Any] = self.fields
        fields["hospital"].queryset = hospitals.exclude(tier=Hospital.Tier.PROVINCIAL)
        fields["asked_hospital"].queryset = hospitals.filter(tier=Hospital.Tier.PROVINCIAL)
        fields["specialty"].choices = [("", _("All")), *Specialty.choices]
        fields["urgency"].choices = [("", _("All")), *Urgency.choices]
        for name in IDS:
            fields[name].empty_label = _("All")
        for name, each in self.fields.items():
            each.widget.attrs["class"] = "input" if name in {"first", "last"} else "select"
        self.initial = {"first": _this_year(), "last": timezone.localdate(), **self.initial}
        if may_compare:
            fields["expert"].queryset = (
                User.objects.filter(roles__kind="expert").distinct().order_by("name_index", "pk")
            )
        else:
            del fields["expert"]

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        first, last = fields.get("first") or _this_year(), fields.get("last") or timezone.localdate()
        if first > last:
            self.add_error("last", _("This day is before the first one."))
        elif last - first > LONGEST:
            self.add_error("first", _("Ten years are the most at once."))
        return fields | {"first": first, "last": last}

    @property
    def filters(self) -> Filters:
        """Of a valid form; else of an empty one."""
        chosen: dict[str, Any] = self.cleaned_data if self.is_valid() else {}
        ids: dict[str, Any] = {name: chosen[name].pk for name in IDS if chosen.get(name)}
        texts: dict[str, Any] = {name: chosen.get(name) or "" for name in ("specialty", "urgency")}
        first, last = chosen.get("first") or _this_year(), chosen.get("last") or timezone.localdate()
        return Filters(first, last, **ids, **texts)
