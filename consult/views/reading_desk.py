"""Reading desks: which departments have one, and the templates of one's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult.errors import Refusal
from consult.forms.triage import TemplateForm
from consult.models import Department, ReportTemplate, Role, User
from consult.policies import person
from consult.policies import reading_desk as policies
from consult.services import reading_desk as desks


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Departments and whether they read, for schedulers."""
    if not person.is_scheduler(request.user):
        raise Http404
    return render(request, "reading_desk/page.html", {"departments": policies.runnable_departments(request.user)})


@require_POST
@login_required
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    department = get_object_or_404(policies.runnable_departments(request.user), pk=pk)
    desks.set_reads(department=department, by=request.user, reads=request.POST.get("reads") == "yes")
    said = _("%(name)s reads images now.") if department.reads else _("%(name)s has no desk any more.")
    messages.success(request, said % {"name": department})
    return redirect("reading-desks")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def templates(request: HttpRequest) -> HttpResponse:
    """GET: one's templates, and the form for another. POST: keep that."""
    return _form(request, _department(request.user), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def template(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them, with its form."""
    row = get_object_or_404(policies.visible_templates(request.user), pk=pk)
    return _form(request, row.department, row)


def _department(user: User) -> Department:
    """Where a new template goes: the first desk this person reads at."""
    role = next(
        (one for one in person.roles_of(user, Role.Kind.EXPERT) if one.department and one.department.reads), None
    )
    if role is None or role.department is None:
        raise Http404
    return role.department


def _form(request: HttpRequest, department: Department, row: ReportTemplate | None) -> HttpResponse:
    form = TemplateForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        kept = ReportTemplate.objects.get(pk=row.pk) if row else None  # the form has changed its own
        try:
            desks.keep_template(department=department, by=request.user, fields=form.cleaned_data, template=kept)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("The template is kept."))
            return redirect("report-templates")
    context = {
        "form": form,
        "department": department,
        "row": row,
        "templates": policies.visible_templates(request.user),
    }
    return render(request, "reading_desk/templates.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(policies.visible_templates(request.user), pk=pk)
    desks.delete_template(template=row, by=request.user)
    messages.success(request, _("The template is deleted."))
    return redirect("report-templates")
