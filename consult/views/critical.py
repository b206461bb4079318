"""Critical findings on a consultation's page: said, read back, confirmed."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import Refusal
from consult.forms.opinion import ReadBackForm
from consult.models import Consultation, CriticalFinding
from consult.policies import critical as findings_policies
from consult.services import critical
from consult.views.answers import acted
from consult.views.reading import opened


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "critical/_section.html", section_context(request, opened(request, pk)))


def section_context(
    request: HttpRequest, consultation: Consultation, form: ReadBackForm | None = None
) -> dict[str, Any]:
    """`form` is one that was not right; there is one open finding at most."""
    rows = list(findings_policies.visible_findings(request.user, consultation).filter(replaced=False))
    for row in rows:
        row.consultation = consultation
        row.may_read_back = findings_policies.may_read_back(request.user, row)  # type: ignore[attr-defined]
        row.may_confirm = findings_policies.may_confirm(request.user, row)  # type: ignore[attr-defined]
        row.form = form or ReadBackForm(auto_id=f"critical_{row.pk}_%s")  # type: ignore[attr-defined]
    reading_back = any(row.may_read_back for row in rows)  # type: ignore[attr-defined]
    return {"consultation": consultation, "findings": rows, "reading_back": reading_back}


def _found(request: HttpRequest, pk: int, number: int) -> CriticalFinding:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    rows = findings_policies.visible_findings(request.user, consultation).select_related("consultation", "version")
    return get_object_or_404(rows, pk=number)


@require_safe
@login_required
def waiting(request: HttpRequest) -> HttpResponse:
    """What this person should see to, on the home page."""
    return render(request, "critical/_waiting.html", waiting_context(request))


def waiting_context(request: HttpRequest) -> dict[str, Any]:
    rows = findings_policies.open_findings(request.user).select_related("consultation__patient")
    return {"critical_findings": list(rows)}


@require_POST
@login_required
def read_back(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    finding = _found(request, pk, number)
    form = ReadBackForm(request.POST, auto_id=f"critical_{number}_%s")
    if form.is_valid():
        try:
            critical.read_back(finding=finding, by=request.user, words=form.cleaned_data["words"])
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error("words", str(refusal.message))
        else:
            return acted(request, finding.consultation, _("Read back. The specialist is asked whether it is right."))
    context = section_context(request, opened(request, pk), form)
    name = "critical/_section.html" if getattr(request, "htmx", False) else "critical/page.html"
    return render(request, name, context, status=422)


@require_POST
@login_required
def confirm(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    finding = _found(request, pk, number)
    critical.confirm(finding=finding, by=request.user)
    return acted(request, finding.consultation, _("Confirmed: the finding was understood."))


@require_POST
@login_required
def send_back(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    finding = _found(request, pk, number)
    critical.send_back(finding=finding, by=request.user)
    return acted(request, finding.consultation, _("The asking side is told to read the finding again."))
