"""The roster's calendar: a week or a month of a department or a hospital, and where a shift is dragged to."""

import calendar as months
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult.errors import Refusal
from consult.forms.plan import MoveForm
from consult.models import Department, Hospital
from consult.policies import plan as policies
from consult.policies.swap import visible_swaps
from consult.services import calendar, plan
from consult.states import SwapState
from consult.views.entries import found_entry


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """`of`: d and a department's number, or h and a hospital's. `view`: week or month. `day`: any day in it."""
    places = list(policies.plannable_departments(request.user))
    if not places:
        raise Http404
    of, chosen = chosen_places(places, request.GET.get("of", ""))
    day = _day(request.GET.get("day", ""))
    is_month = request.GET.get("view") == "month"
    first, last = _month(day) if is_month else _week(day)
    shown = calendar.show(chosen, first, last)
    for one in shown.days:
        one.is_inside = not is_month or one.day.month == day.month
    context: dict[str, Any] = {
        "options": options(places),
        "of": of,
        "department": chosen[0] if len(chosen) == 1 else None,
        "calendar": shown,
        "view": "month" if is_month else "week",
        "day": day,
        "first": first,
        "last": last,
        "before": _step(day, is_month, -1),
        "after": _step(day, is_month, 1),
        "today": timezone.localdate(),
        "swaps_waiting": visible_swaps(request.user).filter(state=SwapState.ACCEPTED).count(),
        "levels": ["duty", "on_call", "standby"],
    }
    name = "roster/_calendar.html" if getattr(request, "htmx", False) else "roster/page.html"
    return render(request, name, context)


def options(places: list[Department]) -> list[tuple[Hospital, list[tuple[str, str]]]]:
    """By hospital: its departments, and all of them together."""
    found: dict[int, tuple[Hospital, list[tuple[str, str]]]] = {}
    for place in places:
        hospital, choices = found.setdefault(place.hospital_id, (place.hospital, []))
        choices.append((f"d{place.pk}", f"{place} · {hospital}"))
    for hospital, choices in found.values():
        choices.append((f"h{hospital.pk}", _("All departments · %(hospital)s") % {"hospital": hospital}))
    return list(found.values())


def chosen_places(places: list[Department], of: str) -> tuple[str, list[Department]]:
    """What is asked for, else the department with the most specialists."""
    kind, number = of[:1], of[1:]
    if number.isdigit():
        found = [place for place in places if number == str(place.pk if kind == "d" else place.hospital_id)]
        if found and kind in {"d", "h"}:
            return of, found
    if of:
        raise Http404
    people = Counter(policies.members(place.pk for place in places).values_list("department_id", flat=True))
    first = max(places, key=lambda place: people[place.pk])
    return f"d{first.pk}", [first]


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return timezone.localdate()
    return day if 1990 <= day.year <= 2200 else timezone.localdate()


def _week(day: date) -> tuple[date, date]:
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=6)


def _month(day: date) -> tuple[date, date]:
    """Whole weeks."""
    last = day.replace(day=months.monthrange(day.year, day.month)[1])
    return _week(day.replace(day=1))[0], _week(last)[1]


def _step(day: date, is_month: bool, by: int) -> date:
    if not is_month:
        return day + timedelta(days=7 * by)
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1) if by < 0 else (first + timedelta(days=31)).replace(day=1)


@require_POST
@login_required
def move(request: HttpRequest) -> HttpResponse:
    """A shift of the plan was dragged: to another day, to another person of its department, or both."""
    places: Iterable[int] = policies.plannable_departments(request.user).values_list("pk", flat=True)
    form = MoveForm(request.POST, members=policies.members(places))
    if not form.is_valid():
        raise Refusal("malformed", _("This move is not possible. Open the shift and change it there."))
    said = form.cleaned_data
    entry = found_entry(request.user, said["entry"])
    role = said["role"] or entry.role
    if role is None or role.department_id != entry.department_id:
        raise Refusal("other_department", _("A shift stays in its department. Plan it there anew."))
    if entry.rule:
        shape = {name: getattr(entry.change, name) for name in ("level", "starts", "minutes")} if entry.change else {}
        plan.replace(
            rule=entry.rule, day=entry.day, by=request.user, role=role, on=said["on"], known=said["known"], **shape
        )
    else:
        plan.set_extra(change=entry.extra, by=request.user, known=said["known"], role=role, on=said["on"])
    return HttpResponse(status=204)
