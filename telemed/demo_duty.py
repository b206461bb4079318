"""Demo: who is on duty around now. Made as published shifts, for specialists who have none in these days."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from consult.models import Role, Shift, User

DAYS = range(-1, 4)
DAY, NIGHT, WHOLE = (time(8), time(20)), (time(20), time(8)), (time(0), time(0))
# username: level and hours, each day from yesterday on; an end that is not later is of the next day
ROSTER: dict[str, tuple[tuple[str, tuple[time, time]], ...]] = {
    "expert.provincial": (("duty", DAY), ("on_call", NIGHT)),
    "liu.provincial": (("standby", DAY), ("duty", NIGHT)),
    "expert.bethune": (("duty", WHOLE),),
    "he.bethune": (("on_call", WHOLE),),
    "expert.first": (("duty", WHOLE),),
    "expert.second": (("duty", DAY), ("standby", NIGHT)),
}
PHONES = {"scheduler": "0351-4960001"}


def fill() -> None:
    today = timezone.localdate()
    for username, pattern in ROSTER.items():
        role = Role.objects.filter(person__username=username, kind=Role.Kind.EXPERT).first()
        first = _moment(datetime.combine(today + timedelta(days=DAYS.start), time(0)))
        if role is None or Shift.objects.filter(role=role, ends_at__gt=first).exists():
            continue
        for number in DAYS:
            day = today + timedelta(days=number)
            for level, (start, end) in pattern:
                last = day if end > start else day + timedelta(days=1)
                span = _moment(datetime.combine(day, start)), _moment(datetime.combine(last, end))
                Shift.objects.create(role=role, level=level, starts_at=span[0], ends_at=span[1])
    for username, phone in PHONES.items():
        User.objects.filter(username=username, phone="").update(phone=phone)


def _moment(wall: datetime) -> datetime:
    return timezone.make_aware(wall)
