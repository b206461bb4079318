"""The bell: what this person has been told, one entry for each consultation."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.models import Consultation, Notification, User
from consult.notify import texts
from consult.services import notification as notifications
from consult.views.answers import wants_json
from consult.views.reading import RELATED
from consult.views.steps import Step, step

PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Told:
    """All that was told of one consultation, newest first. `consultation` is None once this person may not see it."""

    rows: list[tuple[Notification, str]]
    unread: int
    consultation: Consultation | None
    step: Step | None

    @property
    def page(self) -> str:
        """Where news of no consultation lead."""
        newest = self.rows[0][0]
        return newest.referral.get_absolute_url() if newest.referral else _page(newest)


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """The page, or with `after` JSON `{"notifications": [...], "seq", "unread"}` of those a page has missed."""
    if "after" in request.GET or wants_json(request):
        return _missed(request)
    rows = Notification.objects.filter(person=request.user)
    threads = rows.values("consultation").annotate(newest=Max("pk")).order_by("-newest")
    page = Paginator(threads, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "told": _told(request.user, [thread["consultation"] for thread in page]),
        "newest": rows.first(),
    }
    name = "notification/_list.html" if getattr(request, "htmx", False) else "notification/page.html"
    return render(request, name, context)


def _missed(request: HttpRequest) -> JsonResponse:
    after = request.GET.get("after", "0")
    after_id = int(after) if after.isdigit() else 0
    rows = Notification.objects.filter(person=request.user, pk__gt=after_id).select_related("consultation", "referral")
    told = [_as_json(row) for row in rows[:PER_PAGE]]
    return JsonResponse(
        {
            "notifications": told,
            "seq": told[0]["seq"] if told else after_id,
            "unread": notifications.unread(request.user.pk),
        }
    )


def _told(user: User, threads: list[int | None]) -> list[Told]:
    """Those threads in their order; the number of queries does not depend on how many."""
    ids = [pk for pk in threads if pk is not None]
    visible = policies.visible_consultations(user).filter(pk__in=ids)
    seen = {row.pk: row for row in visible.select_related(*RELATED).prefetch_related("participants")}
    rows: dict[int | None, list[tuple[Notification, str]]] = {pk: [] for pk in threads}
    of_these = Q(consultation__in=ids) | Q(consultation=None)
    for row in Notification.objects.filter(of_these, person=user).select_related("consultation", "referral"):
        rows.setdefault(row.consultation_id, []).append((row, _words(row)))
    return [
        Told(
            rows=rows[pk],
            unread=sum(row.seen_at is None for row, _text in rows[pk]),
            consultation=seen.get(pk) if pk else None,
            step=step(user, seen[pk]) if pk in seen else None,
        )
        for pk in threads
    ]


@require_POST
@login_required
def seen(request: HttpRequest) -> HttpResponse:
    up_to = request.POST.get("up_to", "")
    notifications.seen(by=request.user, up_to=int(up_to) if up_to.isdigit() else 0)
    if wants_json(request) or getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect("notifications")


def _words(row: Notification) -> str:
    return texts.text(row.kind, str(row.referral or row.consultation or ""))


def _page(row: Notification) -> str:
    kind = row.kind.split("_")[0]
    name = {"swap": "roster-swaps", "roster": "roster-mine"}.get(kind)
    return reverse(name) if name else ""


def _as_json(row: Notification) -> dict[str, Any]:
    about = row.referral or row.consultation
    url = about.get_absolute_url() if about else _page(row) or reverse("notifications")
    return {
        "seq": row.pk,
        "kind": row.kind,
        "text": _words(row),
        "url": url,
        "at": row.at.isoformat(),
        "seen": row.seen_at is not None,
    }
