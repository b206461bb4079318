"""What the frame of every page shows: navigation by role, the bell, the version."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from consult import policies
from consult.models import Notification
from consult.policies.alert import OPEN, own_alerts
from consult.policies.guard import may_review
from consult.policies.hospital import is_keeper
from consult.policies.reading_desk import is_reader
from consult.policies.referral import may_see_list
from consult.policies.statistics import may_count
from consult.services import notification

PHONE, DESKTOP = 5, 6
"""Entries of the bar, "More" included, that a phone and a desktop have room for."""


def shell(request: HttpRequest) -> dict[str, Any]:
    """Lazy: a fragment that draws no frame asks nothing of the database."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"version": settings.VERSION, "assets": settings.ASSETS}
    return {
        "version": settings.VERSION,
        "assets": settings.ASSETS,
        "nav": SimpleLazyObject(lambda: _nav(request)),
        "unread_count": SimpleLazyObject(lambda: notification.unread(user.pk)),
        "has_alerts": SimpleLazyObject(lambda: own_alerts(user).filter(OPEN).exists()),
        "notification_seq": SimpleLazyObject(
            lambda: Notification.objects.filter(person_id=user.pk).values_list("id", flat=True).first() or 0
        ),
    }


def _nav(request: HttpRequest) -> list[dict[str, Any]]:
    entries = [("home", "layout-grid", _("Worklist"))]
    if policies.may_ask(request.user):
        entries.append(("consultation-new", "file-plus", _("New request")))
        entries.append(("duty", "user-check", _("On duty")))
    if policies.is_doctor(request.user) or policies.is_expert(request.user) or policies.is_scheduler(request.user):
        entries.append(("bookings", "calendar-clock", _("Appointments")))
    if may_see_list(request.user):
        entries.append(("referrals", "arrow-right-left", _("Referrals")))
    if policies.is_expert(request.user):
        entries.append(("roster-mine", "calendar-days", _("My roster")))
    if policies.is_scheduler(request.user):
        entries.append(("desk", "clipboard-list", _("Triage desk")))
        entries.append(("roster", "calendar-days", _("Roster")))
        entries.append(("reading-desks", "scan", _("Reading desks")))
        entries.append(("administration", "hospital", _("Administration")))
    if may_count(request.user):
        entries.append(("statistics", "chart-column", _("Statistics")))
    if may_review(request.user):
        entries.append(("guard", "triangle-alert", _("Flagged")))
    if is_keeper(request.user):
        entries.append(("certificates", "shield-check", _("Certificates")))
    if is_reader(request.user):
        entries.append(("report-templates", "file-text", _("Report templates")))
    here = request.resolver_match.url_name if request.resolver_match else ""
    return [
        {"url": reverse(name), "icon": icon, "label": label, "active": name == here, "room": _room(at, len(entries))}
        for at, (name, icon, label) in enumerate(entries)
    ]


def _room(at: int, count: int) -> str:
    """From which width on an entry stands in the bar; below it is under "More"."""
    if count > PHONE and at >= PHONE - 1:
        return "huge" if count > DESKTOP and at >= DESKTOP - 1 else "wide"
    return ""
