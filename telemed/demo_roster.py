"""Demo: how departments plan: rules, leave, minimum cover; published for two weeks; a swap that is asked for."""

from datetime import date, time, timedelta

from django.utils import timezone

from consult.models import Department, Publication, Role, Rule, Shift, User
from consult.policies import publication as previews
from consult.policies import repeat
from consult.services import plan, publication, swap

WORK, ALL, FREE = Rule.Holidays.WORKDAYS, Rule.Holidays.USUAL, Rule.Holidays.FREE
DAY, NIGHT, WHOLE = (time(8), 720), (time(20), 720), (time(0), 1440)
# username, level, hours, how it repeats, days from this Monday until it begins, holidays
RULES = (
    ("expert.provincial", "duty", DAY, repeat.daily(), 0, WORK),
    ("liu.provincial", "standby", DAY, repeat.daily(), 0, WORK),
    ("liu.provincial", "duty", DAY, repeat.weekly([5, 6]), 0, FREE),
    ("liu.provincial", "duty", NIGHT, repeat.weekly([0, 1, 2, 3]), 0, ALL),
    ("expert.provincial", "on_call", NIGHT, repeat.weekly([4, 5, 6]), 0, ALL),
    ("expert.bethune", "duty", WHOLE, repeat.daily(), 0, ALL),
    ("he.bethune", "on_call", WHOLE, repeat.daily(2), 0, ALL),
    ("expert.first", "duty", WHOLE, repeat.daily(), 0, ALL),
    ("expert.second", "duty", DAY, repeat.daily(), 0, ALL),
    ("expert.second", "standby", NIGHT, repeat.weekly([0, 2, 4]), 0, ALL),
)
# username, first and last day from this Monday, reason
LEAVES = (("liu.provincial", 16, 18, "年休假"), ("expert.first", 22, 23, "外出参加学术会议"))
COVERS = (("provincial", "cardiology", "all", 0, 24, 1), ("bethune", "radiology", "all", 0, 24, 1))


def fill() -> None:
    """Once: an installation with rules keeps what it has."""
    if Rule.objects.exists():
        return
    desk = User.objects.get(username="scheduler")
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    for username, level, (starts, minutes), rrule, later, holidays in RULES:
        fields = {"level": level, "starts": starts, "minutes": minutes, "rrule": rrule, "holidays": holidays}
        role = Role.objects.get(person__username=username, kind=Role.Kind.EXPERT)
        plan.add_rule(by=desk, fields={**fields, "role": role, "first": monday + timedelta(days=later)})
    for code, specialty, days, since, until, least in COVERS:
        department = Department.objects.get(hospital__code=code, specialty=specialty)
        publication.want(by=desk, department=department, days=days, starts=since, ends=until, least=least)
    for department in Department.objects.filter(roles__rules__isnull=False).distinct():
        _publish(desk, department, today, monday + timedelta(days=13))
    for username, begins, ends, reason in LEAVES:
        role = Role.objects.get(person__username=username, kind=Role.Kind.EXPERT)
        first, last = monday + timedelta(days=begins), monday + timedelta(days=ends)
        plan.give_leave(by=desk, role=role, first=first, last=last, reason=reason)
    _ask(monday + timedelta(days=8))


def _ask(day: date) -> None:
    """Two of one department are to change places on a day."""
    pair = {username: _shift(username, day) for username in ("expert.provincial", "liu.provincial")}
    mine, other = pair["expert.provincial"], pair["liu.provincial"]
    if mine and other:
        swap.ask(by=mine.role.person, shift=mine, taker=other.role, back=other, reason="当天上午有院内会议")


def _shift(username: str, day: date) -> Shift | None:
    start, end = previews.bounds(day, day)
    rows = Shift.objects.filter(role__person__username=username, starts_at__gte=start, starts_at__lt=end)
    return rows.select_related("role__person", "role__department").first()


def _publish(by: User, department: Department, first: date, last: date) -> Publication:
    shown = previews.preview(department, first, last)
    return publication.publish(
        by=by, department=department, first=first, last=last, known=shown.known, digest=shown.diff.digest()
    )
