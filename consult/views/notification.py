"""The bell: what this person has been told."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from consult.models import Notification
from consult.notify import texts
from consult.services import notification as notifications
from consult.views.answers import wants_json

PER_PAGE = 30


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """The page, or with `after` JSON `{"notifications": [...], "seq"}` of those a page has missed."""
    rows = Notification.objects.filter(person=request.user).select_related("consultation")
    if "after" in request.GET or wants_json(request):
        after = request.GET.get("after", "0")
        newer = rows.filter(pk__gt=int(after) if after.isdigit() else 0)[:PER_PAGE]
        told = [_as_json(row) for row in newer]
        return JsonResponse({"notifications": told, "seq": told[0]["seq"] if told else int(after or 0)})
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "told": [(row, _words(row)) for row in page], "newest": rows.first()}
    name = "notification/_list.html" if getattr(request, "htmx", False) else "notification/page.html"
    return render(request, name, context)


@require_POST
@login_required
def seen(request: HttpRequest) -> HttpResponse:
    up_to = request.POST.get("up_to", "")
    notifications.seen(by=request.user, up_to=int(up_to) if up_to.isdigit() else 0)
    if wants_json(request) or getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect("notifications")


def _words(row: Notification) -> str:
    return texts.text(row.kind, (row.consultation.number or "") if row.consultation else "")


def _as_json(row: Notification) -> dict[str, Any]:
    url = row.consultation.get_absolute_url() if row.consultation else reverse("notifications")
    return {
        "seq": row.pk,
        "kind": row.kind,
        "text": _words(row),
        "url": url,
        "at": row.at.isoformat(),
        "seen": row.seen_at is not None,
    }
