"""Statistics: a sentence, a chart and a table for each question; the tables as CSV."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from consult.forms.statistics import FilterForm
from consult.models import AuditEntry, Hospital, Specialty, User
from consult.paper import chart
from consult.policies import person
from consult.policies import statistics as policies
from consult.services import statistics
from consult.services.statistics import Line, Report, Spread

STEPS: dict[str, str | Promise] = {
    "triage": gettext_lazy("From sending to the last offer"),
    "accept": gettext_lazy("From the offer to acceptance"),
    "start": gettext_lazy("From acceptance to the call"),
    "call": gettext_lazy("Length of the call"),
    "opinion": gettext_lazy("From the call, or acceptance, to the opinion"),
    "whole": gettext_lazy("From sending to the opinion"),
}
MOVES: dict[str, str | Promise] = {"decline": gettext_lazy("Declined"), "return_": gettext_lazy("Returned")}
SHOWN = 12  # bars of a chart; the table has all lines


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The page, or with `csv=<table>` that table."""
    if not policies.may_count(request.user):
        raise Http404
    may_compare = policies.may_compare(request.user)
    form = FilterForm(request.GET or None, may_compare=may_compare)
    filters = form.filters
    found = statistics.report(policies.counted(request.user), filters)
    tables = _tables(found, may_compare=may_compare)
    if wanted := request.GET.get("csv"):
        table = next((one for one in tables if one["name"] == wanted), None)
        if table is None:
            raise Http404
        return _csv(table, f"{wanted}-{filters.first}-{filters.last}.csv")
    context = {"form": form, "filters": filters, "total": found.total, "tables": tables, "steps": found.steps}
    if person.is_regulator(request.user):
        context["audit_last"] = AuditEntry.objects.order_by("-seq").first()
    return render(request, "statistics/page.html", context, status=422 if form.errors else 200)


def _tables(found: Report, *, may_compare: bool) -> list[dict[str, Any]]:
    hospitals = {row.pk: str(row) for row in Hospital.objects.all()}
    specialties = {key: str(words) for key, words in Specialty.choices}
    tables = [
        _steps(found.steps),
        _grouped("months", _("By month"), _("Month"), found.months, {}),
        _verdicts(found.total),
        _grouped("hospitals", _("By asking hospital"), _("Hospital"), found.hospitals, hospitals),
        _grouped("answering", _("By answering hospital"), _("Hospital"), found.answering, hospitals),
        _grouped("specialties", _("By specialty"), _("Specialty"), found.specialties, specialties),
    ]
    if may_compare:
        keys = [line.key for line in found.experts]
        experts = {row.pk: row.display_name for row in User.objects.filter(pk__in=keys)}
        tables.append(_grouped("experts", _("By specialist"), _("Specialist"), found.experts, experts))
    tables.append(_reasons(found))
    return tables


def _steps(spreads: list[Spread]) -> dict[str, Any]:
    rows = [
        [
            STEPS[one.name], one.count, minutes(one.median), minutes(one.p90), minutes(one.longest),
            "–" if one.late is None else one.late,
        ]
        for one in spreads
    ]  # fmt: skip
    whole = spreads[-1]
    said = _("Half of the opinions were there within %(median)s of sending, nine of ten within %(p90)s.")
    sentence = said % {"median": minutes(whole.median), "p90": minutes(whole.p90)} if whole.count else ""
    figures = [
        (str(STEPS[one.name]), [(one.median, minutes(one.median)), (one.p90, minutes(one.p90))]) for one in spreads
    ]
    head = [_("Step"), _("Count"), _("Median"), _("9 of 10 within"), _("Longest"), _("Late")]
    drawn = chart.lying([_("Median"), _("9 of 10 within")], figures) if whole.count else None
    return _table("steps", _("Times"), sentence, head, rows, drawn)


def _grouped(name: str, title: str, first: str, lines: list[Line], labels: dict[Any, str]) -> dict[str, Any]:
    head = [
        first, _("Requests"), _("Answered"), _("Refusals"), _("Late, %"), _("Median"), _("9 of 10 within"),
        _("Adopted, %"), _("Diagnosis changed, %"), _("Transfers avoided"),
    ]  # fmt: skip
    rows = [[labels.get(line.key, str(line.key)), *_cells(line)] for line in lines]
    asked, answered = sum(line.requests for line in lines), sum(line.answered for line in lines)
    said = _("%(requests)s requests were sent, %(answered)s are answered.")
    shown = lines if name == "months" else lines[:SHOWN]
    figures = [
        (_short(name, row[0]), [(count, str(count)) for count in (line.requests, line.answered)])
        for line, row in zip(shown, rows, strict=False)
    ]
    draw = chart.standing if name == "months" and len(lines) <= 24 else chart.lying
    drawn = draw([_("Requests"), _("Answered")], figures) if asked else None
    return _table(name, title, said % {"requests": asked, "answered": answered} if asked else "", head, rows, drawn)


def _short(name: str, label: str) -> str:
    """Under a column there is room for the month only; the table names the year."""
    return label[5:] if name == "months" else label


def _cells(line: Line) -> list[Any]:
    return [
        line.requests, line.answered, line.refusals, share(line.late, line.requests), minutes(line.median),
        minutes(line.p90), share(line.adopted + line.partly, line.decided), share(line.changed, line.compared),
        line.avoided,
    ]  # fmt: skip


def _verdicts(total: Line) -> dict[str, Any]:
    refused = total.decided - total.adopted - total.partly
    counts = [(_("Adopted"), total.adopted), (_("Partly adopted"), total.partly), (_("Not adopted"), refused)]
    rows = [[label, count, share(count, total.decided)] for label, count in counts]
    rows.append(
        [
            _("Main diagnosis changed, of those coded before and after"),
            total.changed,
            share(total.changed, total.compared),
        ]
    )
    rows.append([_("Transfers avoided: asked whether to transfer, answered, and not referred"), total.avoided, ""])
    said = _("Of %(decided)s opinions decided about, %(share)s%% were adopted wholly or partly.")
    words = {"decided": total.decided, "share": share(total.adopted + total.partly, total.decided)}
    figures = [(label, [(count, str(count))]) for label, count in counts]
    drawn = chart.lying([_("Opinions")], figures) if total.decided else None
    sentence = said % words if total.decided else ""
    return _table("verdicts", _("What came of the opinions"), sentence, ["", _("Count"), "%"], rows, drawn)


def _reasons(found: Report) -> dict[str, Any]:
    rows = [[MOVES[move], words, count] for move, words, count in found.reasons]
    said = _("%(count)s times a request was declined or returned.") % {"count": found.total.refusals}
    return _table(
        "reasons", _("Refusals and their reasons"), said if rows else "", ["", _("Reason"), _("Count")], rows, None
    )


def _table(
    name: str, title: str, sentence: str, head: list[str], rows: list[list[Any]], drawn: chart.Chart | None
) -> dict[str, Any]:
    words = 2 if name == "reasons" else 1
    return {
        "name": name,
        "title": title,
        "sentence": sentence,
        "head": head,
        "rows": rows,
        "lines": [(row[:words], row[words:]) for row in rows],
        "chart": drawn,
        "words": words,
    }


def minutes(value: float | None) -> str:
    """Minutes in words: 12 min, 3.5 h, 2.1 d."""
    if value is None:
        return "–"
    if value < 90:
        return _("%(n)s min") % {"n": f"{value:.0f}"}
    if value < 48 * 60:
        return _("%(n)s h") % {"n": f"{value / 60:.1f}"}
    return _("%(n)s d") % {"n": f"{value / 1440:.1f}"}


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


def _csv(table: dict[str, Any], name: str) -> HttpResponse:
    """UTF-8 with a mark, so that spreadsheets read the Chinese; no cell begins a formula."""
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    csv.writer(answer).writerows(_harmless([table["head"], *table["rows"]]))
    return answer


def _harmless(rows: Iterable[Iterable[Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield ["'" + cell if cell[:1] in "=+-@\t\r" and cell else cell for cell in map(str, row)]
