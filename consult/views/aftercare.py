"""What comes after the decision, on the consultation's page: ratings, follow-up, outcome, asking again."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import Refusal
from consult.forms.aftercare import FollowUpForm, FoundForm, OutcomeForm, RatingForm
from consult.models import Consultation, Outcome
from consult.policies import aftercare as rules
from consult.services import aftercare
from consult.views.answers import acted
from consult.views.reading import opened


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "aftercare/_section.html", section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation, **wrong: forms.Form) -> dict[str, Any]:
    """`wrong` are forms that came back with errors."""
    user = request.user
    context: dict[str, Any] = {"consultation": consultation, "sees_aftercare": rules.may_see(user, consultation)}
    if not context["sees_aftercare"]:
        return context
    may_follow_up = rules.may_follow_up(user, consultation)
    may = {"rate": rules.may_rate(user, consultation), "outcome": rules.may_record_outcome(user, consultation)}
    return context | {
        "may_rate": may["rate"],
        "ratings": list(rules.visible_ratings(user, consultation)),
        "may_follow_up": may_follow_up,
        "follow_ups": list(consultation.follow_ups.select_related("done_by")),
        "today": timezone.localdate(),
        "may_record_outcome": may["outcome"],
        "outcome": Outcome.objects.filter(consultation=consultation).select_related("by").first(),
        "rating_form": wrong.get("rating_form") or RatingForm(),
        "follow_up_form": wrong.get("follow_up_form") or FollowUpForm(),
        "outcome_form": wrong.get("outcome_form") or OutcomeForm(),
        "typing": may_follow_up or may["rate"] or may["outcome"],
    }


def _kept(
    request: HttpRequest, pk: int, name: str, form: forms.Form, act: Callable[[Consultation], object], said: str
) -> HttpResponse:
    """Do it, or show the section again with the form as it was filled in."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    if not form.is_valid():
        _refused_anyway(request, consultation, name)
    else:
        try:
            act(consultation)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, consultation, said)
    context = section_context(request, opened(request, pk), **{name: form})
    page = "aftercare/_section.html" if getattr(request, "htmx", False) else "aftercare/page.html"
    return render(request, page, context, status=422)


def _refused_anyway(request: HttpRequest, consultation: Consultation, name: str) -> None:
    """403 and 409 come before what is wrong in a form."""
    user = request.user
    if name == "rating_form" and not rules.may_rate(user, consultation):
        aftercare.rate(consultation=consultation, by=user, stars=5, words="")
    if name == "outcome_form" and not rules.may_record_outcome(user, consultation):
        aftercare.record_outcome(
            consultation=consultation, by=user, changed="open", avoided="open", patient="unknown", words=""
        )
    if name == "follow_up_form" and not rules.may_follow_up(user, consultation):
        aftercare.plan(consultation=consultation, by=user, due_on=timezone.localdate(), task="-")


@require_POST
@login_required
def rate(request: HttpRequest, pk: int) -> HttpResponse:
    form = RatingForm(request.POST)
    return _kept(
        request, pk, "rating_form", form,
        lambda thing: aftercare.rate(consultation=thing, by=request.user, **form.cleaned_data),
        _("Thank you. The other side sees it when both have rated, or after two weeks."),
    )  # fmt: skip


@require_POST
@login_required
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    form = FollowUpForm(request.POST)
    return _kept(
        request, pk, "follow_up_form", form,
        lambda thing: aftercare.plan(consultation=thing, by=request.user, **form.cleaned_data),
        _("Planned. You are reminded on the morning of that day."),
    )  # fmt: skip


@require_POST
@login_required
def enter(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    row = get_object_or_404(consultation.follow_ups.select_related("consultation"), pk=number)
    form = FoundForm(request.POST)
    found = form.cleaned_data["found"] if form.is_valid() else ""
    aftercare.enter(follow_up=row, by=request.user, found=found)
    return acted(request, consultation, _("Entered. The specialist has been told."))


@require_POST
@login_required
def outcome(request: HttpRequest, pk: int) -> HttpResponse:
    form = OutcomeForm(request.POST)
    return _kept(
        request, pk, "outcome_form", form,
        lambda thing: aftercare.record_outcome(consultation=thing, by=request.user, **form.cleaned_data),
        _("Recorded. The specialist has been told."),
    )  # fmt: skip


@require_POST
@login_required
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """A new request for the same patient; goes on with its question."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    draft = aftercare.ask_again(consultation=consultation, by=request.user)
    messages.success(request, _("A new request for the same patient is prepared, with the same specialist wanted."))
    return redirect("consultation-edit", draft.pk, "question")
