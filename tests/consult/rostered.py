"""Something of each kind that a roster is made of, and its doors: arguments, what a POST sends, whether it GETs."""

from datetime import time, timedelta
from typing import Any

from django.utils import timezone

from consult.models import Holiday, Role, Shift, Swap
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
    "roster-fairness": ((), None, True),
    "roster-swaps": ((), None, True),
    "roster-mine": ((), {}, True),
    "roster-feed-revoke": ((), {}, False),
    "roster-swap-new": (("shift",), {"want": "r1"}, True),
    "roster-swap": (("swap", "accept"), {}, False),
}
EXPERTS = {"roster-mine", "roster-swap-new"}
DESK = {name for name, (_args, _posts, gets) in TABLE.items() if gets} - EXPERTS


def planned(cast: Cast, secret: str) -> dict[str, Any]:
    """What the doors lead to, by the names of their arguments."""
    role = Role.objects.get(person=cast.expert, kind=Role.Kind.EXPERT)
    today = timezone.localdate()
    fields = {"role": role, "rrule": "FREQ=DAILY", "first": today, "starts": time(8), "minutes": 60}
    rule = plan.add_rule(by=cast.scheduler, fields=fields)
    leave = plan.give_leave(by=cast.scheduler, role=role, first=today, last=today, reason=secret)
    hours = {"days": "all", "starts": 0, "ends": 24, "least": 1}
    cover = publication.want(by=cast.scheduler, department=cast.cardiology, **hours)
    taker = Role.objects.get(person=cast.second_expert, kind=Role.Kind.EXPERT)
    start = timezone.now() + timedelta(days=3)
    shift = Shift.objects.create(role=role, starts_at=start, ends_at=start + timedelta(hours=1))
    swap = Swap.objects.create(giver=role, taker=taker, shift=shift, starts_at=start, ends_at=shift.ends_at)
    rows = {"rule": rule.pk, "leave": leave.pk, "cover": cover.pk, "holiday": Holiday.objects.earliest("pk").pk}
    return {**rows, "shift": shift.pk, "swap": swap.pk, "entry": f"r{rule.pk}-{today}"}
