"""The roster: who is on duty at a moment, as it was published."""

from datetime import timedelta

from django.utils import timezone

from consult.models import Licence, Role, Shift
from consult.policies import roster
from tests.cast import Cast


def test_on_duty_from_the_first_moment_to_before_the_last_and_only_with_a_licence(cast: Cast) -> None:
    start = timezone.now()
    role = Role.objects.get(person=cast.expert, kind=Role.Kind.EXPERT)
    shift = Shift.objects.create(role=role, starts_at=start, ends_at=start + timedelta(hours=8))
    assert list(roster.on_duty(start)) == list(roster.on_duty(start + timedelta(hours=7))) == [shift]
    assert list(roster.on_duty(start - timedelta(seconds=1))) == list(roster.on_duty(shift.ends_at)) == []
    Licence.objects.filter(person=cast.expert).update(valid_until=timezone.localdate() - timedelta(days=1))
    assert list(roster.on_duty(start)) == []
