"""What a scheduler says about a roster: a repeating shift, one shift, leave, how many have to be there."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from consult.models import Cover, Role, Rule, Shift
from consult.policies import repeat

DAY = 1440


def day_input(**attrs: str) -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", **attrs}, format="%Y-%m-%d")


def clock_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class RoleField(forms.ModelChoiceField):
    """A specialist of the department, by name and title."""

    def label_from_instance(self, obj: Role) -> str:
        return f"{obj.person.display_name} · {obj.get_title_display()}"


def length(starts: time, ends: time) -> int:
    """Minutes by the wall clock; an end that is not later is of the next day."""
    minutes = (ends.hour - starts.hour) * 60 + ends.minute - starts.minute
    return minutes if minutes > 0 else minutes + DAY


def ends_at(starts: time, minutes: int) -> time:
    return (datetime.combine(date.min, starts) + timedelta(minutes=minutes)).time()


class ShapeForm(forms.Form):
    """Who, at which level, from when to when."""

    role = RoleField(label=_("Specialist"), queryset=Role.objects.none())
    level = forms.ChoiceField(label=_("Level"), choices=Shift.Level.choices, widget=forms.RadioSelect)
    starts = forms.TimeField(label=_("Begins at"), widget=clock_input())
    ends = forms.TimeField(
        label=_("Ends at"),
        widget=clock_input(),
        help_text=_("Not later than the beginning: on the next day. 08:00 to 08:00 is a whole day."),
    )

    def __init__(self, *args: Any, members: QuerySet[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = members  # type: ignore[attr-defined]

    def shape(self) -> dict[str, Any]:
        said = self.cleaned_data
        minutes = length(said["starts"], said["ends"])
        return {"role": said["role"], "level": said["level"], "starts": said["starts"], "minutes": minutes}


class RuleForm(ShapeForm):
    """A shift that repeats."""

    REPEATS = [("daily", _("Every day")), ("weekly", _("On certain weekdays")), ("turn", _("In turn, every few days"))]
    repeat = forms.ChoiceField(label=_("Repeats"), choices=REPEATS, widget=forms.RadioSelect)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        required=False,
        coerce=int,
        choices=list(WEEKDAYS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    weeks = forms.IntegerField(
        label=_("Every so many weeks"), required=False, min_value=1, max_value=52, help_text=_("1 is every week.")
    )
    turn = forms.IntegerField(
        label=_("Every so many days"),
        required=False,
        min_value=2,
        max_value=60,
        help_text=_("With four people who take turns: 4, each beginning a day later."),
    )
    first = forms.DateField(label=_("From day"), widget=day_input())
    last = forms.DateField(label=_("Until day"), required=False, widget=day_input(), help_text=_("Empty: no end."))
    holidays = forms.ChoiceField(label=_("Holidays"), choices=Rule.Holidays.choices)
    known = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = (
        "role",
        "level",
        "starts",
        "ends",
        "repeat",
        "weekdays",
        "weeks",
        "turn",
        "first",
        "last",
        "holidays",
    )

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("repeat") == "weekly" and not said.get("weekdays"):
            self.add_error("weekdays", _("Choose at least one weekday."))
        if said.get("repeat") == "turn" and not said.get("turn"):
            self.add_error("turn", _("Say how many days a turn takes."))
        if said.get("last") and said.get("first") and said["last"] < said["first"]:
            self.add_error("last", _("The last day is before the first."))
        return said

    def rule(self) -> dict[str, Any]:
        """The fields of a Rule."""
        said = self.cleaned_data
        texts = {
            "daily": repeat.daily,
            "weekly": lambda: repeat.weekly(said["weekdays"], said.get("weeks") or 1),
            "turn": lambda: repeat.daily(said["turn"]),
        }
        days = {"first": said["first"], "last": said["last"], "holidays": said["holidays"]}
        return {**self.shape(), **days, "rrule": texts[said["repeat"]]()}


def initial_of(rule: Rule) -> dict[str, Any]:
    """What the form of a rule shows."""
    freq, every, weekdays = repeat.parts(rule.rrule)
    kind = "weekly" if freq == "WEEKLY" else "daily" if every == 1 else "turn"
    return {
        "role": rule.role_id,
        "level": rule.level,
        "starts": rule.starts,
        "ends": ends_at(rule.starts, rule.minutes),
        "repeat": kind,
        "weekdays": weekdays,
        "weeks": every if kind == "weekly" else None,
        "turn": every if kind == "turn" else None,
        "first": rule.first,
        "last": rule.last,
        "holidays": rule.holidays,
        "known": rule.revision,
    }


class EntryForm(ShapeForm):
    """One shift of the plan. `scope` is asked of one that a rule gives."""

    SCOPES = [
        ("this", _("This shift only")),
        ("following", _("This and all following")),
        ("all", _("All of this rule")),
    ]
    on = forms.DateField(label=_("Day"), widget=day_input())
    scope = forms.ChoiceField(label=_("What changes"), choices=SCOPES, widget=forms.RadioSelect, initial="this")
    known = forms.IntegerField(required=False, widget=forms.HiddenInput, initial=0)
    known_rule = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ("role", "level", "on", "starts", "ends", "scope")

    def __init__(self, *args: Any, repeats: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not repeats:
            del self.fields["scope"]


class LeaveForm(forms.Form):
    role = RoleField(label=_("Specialist"), queryset=Role.objects.none())
    first = forms.DateField(label=_("First day"), widget=day_input())
    last = forms.DateField(label=_("Last day"), widget=day_input())
    reason = forms.CharField(label=_("Reason"), max_length=120, help_text=_("Seen by schedulers only."))

    def __init__(self, *args: Any, members: QuerySet[Role], **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "leave_%s", **kwargs})
        self.fields["role"].queryset = members  # type: ignore[attr-defined]


class CoverForm(forms.Form):
    days = forms.ChoiceField(label=_("Days"), choices=Cover.Days.choices)
    starts = forms.IntegerField(label=_("From hour"), min_value=0, max_value=23, initial=0)
    ends = forms.IntegerField(label=_("Until hour"), min_value=1, max_value=24, initial=24)
    least = forms.IntegerField(label=_("At least"), min_value=1, max_value=50, initial=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "cover_%s", **kwargs})


class PeriodForm(forms.Form):
    first = forms.DateField(label=_("From day"), widget=day_input())
    last = forms.DateField(label=_("Until day"), widget=day_input())


class MoveForm(forms.Form):
    """What a drag says: which entry, whose it becomes, on which day."""

    entry = forms.CharField(max_length=40)
    known = forms.IntegerField(min_value=0)
    role = forms.ModelChoiceField(queryset=Role.objects.none(), required=False)
    on = forms.DateField()

    def __init__(self, *args: Any, members: QuerySet[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = members  # type: ignore[attr-defined]
