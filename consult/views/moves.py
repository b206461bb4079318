"""The acts of acts.py as pages: a POST each, and the dialog that asks for the words they need."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from consult.errors import Refusal
from consult.models import Consultation
from consult.policies import visible_consultations
from consult.services.moves import check
from consult.views.acts import ACTS, Act
from consult.views.answers import acted


def urls() -> list[URLPattern]:
    """One `consultation-<move>` for each act."""
    return [
        path(f"consultations/<int:pk>/{act.slug}/", move, {"name": act.move}, act.url_name) for act in ACTS.values()
    ]


@require_POST
@login_required
def move(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    consultation = get_object_or_404(visible_consultations(request.user), pk=pk)
    act = ACTS[name]
    check(consultation=consultation, name=name, by=request.user, reason="-")  # before any form: 403 and 409 come first
    form = act.make_form(request.user, consultation, request.POST)
    if not form.is_valid():
        return _dialog(request, consultation, act, form, status=422)
    try:
        act.run(consultation=consultation, by=request.user, **form.cleaned_data)
    except Refusal as refusal:
        if refusal.status != 422 or not form.fields:
            raise
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        return _dialog(request, consultation, act, form, status=422)
    return acted(request, consultation, act.said)


@require_safe
@login_required
def dialog(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    consultation = get_object_or_404(visible_consultations(request.user), pk=pk)
    act = next((act for act in ACTS.values() if act.slug == slug), None)
    if act is None:
        raise Http404
    check(consultation=consultation, name=act.move, by=request.user, reason="-")
    return _dialog(request, consultation, act, act.make_form(request.user, consultation))


def _dialog(request: HttpRequest, consultation: Consultation, act: Act, form: Any, status: int = 200) -> HttpResponse:
    """A fragment for htmx; without scripts a page of its own."""
    name = "consultation/_dialog.html" if getattr(request, "htmx", False) else "consultation/dialog.html"
    return render(request, name, {"consultation": consultation, "act": act, "form": form}, status=status)
