"""What a person must acknowledge, on every page; and for schedulers what reached nobody."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.models import Alert, Delivery
from consult.notify import texts
from consult.policies import alert as alerts_policies
from consult.services import alert as alerts
from consult.services import answer
from consult.views.reading import browser_of

MOST = 5
"""Shown at once; the bell has the others."""
PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert with its words; `act` is the move by which this person answers, "" when opening it is the answer."""

    alert: Alert
    words: str
    act: str


@require_safe
@login_required
def open_ones(request: HttpRequest) -> HttpResponse:
    """Fragment: what rings, and what else waits to be acknowledged; the same number of queries for any number."""
    own = alerts_policies.own_alerts(request.user).filter(alerts_policies.OPEN)
    full = own.select_related("notification__consultation__patient", "notification__consultation__hospital")
    rows = list(full.prefetch_related("notification__consultation__participants").order_by("-rings", "-at")[: MOST + 1])
    alerts.shown(Alert.objects.filter(pk__in=[row.pk for row in rows]))
    shown = [_shown(request, row) for row in rows[:MOST]]
    context = {
        "rings": [one for one in shown if one.alert.rings][:1],
        "others": [one for one in shown if not one.alert.rings],
        "more": len(rows) > MOST,
        "reach": alerts_policies.reach_of(request.user),
    }
    return render(request, "alert/_open.html", context)


def _shown(request: HttpRequest, row: Alert) -> Shown:
    thing = row.notification.consultation
    legal = policies.moves(request.user, thing) if thing and row.rings else set()
    act = next((name for name in ("accept", "take") if name in legal), "")
    return Shown(row, texts.text(row.notification.kind, str(thing)), act)


@require_POST
@login_required
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Taken note of; with `cannot` also why this person cannot come now."""
    row = get_object_or_404(alerts_policies.own_alerts(request.user).select_related("notification"), pk=pk)
    page = request.headers.get("HX-Current-URL", "") or request.headers.get("Referer", "")
    on = f"{page.split('?')[0][-100:]} · {browser_of(request)}"
    if "cannot" in request.POST:
        answer.cannot(rung=row, by=request.user, words=request.POST.get("words", ""), on=on)
    else:
        alerts.acknowledge(alert=row, by=request.user, on=on)
    if not getattr(request, "htmx", False):
        return redirect("notifications")
    response = HttpResponse(status=204)
    response["HX-Trigger"] = "news"
    return response


@dataclass(frozen=True, slots=True)
class Unreached:
    alert: Alert
    words: str
    why: list[tuple[str | Promise, str | Promise]]


@require_safe
@login_required
def unreached(request: HttpRequest) -> HttpResponse:
    """Whom an alert did not reach, and why, by each way."""
    if not alerts_policies.may_see_unreached(request.user):
        raise Http404
    rows = alerts_policies.unreached(request.user)
    rows = rows.select_related("notification__person", "notification__consultation").prefetch_related("deliveries")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    found = [
        Unreached(row, texts.text(row.notification.kind, str(row.notification.consultation)), _why(row)) for row in page
    ]
    name = "alert/_unreached.html" if getattr(request, "htmx", False) else "alert/unreached.html"
    return render(request, name, {"page": page, "found": found})


def _why(row: Alert) -> list[tuple[str | Promise, str | Promise]]:
    """Each way and what became of it."""
    ways: list[tuple[str | Promise, str | Promise]] = [
        (one.get_channel_display(), _state(one)) for one in row.deliveries.all()
    ]
    page: tuple[str | Promise, str | Promise] = (_("Open page"), _("shown") if row.shown_at else _("no page was open"))
    ways = ways or [(_("Other ways"), _("none is set up for this person"))]
    return [page, *ways]


def _state(row: Delivery) -> str | Promise:
    if row.sent_at:
        return _("taken")
    if row.failed_at:
        return _("given up after %(count)s tries: %(why)s") % {"count": row.attempts, "why": row.error}
    if row.dropped_at:
        return _("not needed any more")
    if row.attempts:
        return _("tried %(count)s times: %(why)s") % {"count": row.attempts, "why": row.error}
    return _("not yet due")
