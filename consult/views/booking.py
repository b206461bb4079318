"""The time of the call: choosing it, and everybody's list of what is booked."""

from collections import Counter
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult import policies
from consult.errors import Refusal
from consult.forms.booking import HoldForm, OverrideForm, ReasonOfMoveForm, lengths
from consult.forms.consultation import ReasonForm
from consult.models import Booking, Consultation, User
from consult.policies import booking as bookings
from consult.services import booking
from consult.services.moves import check
from consult.views.answers import acted
from consult.views.steps import Step, step

SHOWN = 200
Slots = list[tuple[date, list[tuple[bookings.Slot, str]]]]


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """What is booked, what no longer fits the roster, who waits; also its own fragment."""
    rows = list(bookings.mine(request.user)[:SHOWN])
    lost = {row.pk for row in bookings.conflicts(rows)}
    days = [(day, list(of_day)) for day, of_day in groupby(rows, key=lambda row: timezone.localdate(row.starts_at))]
    line = [(one, step(request.user, one.consultation)) for one in bookings.waiting(request.user)[:SHOWN]]
    context = {
        "days": [(day, [(row, _step(request.user, row), row.pk in lost) for row in of_day]) for day, of_day in days],
        "conflicts": [row for row in rows if row.pk in lost],
        "line": line,
        "is_scheduler": policies.is_scheduler(request.user),
        "zone": settings.TIME_ZONE,
        "today": timezone.localdate(),
    }
    name = "booking/_mine.html" if getattr(request, "htmx", False) else "booking/mine.html"
    return render(request, name, context)


def _step(user: User, row: Booking) -> Step:
    return step(user, row.consultation)


def _seen(request: HttpRequest, pk: int) -> Consultation:
    shown = policies.visible_consultations(request.user)
    related = ("patient", "hospital", "expert", "asked_department", "asked_hospital")
    thing = get_object_or_404(shown.select_related(*related), pk=pk)
    check(consultation=thing, name="schedule", by=request.user)  # before any form: 403 and 409 come first
    return thing


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The free times by day; a POST holds one of them for a few minutes."""
    thing = _seen(request, pk)
    form = HoldForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid():
        try:
            booking.hold(consultation=thing, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error("starts_at", str(refusal.message))
            return _page(request, thing, hold_form=form, status=refusal.status)
        return redirect("booking", thing.pk)
    return _page(request, thing, hold_form=form, status=422 if form else 200)


def _page(
    request: HttpRequest, thing: Consultation, status: int = 200, **forms_sent: forms.Form | None
) -> HttpResponse:
    minutes = _minutes(request) or bookings.length(thing)
    held = thing.bookings.filter(state=Booking.State.HELD, held_until__gt=timezone.now()).first()
    booked = thing.bookings.filter(state=Booking.State.BOOKED).first()
    context: dict[str, Any] = {
        "consultation": thing,
        "held": held,
        "booked": booked,
        "days": by_day([slot for slot in bookings.free(thing, minutes) if not booked or not _is(slot, booked)]),
        "due": bookings.due_at(thing),
        "minutes": minutes,
        "lengths": lengths(),
        "zone": settings.TIME_ZONE,
        "waits": thing.waitings.filter(ended_at=None).first(),
        "may_override": bookings.may_override(request.user, thing),
        "move_form": ReasonOfMoveForm(),
        "cancel_form": ReasonForm(),
        "override_form": OverrideForm(initial={"minutes": minutes}),
        "horizon": bookings.horizon(thing).days,
    }
    context |= {name: form for name, form in forms_sent.items() if form is not None}
    return render(request, "booking/page.html", context, status=status)


def _is(slot: bookings.Slot, booked: Booking) -> bool:
    return (slot.starts_at, slot.ends_at) == (booked.starts_at, booked.ends_at)


def _minutes(request: HttpRequest) -> int:
    asked = request.POST.get("minutes") or request.GET.get("minutes", "")
    return int(asked) if asked.isdigit() and int(asked) in bookings.LENGTHS else 0


def by_day(slots: list[bookings.Slot]) -> Slots:
    """Days of the site's zone, each time with its words; one that comes twice a day says in which offset."""
    days: Slots = []
    for day, of_day in groupby(slots, key=lambda slot: timezone.localdate(slot.starts_at)):
        rows = list(of_day)
        twice = Counter(_time(slot.starts_at) for slot in rows)
        days.append((day, [(slot, _words(slot.starts_at, twice)) for slot in rows]))
    return days


def _time(at: datetime) -> str:
    return date_format(timezone.localtime(at), "H:i")


def _words(at: datetime, twice: Counter[str]) -> str:
    words = _time(at)
    return f"{words} {timezone.localtime(at):%Z}" if twice[words] > 1 else words


@require_POST
@login_required
def book(request: HttpRequest, pk: int) -> HttpResponse:
    thing = _seen(request, pk)
    form = ReasonOfMoveForm(request.POST)
    if form.is_valid():
        try:
            booking.book(consultation=thing, by=request.user, reason=form.cleaned_data["reason"])
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error("reason", str(refusal.message))
        else:
            return acted(request, thing, _("Booked. Both sides have been told."))
    return _page(request, thing, move_form=form, status=422)


@require_POST
@login_required
def release(request: HttpRequest, pk: int) -> HttpResponse:
    thing = _seen(request, pk)
    booking.release(consultation=thing, by=request.user)
    return redirect("booking", thing.pk)


@require_POST
@login_required
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """The appointment, not the consultation."""
    thing = _seen(request, pk)
    check(consultation=thing, name="unschedule", by=request.user, reason="-")
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, thing, cancel_form=form, status=422)
    booking.cancel(consultation=thing, by=request.user, **form.cleaned_data)
    return acted(request, thing, _("The appointment is cancelled. Everybody has been told."))


@require_POST
@login_required
def wait(request: HttpRequest, pk: int) -> HttpResponse:
    thing = _seen(request, pk)
    act = booking.stop_waiting if "stop" in request.POST else booking.wait
    act(consultation=thing, by=request.user)
    return redirect("booking", thing.pk)


@require_POST
@login_required
def override(request: HttpRequest, pk: int) -> HttpResponse:
    thing = _seen(request, pk)
    form = OverrideForm(request.POST)
    if form.is_valid():
        try:
            booking.override(consultation=thing, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, thing, _("Booked. Who lost their time has been told."))
    return _page(request, thing, override_form=form, status=422)
