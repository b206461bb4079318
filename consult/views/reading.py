"""Every read of a record is an audit row: one for each page opened, at most one in ten minutes for its fragments."""

from datetime import timedelta

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from consult.models import AuditEntry, Consultation
from consult.policies import visible_consultations
from consult.services import audit

QUIET = timedelta(minutes=10)
RELATED = ("patient", "hospital", "department", "asker", "asked_hospital", "asked_department", "expert")


def opened(request: HttpRequest, pk: int, *, is_page: bool = False) -> Consultation:
    """The consultation, or 404; notes that this person read it."""
    rows = (
        visible_consultations(request.user)
        .select_related(*RELATED)
        .prefetch_related("participants__person", "participants__department__hospital")
    )
    consultation = get_object_or_404(rows, pk=pk)
    if is_page or not _read_lately(request, consultation):
        audit.record_read(by=request.user, thing=consultation, consultation=consultation)
    return consultation


BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac", "Linux")


def browser_of(request: HttpRequest) -> str:
    """The browser and its system in two words, as the person would name them."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for name in SYSTEMS if name in agent), "")
    return " · ".join(filter(None, [browser, system])) or "?"


def seen_on(request: HttpRequest) -> str:
    """On which page and browser somebody took note."""
    return f"{request.path} · {browser_of(request)}"


def _read_lately(request: HttpRequest, consultation: Consultation) -> bool:
    return AuditEntry.objects.filter(
        consultation=consultation.pk,
        actor=request.user.get_username(),
        action="consultation.read",
        at__gt=timezone.now() - QUIET,
    ).exists()
