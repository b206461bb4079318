"""The table of the clocks as a form: a number and a unit for each step and urgency."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import ClockTable, Urgency
from consult.policies.clock import CHAIN, ROWS, Spans

WORDS: dict[str, str | Promise] = {
    "triage": _("Triage"),
    "accept": _("Specialist accepts or declines"),
    "second": _("Not answered: second specialist asked after"),
    "department": _("Not answered: department asked after"),
    "desk": _("Not answered: scheduler told after"),
    "session": _("Call held"),
    "answer": _("Answer without a call"),
    "opinion": _("Opinion signed"),
}
MAY_BE_EMPTY = {*CHAIN, "answer"}


class ClockForm(forms.Form):
    """`known` is the version the page showed: whoever published meanwhile was first."""

    known = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, table: ClockTable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["known"].initial = table.number
        for row in ROWS:
            for urgency, label in Urgency.choices:
                amount, unit = table.spans.get(row, {}).get(urgency) or (None, ClockTable.Unit.MINUTES)
                words = f"{WORDS[row]} · {label}"
                self.fields[f"{row}_{urgency}"] = forms.IntegerField(
                    label=words,
                    min_value=0,
                    max_value=99_999,
                    initial=amount,
                    required=row not in MAY_BE_EMPTY,
                    widget=forms.NumberInput(attrs={"class": "input clock-amount"}),
                )
                self.fields[f"{row}_{urgency}_unit"] = forms.ChoiceField(
                    label=words,
                    choices=ClockTable.Unit.choices,
                    initial=unit,
                    widget=forms.Select(attrs={"class": "select clock-unit", "aria-label": f"{words} · {_('Unit')}"}),
                )

    def rows(self) -> Iterator[tuple[str | Promise, list[tuple[Any, Any, Any]]]]:
        """Words of a row, and for each urgency its label and both fields."""
        for row in ROWS:
            cells: list[tuple[Any, Any, Any]] = [
                (label, self[f"{row}_{urgency}"], self[f"{row}_{urgency}_unit"]) for urgency, label in Urgency.choices
            ]
            yield WORDS[row], cells

    def spans(self) -> Spans:
        found: Spans = {}
        for row in ROWS:
            found[row] = {}
            for urgency in Urgency.values:
                amount = self.cleaned_data[f"{row}_{urgency}"]
                unit = self.cleaned_data[f"{row}_{urgency}_unit"]
                found[row][urgency] = None if amount is None else (amount, unit)
        return found
