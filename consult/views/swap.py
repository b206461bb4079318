"""Swaps of shifts: asked from one's own roster, decided on one page by all three sides."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult.errors import Refusal
from consult.forms.swap import SwapForm
from consult.models import Swap
from consult.policies import person
from consult.policies import swap as policies
from consult.services import swap as swaps
from consult.states import SWAP_MOVES

PER_PAGE = 30
# move: words of its button, icon, whether it asks first
BUTTONS: dict[str, tuple[str | Promise, str, bool]] = {
    "accept": (gettext_lazy("Accept"), "check", False),
    "approve": (gettext_lazy("Approve"), "check-check", False),
    "decline": (gettext_lazy("Decline"), "x", True),
    "refuse": (gettext_lazy("Refuse"), "ban", True),
    "withdraw": (gettext_lazy("Withdraw"), "undo-2", True),
}


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Open ones first, each with what this person may do."""
    if not (person.is_expert(request.user) or person.is_scheduler(request.user)):
        raise Http404
    rows = policies.visible_swaps(request.user)
    waiting = [(row, _buttons(request, row)) for row in rows.filter(state__in=policies.OPEN)]
    done = Paginator(rows.exclude(state__in=policies.OPEN), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "roster/swaps.html", {"waiting": waiting, "page": done})


def _buttons(request: HttpRequest, row: Swap) -> list[tuple[str, str | Promise, str, bool]]:
    return [(name, *BUTTONS[name]) for name in policies.moves(request.user, row)]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a colleague to take one's shift."""
    shift = get_object_or_404(policies.own_shifts(request.user), pk=pk, starts_at__gt=timezone.now())
    form = SwapForm(request.POST or None, shift=shift)
    if request.method == "POST" and form.is_valid():
        taker, back = form.wanted()
        try:
            reason = form.cleaned_data["reason"]
            swaps.ask(by=request.user, shift=shift, taker=taker, back=back, reason=reason)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("Asked. When your colleague accepts, a scheduler approves it."))
            return redirect("roster-swaps")
    context = {"form": form, "shift": shift}
    return render(request, "roster/swap.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    row = get_object_or_404(policies.visible_swaps(request.user), pk=pk)
    if name not in SWAP_MOVES:
        raise Http404
    made = swaps.move(swap=row, by=request.user, name=name)
    messages.success(request, _("The swap is: %(state)s.") % {"state": made.get_state_display()})
    return redirect("roster-swaps")
