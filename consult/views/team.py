"""A team of specialists on a consultation's page: who is in it, invitations, the chair."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed, Refusal
from consult.forms.consultation import ReasonForm
from consult.forms.team import InviteForm
from consult.models import Confirmation, Consultation, OpinionVersion, Participant
from consult.policies import suggest
from consult.policies import team as teams
from consult.services import team
from consult.states import GATHERING
from consult.views.answers import acted
from consult.views.reading import opened


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "team/_section.html", section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    """The members with what each may be done to; the same number of queries for any number of them."""
    user = request.user
    seats = teams.members(consultation)
    report = teams.report_of(consultation) if seats else None
    said = {one.person_id: one for one in report.confirmations.all()} if report else {}
    rows = [_row(user, consultation, seat, said.get(seat.person_id)) for seat in seats]
    return {
        "consultation": consultation,
        "team": rows,
        "is_team": teams.is_team(consultation),
        "may_invite": teams.may_invite(user, consultation),
        "invitation": teams.invitation_of(user, consultation),
        "report_is_put": bool(report and report.put_at),
    }


def _row(user: Any, consultation: Consultation, seat: Participant, word: Confirmation | None) -> dict[str, Any]:
    is_chair = seat.person_id == consultation.expert_id
    return {
        "seat": seat,
        "is_chair": is_chair,
        "word": None if is_chair else word,
        "may_withdraw": teams.may_withdraw(user, consultation, seat),
        "may_excuse": teams.may_excuse(user, consultation, seat),
        "may_chair": teams.may_hand_over(user, consultation) and teams.may_take_chair(consultation, seat),
    }


def opinions_of(consultation: Consultation) -> dict[int, OpinionVersion]:
    """Person -> own signed version."""
    rows = OpinionVersion.objects.filter(opinion__consultation_id=consultation.pk, opinion__kind="own")
    return {one.signed_by_id: one for one in rows.order_by("number")}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog with all who could join. POST: ask those chosen."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    if not teams.may_invite(request.user, consultation):
        if consultation.state not in GATHERING:
            raise team.moves.too_late()
        raise NotAllowed("wrong_actor", _("The specialist who answers and the scheduler invite others."))
    roles = teams.invitable_roles(request.user, consultation)
    form = InviteForm(request.POST or None, roles=roles, suggestions=suggest.for_team(consultation, list(roles)))
    about = {
        "url": reverse("team-invite", args=[pk]),
        "asks": _("Whom do you invite to the team?"),
        "text": _("They see the record and the images, join the call, and each signs an own opinion."),
        "verb": _("Invite"),
    }
    return _asked(
        request, consultation, form, about, _("Invited. They are told by an alert."),
        lambda: team.invite(consultation=consultation, by=request.user, roles=form.cleaned_data["roles"]),
    )  # fmt: skip


def _asked(
    request: HttpRequest, consultation: Consultation, form: forms.Form, about: dict[str, Any], said: str, act: Any
) -> HttpResponse:
    """A dialog's GET and POST: the form, or the act and what is said."""
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
        else:
            return acted(request, consultation, said)
    context = {"consultation": consultation, "form": form, **about}
    return render(request, "team/_ask.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def join(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    team.join(consultation=consultation, by=request.user)
    return acted(request, consultation, _("You are in the team. The others have been told."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    if teams.invitation_of(request.user, consultation) is None:
        raise NotAllowed("not_invited", _("You are not invited to this team."))
    form = ReasonForm(request.POST or None)
    about = {
        "url": reverse("team-decline", args=[pk]),
        "asks": _("Why can you not join?"),
        "text": _("The chair and the scheduler read this."),
        "verb": _("Decline"),
        "tone": "danger",
    }
    return _asked(
        request, consultation, form, about, _("Declined. The chair has been told."),
        lambda: team.decline(consultation=consultation, by=request.user, **form.cleaned_data),
    )  # fmt: skip


def _member(request: HttpRequest, pk: int, number: int) -> tuple[Consultation, Participant]:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    seats = consultation.participants.exclude(standing="").select_related("person")
    return consultation, get_object_or_404(seats, pk=number)


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    consultation, member = _member(request, pk, number)
    team.withdraw(consultation=consultation, by=request.user, member=member)
    return acted(request, consultation, _("The invitation is withdrawn."))


@require_POST
@login_required
def chair(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    consultation, member = _member(request, pk, number)
    team.hand_over(consultation=consultation, by=request.user, member=member)
    return acted(request, consultation, _("%(name)s chairs the team now.") % {"name": member.person})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def excuse(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    consultation, member = _member(request, pk, number)
    if not teams.may_chair(request.user, consultation):
        raise NotAllowed("not_chair", _("Only the chair of the team does this."))
    form = ReasonForm(request.POST or None)
    about = {
        "url": reverse("team-excuse", args=[pk, number]),
        "asks": _("Why do you go on without %(name)s?") % {"name": member.person},
        "text": _("The reason is printed in the joint report."),
        "verb": _("Go on without"),
        "tone": "danger",
    }
    return _asked(
        request, consultation, form, about, _("The team goes on. They have been told."),
        lambda: team.excuse(consultation=consultation, by=request.user, member=member, **form.cleaned_data),
    )  # fmt: skip
