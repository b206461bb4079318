"""Something of each kind that a roster is made of, and its doors: arguments, what a POST sends, whether it GETs."""

from datetime import time
from typing import Any

from django.utils import timezone

from consult.models import Holiday, Role
from consult.services import plan, publication
from tests.cast import Cast

Sent = dict[str, Any] | None
TABLE: dict[str, tuple[tuple[str, ...], Sent, bool]] = {
    "roster": ((), None, True),
    "roster-move": ((), {"entry": "c1", "known": 1, "on": "2026-12-01"}, False),
    "holidays": ((), {"first": "2027-02-09", "kind": "free", "name": "x"}, True),
    "holiday-remove": (("holiday",), {}, False),
    "roster-plan": (("desk",), {"act": "cover", "days": "all", "starts": 0, "ends": 9, "least": 1}, True),
    "roster-rule-new": (("desk",), {}, True),
    "roster-extra": (("desk",), {}, True),
    "roster-publish": (("desk",), {"known": 0}, True),
    "roster-rule": (("rule",), {"act": "end", "known": 1}, True),
    "roster-entry": (("entry",), {"act": "off"}, True),
    "roster-leave-cancel": (("leave",), {}, False),
    "roster-cover-remove": (("cover",), {}, False),
}


def planned(cast: Cast, secret: str) -> dict[str, Any]:
    """What the doors lead to, by the names of their arguments."""
    role = Role.objects.get(person=cast.expert, kind=Role.Kind.EXPERT)
    today = timezone.localdate()
    fields = {"role": role, "rrule": "FREQ=DAILY", "first": today, "starts": time(8), "minutes": 60}
    rule = plan.add_rule(by=cast.scheduler, fields=fields)
    leave = plan.give_leave(by=cast.scheduler, role=role, first=today, last=today, reason=secret)
    hours = {"days": "all", "starts": 0, "ends": 24, "least": 1}
    cover = publication.want(by=cast.scheduler, department=cast.cardiology, **hours)
    rows = {"rule": rule.pk, "leave": leave.pk, "cover": cover.pk, "holiday": Holiday.objects.earliest("pk").pk}
    return {**rows, "entry": f"r{rule.pk}-{today}"}
