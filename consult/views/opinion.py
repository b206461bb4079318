"""The opinion: its draft, its signing and amending, the signed versions and their PDF."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from consult import policies
from consult.errors import NotAllowed, Refusal
from consult.forms.consultation import ReasonForm
from consult.forms.opinion import OpinionForm, SignForm
from consult.models import Consultation
from consult.policies.team import is_team
from consult.services import audit, certificate, reading_desk, seal
from consult.services import opinion as opinions
from consult.views import key_image
from consult.views.answers import acted
from consult.views.reading import opened

TEXTS = ("findings", "diagnosis", "diagnosis_codes", "recommendation", "critical")


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """The signed versions, for everyone who sees the consultation."""
    return render(request, "opinion/_versions.html", section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    rows = policies.visible_versions(request.user, consultation).order_by("opinion__kind", "opinion_id", "-number")
    versions = list(rows.select_related("opinion__hospital", "signed_by").prefetch_related("seals"))
    seen: set[int] = set()
    for row in versions:
        row.is_newest = row.opinion_id not in seen  # type: ignore[attr-defined]
        seen.add(row.opinion_id)
    return {
        "consultation": consultation,
        "versions": versions,
        "is_team": is_team(consultation),
        "without_seal": _without_seal(consultation) if any(not row.seals.all() for row in versions) else "",
        "may_write": policies.may_write(request.user, consultation),
        "may_see_draft": policies.may_see_draft(request.user, consultation),
        "may_amend": policies.may_amend(request.user, consultation)
        and not policies.may_write(request.user, consultation),
    }


def _without_seal(consultation: Consultation) -> Any:
    """Why a version's PDF carries no certificate signature."""
    hospital = consultation.asked_hospital
    found = certificate.standing(hospital).words if hospital else ""
    return found or _("The certificate signature is being made.")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the editor as a fragment, for the page and the room. POST: keep the draft, answer its new revision."""
    if request.method == "POST":
        return _save(request, pk)
    consultation = opened(request, pk)
    if not policies.may_see_draft(request.user, consultation):
        raise NotAllowed("not_allowed", _("The draft is open to the answering side only."))
    return render(request, "opinion/_draft.html", draft_context(request, consultation))


def draft_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    may_write = policies.may_write(request.user, consultation)
    rows = policies.visible_drafts(request.user, consultation).select_related("author")
    own = next((row for row in rows if row.author_id == request.user.pk), None)
    shown = own if may_write else own or next(iter(rows), None)
    initial = {name: getattr(shown, name) for name in TEXTS} if shown else {}
    rev = shown.draft_rev if shown else 0
    return {
        "consultation": consultation,
        "opinion": shown,
        "is_team": is_team(consultation),
        "may_write": may_write,
        "may_sign": policies.may_sign(request.user, consultation),
        "form": OpinionForm(initial=initial | {"draft_rev": rev}),
        "templates": reading_desk.offered(consultation, request.user) if may_write else [],
        **key_image.context(consultation, shown, may_write=may_write),
    }


def _save(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    form = OpinionForm(request.POST)
    if not form.is_valid():
        raise Refusal("unreadable", _("The draft could not be read. Copy your text and reload the page."))
    fields = {name: form.cleaned_data[name] for name in TEXTS}
    row = opinions.save_draft(
        consultation=consultation, by=request.user, fields=fields, draft_rev=form.cleaned_data["draft_rev"]
    )
    return JsonResponse({"draft_rev": row.draft_rev, "saved_at": timezone.now().isoformat()})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog with the opinion as it will be signed. POST: sign it with the password."""
    consultation = opened(request, pk)
    if not policies.may_see_draft(request.user, consultation):
        raise NotAllowed("not_allowed", _("Only the specialist who answers signs the opinion."))
    context = draft_context(request, consultation)
    form = SignForm(request.POST or None, initial=_seen(context))
    if request.method == "POST" and form.is_valid():
        try:
            opinions.sign(consultation=consultation, by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            said = _("The opinion is signed. The asking doctor has been told.")
            if is_team(consultation):
                said = _("Your opinion is signed. The joint report is written when all have signed.")
            return acted(request, consultation, said)
    licence = policies.licence_on(request.user)
    return render(
        request,
        "opinion/_sign.html",
        context | {"sign_form": form, "licence": licence},
        status=422 if form.errors else 200,
    )


def _seen(context: dict[str, Any]) -> dict[str, Any]:
    """What the dialog shows, so that nothing else is signed."""
    return {"draft_rev": context["form"].initial["draft_rev"], "pictures": context["key_images_digest"]}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def amend(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog that asks why. POST: open a draft for the next version."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        opinions.amend(consultation=consultation, by=request.user, **form.cleaned_data)
        return acted(request, consultation, _("The amendment is open. The signed version stays as it is."))
    if not policies.may_amend(request.user, consultation):
        raise NotAllowed("not_allowed", _("Only the specialist who signed amends the opinion, until it is closed."))
    return render(
        request,
        "opinion/_amend.html",
        {"consultation": consultation, "form": form},
        status=422 if form.errors else 200,
    )


@require_safe
@login_required
def pdf(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """The signed version as it is printed, under the hospital's certificate."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    row = get_object_or_404(policies.visible_versions(request.user, consultation), pk=version)
    content = seal.document(version=row, language=(get_language() or "").lower()).content
    audit.record_read(by=request.user, thing=row, consultation=consultation, what="print")
    response = HttpResponse(content, content_type="application/pdf")
    name = f"{consultation.number}-v{row.number}.pdf"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
