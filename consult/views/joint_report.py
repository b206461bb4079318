"""The joint report on a consultation's page: the chair's editor, how far it is, a member's word, the signing."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed, Refusal
from consult.forms.team import ConfirmReportForm, PutForm, ReportForm, SignReportForm
from consult.models import Consultation
from consult.policies import team as teams
from consult.services import joint_report
from consult.views.answers import acted
from consult.views.reading import opened
from consult.views.team import opinions_of

TEXTS = ("findings", "diagnosis", "diagnosis_codes", "recommendation")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the chair's editor as a fragment, empty for others of the team. POST: keep it, answer its new revision."""
    if request.method == "POST":
        return _save(request, pk)
    consultation = opened(request, pk)
    if policies.side_of(request.user, consultation) != "answering":
        raise NotAllowed("not_allowed", _("The draft is open to the answering side only."))
    return render(request, "team/_editor.html", _editor(request, consultation))


def _editor(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    report = teams.report_of(consultation)
    initial = {name: getattr(report, name) for name in TEXTS} if report else {}
    return {
        "consultation": consultation,
        "may_write_report": teams.may_write_report(request.user, consultation),
        "report": report,
        "form": ReportForm(initial=initial | {"draft_rev": report.draft_rev if report else 0}),
    }


def _save(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    form = ReportForm(request.POST)
    if not form.is_valid():
        raise Refusal("unreadable", _("The draft could not be read. Copy your text and reload the page."))
    fields = {name: form.cleaned_data[name] for name in TEXTS}
    rev = form.cleaned_data["draft_rev"]
    row = joint_report.save(consultation=consultation, by=request.user, fields=fields, draft_rev=rev)
    return JsonResponse({"draft_rev": row.draft_rev, "saved_at": timezone.now().isoformat()})


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the report is; for a member the text and the form that confirms it."""
    return render(request, "team/_report.html", section_context(request, opened(request, pk)))


def section_context(
    request: HttpRequest, consultation: Consultation, form: ConfirmReportForm | None = None
) -> dict[str, Any]:
    report = teams.report_of(consultation)
    context: dict[str, Any] = {"consultation": consultation, "is_team": teams.is_team(consultation), "report": None}
    context["in_team"] = teams.is_in(request.user, consultation)
    context["may_chair"] = teams.may_write_report(request.user, consultation)
    if report is None or not teams.may_see_report_draft(request.user, consultation):
        return context
    may_confirm = teams.may_confirm(request.user, consultation)
    words = list(report.confirmations.select_related("person"))
    own = next((one for one in words if one.person_id == request.user.pk), None)
    initial = {"sha256": joint_report.digest(report)}
    if own:
        initial |= {"verdict": own.verdict, "words": own.words}
    return context | {
        "report": report,
        "may_confirm": may_confirm,
        "words": words,
        "own_word": own,
        "waiting": joint_report.waiting(consultation, report) if report.put_at else [],
        "confirm_form": form or ConfirmReportForm(initial=initial),
        "opinions": opinions_of(consultation).values(),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def put(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog with what the members will read. POST: before the members."""
    consultation = opened(request, pk)
    if not teams.may_write_report(request.user, consultation):
        raise NotAllowed("not_chair", _("Only the chair of the team writes the joint report."))
    context = _editor(request, consultation)
    form = PutForm(request.POST or None, initial={"draft_rev": context["form"].initial["draft_rev"]})
    if request.method == "POST" and form.is_valid():
        try:
            joint_report.put(consultation=consultation, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(None, str(refusal.message))
        else:
            return acted(request, consultation, _("The members are asked to confirm the report."))
    context |= {"put_form": form, "unfinished": joint_report.unfinished(consultation)}
    return render(request, "team/_put.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = opened(request, pk)
    form = ConfirmReportForm(request.POST)
    if not teams.may_confirm(request.user, consultation) or form.is_valid():
        fields = {name: form.data.get(name, "") for name in form.fields}
        try:
            joint_report.confirm(consultation=consultation, by=request.user, **fields)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, consultation, _("Your word is recorded. The chair has been told."))
    context = section_context(request, consultation, form)
    name = "team/_report.html" if getattr(request, "htmx", False) else "team/report.html"
    return render(request, name, context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog with the report as it will be signed. POST: sign it with the password."""
    consultation = opened(request, pk)
    if not teams.may_write_report(request.user, consultation):
        raise NotAllowed("not_chair", _("Only the chair of the team writes the joint report."))
    context = _editor(request, consultation)
    form = SignReportForm(request.POST or None, initial={"draft_rev": context["form"].initial["draft_rev"]})
    if request.method == "POST" and form.is_valid():
        try:
            joint_report.sign(consultation=consultation, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, consultation, _("The joint report is signed. The asking doctor has been told."))
    report = context["report"]
    context |= {
        "sign_form": form,
        "licence": policies.licence_on(request.user),
        "words": report.confirmations.select_related("person") if report else [],
        "excused": [one for one in teams.members(consultation) if one.standing == "EXCUSED"],
    }
    return render(request, "team/_sign.html", context, status=422 if form.errors else 200)
