"""Demo: somebody is on duty from the first minute on. What is published begins with the next shift."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone

from consult.models import Role, Shift

NOW = {
    "expert.provincial": "duty",
    "liu.provincial": "standby",
    "expert.bethune": "duty",
    "he.bethune": "on_call",
    "expert.first": "duty",
}


def fill() -> None:
    """Until the next shift of each begins, at most until tomorrow."""
    now = timezone.now()
    today = timezone.localdate()
    midnight, tomorrow = (_begin(today + timedelta(days=days)) for days in (0, 1))
    for username, level in NOW.items():
        role = Role.objects.get(person__username=username, kind=Role.Kind.EXPERT)
        rows = Shift.objects.filter(role=role, ends_at__gt=midnight)
        if rows.filter(starts_at__lte=now).exists():
            continue
        following = rows.order_by("starts_at").values_list("starts_at", flat=True).first()
        Shift.objects.create(role=role, level=level, starts_at=midnight, ends_at=min(following or tomorrow, tomorrow))


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(0)))
