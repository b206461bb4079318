"""A short month of a small province: what the command says of it, and that its judge sees what is wrong."""

import random
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from consult.models import Booking, Clock, Consultation, MoveReason, User
from telemed.simulation import clock as clocks
from telemed.simulation import judge
from telemed.simulation.month import arrivals

pytestmark = [pytest.mark.django_db, pytest.mark.small]
STEP = timedelta(minutes=5)


@pytest.mark.slow
def test_nothing_is_missed_stuck_booked_twice_or_counted_wrong_and_the_judge_would_see_it(settings: object) -> None:
    said = StringIO()
    call_command("simulate", days=1, requests=14, centres=3, experts=20, step=5, stdout=said)
    assert "No clock missed" in said.getvalue()
    assert Consultation.objects.filter(state="CLOSED").count() > 7
    regulator = User.objects.get(username="regulator")
    first, last = datetime(2026, 9, 21).date(), datetime(2026, 11, 1).date()
    assert list(judge.faults(regulator, first, last, STEP)) == []

    one = Consultation.objects.filter(state="CLOSED").earliest("pk")
    Consultation.objects.filter(pk=one.pk).update(state="TRIAGE")
    running = Clock.objects.filter(consultation=one).latest("pk")
    Clock.objects.filter(pk=running.pk).update(due_at=running.ended_at - timedelta(hours=1), warned_at=None)
    MoveReason.objects.filter(move="decline").delete()
    MoveReason.objects.create(consultation=one, move="decline", words="x", by=regulator)
    booked = Booking.objects.filter(booked_at__isnull=False)
    if known := booked.first():
        Booking.objects.filter(pk=known.pk).update(freed_at=None, state="booked")
        known.pk, known.state, known.freed_at = None, "booked", None
        known.consultation = Consultation.objects.exclude(pk=known.consultation_id).latest("pk")
        known.save()
    words = "\n".join(judge.faults(regulator, first, last, STEP))
    assert f"{one.number} is stuck in TRIAGE" in words
    assert f"{one.number}: nobody was told in time" in words
    assert "were booked at the same time" in words or not known


def test_it_is_refused_where_there_is_somebody(cast: object) -> None:
    with pytest.raises(CommandError, match="empty database"):
        call_command("simulate")


def test_a_clock_of_its_own_ends_with_the_block() -> None:
    start = datetime(2026, 9, 21, tzinfo=timezone.get_default_timezone())
    clock = clocks.Clock(start)
    with clock.worn():
        assert timezone.now() == start
        clock.turn(start + STEP)
        clock.turn(start)
        assert timezone.now() == start + STEP
    assert timezone.now() > start + timedelta(days=20)


def test_the_same_seed_is_the_same_month() -> None:
    start = datetime(2026, 9, 21, tzinfo=timezone.get_default_timezone())
    once, again = (arrivals(random.Random(7), start, 31, 100) for _twice in range(2))
    assert once == again
    assert sum(8 <= at.hour < 18 for at in once) > 60
