"""The triage desk, and the board of what is late for a wall."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.policies import desk as desks
from consult.policies.clock import may_set
from consult.services import triage
from consult.views.acts import Act
from consult.views.answers import acted
from consult.views.steps import Step, step

PER_PAGE = 20
ON_BOARD = 14
"""Lines that a wall screen shows at a size read from five metres."""
SOON = timedelta(minutes=15)


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The queue by clock, each request with its checklist; the same number of queries for any number of rows."""
    if not desks.may_run_desk(request.user):
        raise Http404
    shown = Paginator(desks.queue(request.user), PER_PAGE).get_page(request.GET.get("page"))
    steps = [(one, step(request.user, one)) for one in shown]
    rows = [(one, it, _acts(it), desks.checklist(one)) for one, it in steps]
    name = "desk/_queue.html" if getattr(request, "htmx", False) else "desk/page.html"
    return render(request, name, {"page": shown, "rows": rows, "may_set": may_set(request.user)})


def _acts(it: Step) -> list[Act]:
    """What a line offers in place: the first act, the others, and sending it back."""
    return ([it.act] if it.act else []) + it.others + [act for act in it.more if act.move == "return_"]


@require_safe
@login_required
def board(request: HttpRequest) -> HttpResponse:
    if not desks.may_see_board(request.user):
        raise Http404
    rows = desks.board(request.user)
    now = timezone.now()
    late, soon = Q(due_at__lte=now), Q(due_at__gt=now, due_at__lte=now + SOON)
    context: dict[str, Any] = rows.order_by().aggregate(
        late=Count("pk", filter=late), soon=Count("pk", filter=soon), running=Count("pk")
    )
    context |= {"rows": rows[:ON_BOARD], "more": max(0, context["running"] - ON_BOARD), "at": now}
    name = "desk/_board.html" if getattr(request, "htmx", False) else "desk/board.html"
    return render(request, name, context)


@require_POST
@login_required
def urge(request: HttpRequest, pk: int) -> HttpResponse:
    """Reminds whoever has to act, by an alert."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    triage.urge(consultation=consultation, by=request.user)
    return acted(request, consultation, _("Urged. It comes as an alert."))
