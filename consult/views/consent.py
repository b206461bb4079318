"""The patient's consent: the text, the signature, and showing what was signed."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import Refusal
from consult.forms.consent import ConsentForm
from consult.models import Consent, ConsentText, Consultation
from consult.services import audit
from consult.services import consent as consents
from consult.views.answers import acted
from consult.views.reading import opened

TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"%PDF-", "application/pdf"))


def step(request: HttpRequest, draft: Consultation) -> HttpResponse | dict[str, Any]:
    """Step four of the request. Taking consent again after a withdrawal works the same way."""
    kind = ConsentText.Kind.RECORDING if request.GET.get("kind") == "recording" else ConsentText.Kind.CONSULTATION
    text = consents.current(kind, language=(get_language() or "").lower())
    given = valid_consents(draft).filter(text__kind=kind).first()
    context = {"text": text, "given": given, "is_for_recording": kind == ConsentText.Kind.RECORDING}
    if request.method != "POST":
        name = draft.patient.name if draft.patient else ""
        return context | {"form": ConsentForm(initial={"signer_name": name})}
    form = ConsentForm(request.POST, request.FILES)
    if not form.is_valid():
        return context | {"form": form}
    try:
        consents.record(
            consultation=draft,
            by=request.user,
            text=text,
            signer_name=form.cleaned_data["signer_name"],
            relation=form.cleaned_data["relation"],
            method=form.method,
            content=form.content,
        )
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        return context | {"form": form}
    if policies.may_edit(request.user, draft) and kind == ConsentText.Kind.CONSULTATION:
        return redirect("consultation-edit", draft.pk, "check")
    return redirect(draft)


def valid_consents(consultation: Consultation) -> Any:
    rows = consultation.consents.filter(withdraws=None, withdrawal=None)
    return rows.select_related("text", "taken_by").order_by("-pk")


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "consent/_section.html", section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    rows = consultation.consents.filter(withdraws=None).select_related("text", "taken_by", "withdrawal__taken_by")
    may_take = policies.may_consent(request.user, consultation)
    return {"consultation": consultation, "consents": rows, "may_take": may_take}


@require_safe
@login_required
def file(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The signature as it was given."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    consent = get_object_or_404(Consent, pk=number, consultation_id=consultation.pk)
    content = consents.content_of(consent)
    audit.record_read(by=request.user, thing=consent, consultation=consultation)
    kind = next((kind for start, kind in TYPES if content.startswith(start)), "application/octet-stream")
    response = HttpResponse(content, content_type=kind)
    # A PDF from outside may carry scripts: it is saved, never opened from our origin.
    response["Content-Disposition"] = "attachment" if kind == "application/pdf" else "inline"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    consent = get_object_or_404(Consent, pk=number, consultation_id=consultation.pk)
    consents.withdraw(consent=consent, by=request.user)
    if consent.text.kind == ConsentText.Kind.RECORDING:
        return acted(request, consultation, _("The consent is withdrawn. The call is no longer recorded."))
    return acted(request, consultation, _("The consent is withdrawn. Nobody joins the call until there is a new one."))
