"""Before a roster is published: the differences, and what is wrong."""

from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from consult.errors import Refusal
from consult.forms.plan import PeriodForm
from consult.models import Publication
from consult.policies import plan as policies
from consult.policies import publication as previews
from consult.services import publication
from consult.views.plan import calendar_of

SHOWN = 10
"""Earlier publications."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what publishing would change from `first` to `last`. POST: that, exactly as it was shown."""
    department = get_object_or_404(policies.plannable_departments(request.user), pk=pk)
    today = timezone.localdate()
    said = request.POST or request.GET
    form = PeriodForm({"first": said.get("first") or today, "last": said.get("last") or today + timedelta(days=27)})
    first, last = today, today
    if form.is_valid():
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        if not 0 <= (last - first).days < previews.LONGEST:
            form.add_error("last", _("Choose a period of 62 days at most."))
    if request.method == "POST" and not form.errors:
        return _publish(request, pk, first, last)
    shown = previews.preview(department, first, last) if not form.errors else None
    context = {
        "department": department,
        "form": form,
        "shown": shown,
        "digest": shown.diff.digest() if shown else "",
        "earlier": Publication.objects.filter(department=department).select_related("by")[:SHOWN],
    }
    return render(request, "roster/publish.html", context, status=422 if form.errors else 200)


def _publish(request: HttpRequest, pk: int, first: date, last: date) -> HttpResponse:
    department = get_object_or_404(policies.plannable_departments(request.user), pk=pk)
    known = request.POST.get("known", "")
    if not known.isdigit():
        raise Refusal("malformed", _("Look at the differences first."))
    made = publication.publish(
        by=request.user,
        department=department,
        first=first,
        last=last,
        known=int(known),
        digest=request.POST.get("digest", ""),
    )
    count = made.added + made.removed + made.changed
    words = ngettext("Published: %(count)s change. ", "Published: %(count)s changes. ", count) % {"count": count}
    messages.success(request, words + _("Those concerned are told."))
    return calendar_of(pk, first)
