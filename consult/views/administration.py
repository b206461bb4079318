"""Administration without a developer: where everything is kept, hospitals, departments, agreements."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult.errors import Refusal
from consult.forms.administration import AgreementForm, DepartmentForm, HospitalForm
from consult.models import Hospital
from consult.policies import administration as policies
from consult.policies import person
from consult.services import administration

PER_PAGE = 30


def _checked(request: HttpRequest, *, province: bool = False) -> None:
    if not (policies.is_province(request.user) if province else person.is_scheduler(request.user)):
        raise Http404


def _done(form: ModelForm, act: Callable[[], object]) -> bool:
    """Whether the form was right and the service did it; what the service refuses stands at its field."""
    if not form.is_valid():
        return False
    try:
        act()
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        return False
    return True


def _form(request: HttpRequest, form: ModelForm, title: str, back: str, verb: str) -> HttpResponse:
    context = {"form": form, "title": title, "back": back, "verb": verb}
    return render(request, "administration/form.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """What is kept where, and the hospitals."""
    _checked(request)
    sought = request.GET.get("q", "").strip()
    rows = Paginator(policies.listed(request.user, sought), PER_PAGE).get_page(request.GET.get("page"))
    context = {"rows": rows, "sought": sought, "is_province": policies.is_province(request.user)}
    return render(request, "administration/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_hospital(request: HttpRequest) -> HttpResponse:
    _checked(request, province=True)
    form = HospitalForm(request.POST or None)
    if _done(form, lambda: administration.add_hospital(by=request.user, **form.cleaned_data)):
        messages.success(request, _("The hospital is there. Now enter its departments and agreements."))
        return redirect("hospital", Hospital.objects.get(code=form.cleaned_data["code"]).pk)
    return _form(request, form, _("New hospital"), reverse("administration"), _("Add the hospital"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def hospital(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: all of it. POST: its names, level and county."""
    _checked(request)
    row = get_object_or_404(policies.kept_hospitals(request.user), pk=pk)
    seen = Hospital.objects.get(pk=pk)  # the form writes into its own
    may_tier = policies.is_province(request.user)
    form = HospitalForm(request.POST or None, instance=row, may_tier=may_tier)
    if _done(form, lambda: administration.set_hospital(by=request.user, hospital=seen, **form.cleaned_data)):
        messages.success(request, _("Saved."))
        return redirect("hospital", pk)
    agreements = policies.kept_agreements(request.user)
    mine = agreements.filter(superior=seen) if seen.is_superior else agreements.filter(primary=seen)
    context: dict[str, Any] = {
        "hospital": seen,
        "form": form,
        "departments": seen.departments.order_by("-active", "name"),
        "agreements": mine.order_by("-valid_until", "pk"),
        "valid": set(mine.filter(policies.valid()).values_list("pk", flat=True)),
        "open": policies.open_here(seen),
        "is_province": may_tier,
    }
    return render(request, "administration/hospital.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def switch_hospital(request: HttpRequest, pk: int) -> HttpResponse:
    _checked(request, province=True)
    row = get_object_or_404(policies.kept_hospitals(request.user), pk=pk)
    administration.switch_hospital(by=request.user, hospital=row, active=request.POST.get("active") == "1")
    return redirect("hospital", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_department(request: HttpRequest, pk: int) -> HttpResponse:
    _checked(request)
    row = get_object_or_404(policies.kept_hospitals(request.user), pk=pk)
    form = DepartmentForm(request.POST or None)
    if _done(form, lambda: administration.add_department(by=request.user, hospital=row, **form.cleaned_data)):
        messages.success(request, _("The department is there."))
        return redirect("hospital", pk)
    title = _("New department of %(hospital)s") % {"hospital": row}
    return _form(request, form, title, reverse("hospital", args=[pk]), _("Add the department"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def department(request: HttpRequest, pk: int) -> HttpResponse:
    _checked(request)
    row = get_object_or_404(policies.kept_departments(request.user), pk=pk)
    seen = policies.kept_departments(request.user).get(pk=pk)
    form = DepartmentForm(request.POST or None, instance=row)
    if _done(form, lambda: administration.set_department(by=request.user, department=seen, **form.cleaned_data)):
        messages.success(request, _("Saved."))
        return redirect("hospital", row.hospital_id)
    context = {
        "form": form, "title": str(seen), "back": reverse("hospital", args=[seen.hospital_id]), "verb": _("Save"),
        "department": seen, "open": policies.open_in(seen),
    }  # fmt: skip
    return render(request, "administration/form.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def switch_department(request: HttpRequest, pk: int) -> HttpResponse:
    _checked(request)
    row = get_object_or_404(policies.kept_departments(request.user), pk=pk)
    administration.switch_department(by=request.user, department=row, active=request.POST.get("active") == "1")
    return redirect("hospital", row.hospital_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_agreement(request: HttpRequest) -> HttpResponse:
    _checked(request, province=True)
    given = request.GET.get("primary", "")
    form = AgreementForm(request.POST or None, initial={"primary": given} if given.isdigit() else None)
    if _done(form, lambda: administration.agree(by=request.user, **form.cleaned_data)):
        messages.success(request, _("The agreement is kept. It counts from its first day to its last."))
        return redirect("hospital", form.cleaned_data["primary"].pk)
    return _form(request, form, _("New agreement"), reverse("administration"), _("Keep the agreement"))


@require_POST
@login_required
def end_agreement(request: HttpRequest, pk: int) -> HttpResponse:
    _checked(request, province=True)
    row = get_object_or_404(policies.kept_agreements(request.user), pk=pk)
    administration.end_agreement(by=request.user, agreement=row, reason=request.POST.get("reason", ""))
    messages.success(request, _("The agreement has ended. What was asked under it goes on."))
    return redirect("hospital", row.primary_id)
