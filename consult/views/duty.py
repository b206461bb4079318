"""On duty now: the page one asks from, and its line on the home page."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from consult import policies
from consult.models import Urgency, User
from consult.policies import duty

MINUTE, HOUR = 60, 3600


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Also its own fragment: it follows the news and looks again every 30 s."""
    if not duty.may_see(request.user):
        raise Http404
    groups = duty.groups(request.user)
    context: dict[str, Any] = {
        "groups": [
            (group, [(Urgency(code).label, code, words(found)) for code, found in group.waits]) for group in groups
        ],
        "may_ask": policies.may_ask(request.user),
        "desk": duty.desk(),
        "weeks": duty.LOOK_BACK.days // 7,
        "at": timezone.now(),
    }
    name = "duty/_now.html" if getattr(request, "htmx", False) else "duty/page.html"
    return render(request, name, context)


def summary(user: User) -> dict[str, Any]:
    """For the home page: how many are on duty, and of them online."""
    if not duty.may_see(user):
        return {"duty_shown": False}
    now = timezone.now()
    people = {shift.role.person_id: shift.role.person for shift in duty.present(user, now)}
    online = sum(duty.is_online(one, now) for one in people.values())
    return {"duty_shown": True, "duty_count": len(people), "duty_online": online}


def words(found: duty.Range | None) -> str:
    """“8–25 min”, “40 min – 3 h”; empty when too little was measured."""
    if found is None:
        return ""
    low, high = (_span(seconds) for seconds in (found.low, found.high))
    if low == high:
        return _("about %(time)s") % {"time": low}
    if found.high < HOUR:
        return _("%(low)s–%(high)s min") % {"low": _minutes(found.low), "high": _minutes(found.high)}
    return f"{low} – {high}"


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / MINUTE))


def _span(seconds: float) -> str:
    if seconds < HOUR:
        return _("%(n)s min") % {"n": _minutes(seconds)}
    if seconds < 10 * HOUR:
        return _("%(n)s h") % {"n": f"{seconds / HOUR:.1f}".removesuffix(".0")}
    return _("%(n)s h") % {"n": round(seconds / HOUR)}
