"""Who is on duty, as it was published."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from consult.models import Shift
from consult.policies import person


def on_duty(at: datetime | None = None) -> QuerySet[Shift]:
    """Shifts running at `at` (default: now) of specialists who may answer on that day: role, department and hospital
    active, licence valid."""
    at = at or timezone.now()
    day = timezone.localdate(at)
    rows = Shift.objects.filter(starts_at__lte=at, ends_at__gt=at, role__in=person.practising(day))
    return rows.select_related("role__person", "role__department", "role__hospital")
