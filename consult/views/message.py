"""The chat kept with the record. The room uses the same two doors: GET …/messages/?after=7 and POST …/messages/."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from consult import policies
from consult.errors import Refusal
from consult.forms.message import MessageForm
from consult.models import Consultation, Message
from consult.services import message as messages
from consult.views.answers import wants_json
from consult.views.reading import opened

NEWEST = 200


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def thread(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: JSON `{"messages": [...], "seq"}` of what follows `after`, or the fragment. POST adds one."""
    if request.method == "POST":
        return _post(request, pk)
    consultation = opened(request, pk)
    if "after" in request.GET or wants_json(request):
        after = request.GET.get("after", "0")
        rows = _rows(consultation, int(after) if after.isdigit() else 0)
        return JsonResponse({"messages": [as_json(row, request) for row in rows], "seq": consultation.message_seq})
    return render(request, "message/_section.html", section_context(request, consultation))


def _post(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    form = MessageForm(request.POST)
    if not form.is_valid():
        first = next(iter(form.errors.items()))
        raise Refusal("unreadable", first[1][0], field=first[0])
    row = messages.post(consultation=consultation, by=request.user, **form.cleaned_data)
    return JsonResponse(as_json(row, request), status=201)


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    return {
        "consultation": consultation,
        "chat": _rows(consultation, max(0, consultation.message_seq - NEWEST)),
        "may_post": policies.may_post(request.user, consultation),
    }


def _rows(consultation: Consultation, after: int) -> list[Message]:
    rows = Message.objects.filter(consultation_id=consultation.pk, seq__gt=after).select_related("author")
    return list(rows.order_by("seq")[:NEWEST])


def as_json(row: Message, request: HttpRequest) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "author": row.author.get_username(),
        "name": row.author.display_name,
        "own": row.author_id == request.user.pk,
        "body": row.body,
        "at": row.at.isoformat(),
        "token": row.token if row.author_id == request.user.pk else "",
    }
