"""The page on which the province sets its clocks."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consult.errors import Refusal
from consult.forms.clock import ClockForm
from consult.models import ClockTable
from consult.policies import clock as policies
from consult.services import clock as clocks

SHOWN = 20
"""Earlier versions."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """GET: the table that counts now, and who changed it when. POST: the next version."""
    if not policies.may_set(request.user):
        raise Http404
    table = clocks.current()
    form = ClockForm(request.POST or None, table=table)
    if request.method == "POST" and form.is_valid():
        try:
            clocks.publish(by=request.user, spans=form.spans(), known=form.cleaned_data["known"])
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("The clocks are set. Those that run keep what they started with."))
            return redirect("clocks")
    versions = ClockTable.objects.select_related("by")[:SHOWN]
    context = {"form": form, "table": table, "versions": versions}
    return render(request, "clock/page.html", context, status=422 if form.errors else 200)
