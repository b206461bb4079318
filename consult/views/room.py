"""The page of the call. What happens in it goes over the room socket and the fragments it embeds."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from consult import policies
from consult.errors import NotAllowed
from consult.models import Consultation
from consult.services import notification
from consult.states import MOVES, State
from consult.views.headers import allow_media
from consult.views.reading import opened, seen_on

BEFORE_END = {State.ACCEPTED, State.SCHEDULED, *MOVES["end_session"].sources}  # being in the room makes it WAITING


@require_safe
@login_required
@allow_media
def room(request: HttpRequest, pk: int) -> HttpResponse:
    """Device check and call; for those only who may join."""
    consultation = opened(request, pk, is_page=True)
    if not policies.may_join(request.user, consultation):
        if policies.may_enter(request.user, consultation):
            raise NotAllowed("no_consent", _("The patient's consent is missing. Record it first, then join the call."))
        raise NotAllowed("not_callable", _("There is no call to join: it is open to both sides after acceptance."))
    notification.seen_of(by=request.user, consultation=consultation, on=seen_on(request))
    return render(
        request,
        "room/page.html",
        {
            "consultation": consultation,
            "side": policies.side_of(request.user, consultation),
            "may_see_draft": policies.may_see_draft(request.user, consultation),
            **_standing(consultation),
        },
    )


@require_safe
@login_required
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the consultation stands, for the head and the controls of the call."""
    consultation = opened(request, pk)
    return render(request, "room/_state.html", {"consultation": consultation, **_standing(consultation), "news": True})


def _standing(consultation: Consultation) -> dict[str, Any]:
    """`elapsed`: whole seconds since the session began, until it ended; None before."""
    began, ended = consultation.session_started_at, consultation.session_ended_at
    elapsed = int(((ended or timezone.now()) - began).total_seconds()) if began else None
    return {"may_end": consultation.state in BEFORE_END, "elapsed": elapsed, "is_over": ended is not None}
