"""The consultation's page: its head with the next step, the record, who takes part, and what happened."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from consult import policies
from consult.models import Consultation, Referral
from consult.policies import team as teams
from consult.policies.aftercare import may_ask_again
from consult.policies.referral import may_refer, visible_referrals
from consult.services import notification
from consult.states import ANSWERED, State
from consult.views import (
    aftercare,
    consent,
    critical,
    decision,
    joint_report,
    message,
    opinion,
    quality,
    recording,
    team,
)
from consult.views.history import clocks, entries
from consult.views.reading import opened, seen_on
from consult.views.steps import step


@require_safe
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = opened(request, pk, is_page=True)
    notification.seen_of(by=request.user, consultation=consultation, on=seen_on(request))
    context = head_context(request, consultation)
    context |= consent.section_context(request, consultation)
    context |= opinion.section_context(request, consultation)
    context |= decision.section_context(request, consultation)
    context |= aftercare.section_context(request, consultation)
    context |= joint_report.section_context(request, consultation)
    context |= team.section_context(request, consultation)
    context |= critical.section_context(request, consultation)
    context |= message.section_context(request, consultation)
    context |= quality.section_context(request, consultation)
    context |= recording.section_context(request, consultation)
    context |= {"entries": entries(consultation), "clocks": clocks(consultation)}
    context["may_add_images"] = policies.may_add_images(request.user, consultation)
    return render(request, "consultation/page.html", context)


def head_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    return {
        "consultation": consultation,
        "step": step(request.user, consultation),
        "side": policies.side_of(request.user, consultation),
        "may_join": policies.may_join(request.user, consultation),
        "needs_consent": policies.may_enter(request.user, consultation) and not policies.has_consent(consultation),
        "may_write": policies.may_write(request.user, consultation),
        "may_refer": may_refer(request.user, consultation),
        "referrals": _referrals(request, consultation),
        "may_ask_again": may_ask_again(request.user, consultation),
        "is_team": teams.is_team(consultation),
        "may_write_report": teams.may_write_report(request.user, consultation),
    }


def _referrals(request: HttpRequest, consultation: Consultation) -> list[Referral]:
    if consultation.state not in ANSWERED | {State.REFERRED}:
        return []
    return list(visible_referrals(request.user).filter(consultation=consultation))


@require_safe
@login_required
def head(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "consultation/_head.html", head_context(request, opened(request, pk)))


@require_safe
@login_required
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """The facts beside the call and on the page."""
    consultation = opened(request, pk)
    may_edit = policies.may_edit(request.user, consultation)
    return render(request, "consultation/_record.html", {"consultation": consultation, "may_edit": may_edit})


@require_safe
@login_required
def people(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "consultation/_people.html", {"consultation": opened(request, pk)})


@require_safe
@login_required
def history(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = opened(request, pk)
    context = {"consultation": consultation, "entries": entries(consultation), "clocks": clocks(consultation)}
    return render(request, "history/_section.html", context)
