"""A specialist's own shifts, the feed for their calendar program, and how shifts are shared out (for schedulers)."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult.forms.plan import PeriodForm
from consult.models import RosterFeed
from consult.policies import holiday, person
from consult.policies import plan as plans
from consult.policies import swap as swaps
from consult.services import fairness, feed
from consult.views.roster import chosen_places, options

AHEAD = timedelta(days=56)
LONGEST = 366


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """GET: eight weeks of shifts. POST: a new address of the feed, shown in the answer and never again."""
    if not person.is_expert(request.user):
        raise Http404
    address = ""
    if request.method == "POST":
        secret = feed.make(by=request.user)
        address = request.build_absolute_uri(reverse("roster-feed", args=[secret]))
    now = timezone.now()
    rows = swaps.own_shifts(request.user).filter(ends_at__gt=now, starts_at__lt=now + AHEAD)
    asked = set(
        swaps.visible_swaps(request.user)
        .filter(state__in=swaps.OPEN, shift__in=rows)
        .values_list("shift_id", flat=True)
    )
    weeks = [
        (monday, list(own)) for monday, own in groupby(rows, lambda row: _monday(timezone.localdate(row.starts_at)))
    ]
    shown = [
        (monday, [(row, row.starts_at > now and row.pk not in asked, row.pk in asked) for row in own], _is_free(own))
        for monday, own in weeks
    ]
    context: dict[str, Any] = {
        "weeks": shown,
        "now": now,
        "address": address,
        "feed": RosterFeed.objects.filter(person=request.user, revoked_at=None).first(),
        "waiting": swaps.visible_swaps(request.user).filter(state__in=swaps.OPEN).count(),
    }
    answer = render(request, "roster/own.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _is_free(rows: list[Any]) -> int:
    """Shifts of the week that begin on a free day."""
    return sum(1 for row in rows if not holiday.is_workday(timezone.localdate(row.starts_at)))


@require_POST
@login_required
def revoke(request: HttpRequest) -> HttpResponse:
    if not person.is_expert(request.user):
        raise Http404
    feed.revoke(by=request.user)
    messages.success(request, _("The address is revoked. Calendar programs find nothing there any more."))
    return redirect("roster-mine")


@require_safe
def ics(request: HttpRequest, secret: str) -> HttpResponse:
    """For calendar programs, which sign in by nothing but this address."""
    found = feed.fetch(secret=secret)
    if found is None:
        raise Http404
    answer = HttpResponse(found, content_type="text/calendar; charset=utf-8")
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Disposition"] = 'inline; filename="roster.ics"'
    return answer


@require_safe
@login_required
def shares(request: HttpRequest) -> HttpResponse:
    """How hours, nights and free days are shared out in a period, by default the month."""
    places = list(plans.plannable_departments(request.user))
    if not places:
        raise Http404
    of, chosen = chosen_places(places, request.GET.get("of", ""))
    today = timezone.localdate()
    first, last = today.replace(day=1), (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    form = PeriodForm({"first": request.GET.get("first") or first, "last": request.GET.get("last") or last})
    if form.is_valid() and not 0 <= (form.cleaned_data["last"] - form.cleaned_data["first"]).days < LONGEST:
        form.add_error("last", _("Choose a period of a year at most."))
    rows = fairness.shares(chosen, form.cleaned_data["first"], form.cleaned_data["last"]) if not form.errors else []
    context = {
        "options": options(places),
        "of": of,
        "form": form,
        "rows": rows,
        "most": max([row.hours for row in rows], default=0) or 1,
        "mean": sum(row.hours for row in rows) / len(rows) if rows else 0,
    }
    return render(request, "roster/fairness.html", context, status=422 if form.errors else 200)
