"""The page of flagged consultations, for schedulers and the regulator."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult.errors import Refusal
from consult.forms.guard import ReviewForm
from consult.models import Flag
from consult.policies import guard as policies
from consult.services import guard

PER_PAGE = 20
RELATED = (
    "consultation__patient", "consultation__hospital", "consultation__asked_hospital", "consultation__expert",
    "reviewed_by",
)  # fmt: skip


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Open ones first, or with `?state=` those that were reviewed."""
    if not policies.may_review(request.user):
        raise Http404
    return _shown(request, None)


def _shown(request: HttpRequest, wrong: tuple[int, ReviewForm] | None) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in Flag.State.values else Flag.State.OPEN
    rows = policies.visible_flags(request.user).filter(state=state).select_related(*RELATED)
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    number, form = wrong or (0, None)
    found = []
    for flag in shown:
        own = form if flag.pk == number and form else ReviewForm(auto_id=f"review_{flag.pk}_%s")
        found.append((flag, guard.evidence(flag), own))
    context = {"rows": found, "page": shown, "state": state, "states": Flag.State.choices}
    return render(request, "guard/page.html", context, status=422 if wrong else 200)


@require_POST
@login_required
def review(request: HttpRequest, pk: int) -> HttpResponse:
    flag = get_object_or_404(policies.visible_flags(request.user), pk=pk)
    form = ReviewForm(request.POST, auto_id=f"review_{pk}_%s")
    if form.is_valid():
        try:
            guard.review(flag=flag, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("The review is recorded."))
            return redirect("guard")
    return _shown(request, (pk, form))
