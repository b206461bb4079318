"""The calendar of public holidays: everybody who plans reads it, the province's schedulers keep it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from consult.errors import Refusal
from consult.forms.holiday import HolidayForm
from consult.models import Holiday
from consult.policies import holiday as policies
from consult.policies import person
from consult.services import holiday as holidays


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """GET: a year. POST: further days."""
    if not person.is_scheduler(request.user):
        raise Http404
    may = policies.may_keep(request.user)
    if request.method == "POST" and not may:
        raise Http404
    said = request.GET.get("year", "")
    year = int(said) if said.isdigit() and 1990 <= int(said) <= 2200 else timezone.localdate().year
    form = HolidayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            holidays.enter(by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("The calendar is changed. Rules and clocks that count working days follow it."))
            return redirect(f"{request.path}?year={form.cleaned_data['first'].year}")
    rows = Holiday.objects.filter(day__year=year)
    context = {"form": form, "rows": rows, "year": year, "may": may, "before": year - 1, "after": year + 1}
    return render(request, "roster/holidays.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    if not policies.may_keep(request.user):
        raise Http404
    row = get_object_or_404(Holiday, pk=pk)
    year = row.day.year
    holidays.remove(by=request.user, holiday=row)
    return redirect(f"{reverse('holidays')}?year={year}")
