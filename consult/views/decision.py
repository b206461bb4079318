"""What the asking side does with a signed opinion."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consult import policies
from consult.errors import Refusal
from consult.forms.opinion import DecisionForm
from consult.models import Consultation, Decision, OpinionVersion
from consult.services import decision as decisions
from consult.services.moves import check
from consult.views.answers import acted
from consult.views.reading import opened


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the decision, or the form for it. POST: record it for the newest signed version."""
    if request.method != "POST":
        return render(request, "decision/_section.html", section_context(request, opened(request, pk)))
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    check(consultation=consultation, name="decide", by=request.user)
    version = get_object_or_404(policies.visible_versions(request.user, consultation), pk=_number(request))
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            decisions.record(version=version, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, consultation, _("Your decision is recorded. The specialist has been told."))
    context = section_context(request, consultation) | {"decision_form": form}
    name = "decision/_section.html" if getattr(request, "htmx", False) else "decision/page.html"
    return render(request, name, context, status=422)


def _number(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else 0


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    newest = policies.newest_visible(request.user, consultation)
    rows = Decision.objects.filter(consultation_id=consultation.pk).select_related("by", "version").order_by("-pk")
    may_decide = bool(newest) and policies.may(request.user, "decide", consultation)
    return {
        "consultation": consultation,
        "decisions": list(rows),
        "may_decide": may_decide,
        "newest": newest,
        "decision_form": DecisionForm(initial=_offered(newest)) if may_decide else None,
    }


def _offered(version: OpinionVersion | None) -> dict[str, Any]:
    if version is None:
        return {}
    coded = version.about.get("codes", {}).get("diagnosis", [])
    return {"final_diagnosis": version.diagnosis, "final_codes": [each["code"] for each in coded]}
