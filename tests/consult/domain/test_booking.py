"""Booking: free times of the roster, held then booked, never twice; moved, waited for, taken over, lost."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from consult.errors import Refusal
from consult.models import (
    Agreement,
    AuditEntry,
    BookedCell,
    Booking,
    Clock,
    Consultation,
    Licence,
    Notification,
    Role,
    Shift,
    User,
    Waiting,
)
from consult.policies import booking as policies
from consult.services import answer, audit, booking, consultation, outbox, session
from consult.views.booking import by_day
from tests import cast as people
from tests.cast import Cast

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 9:00 in Shanxi
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN = AT + HOUR


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as clock:
        yield clock


def shift(user: User, start: datetime = AT, end: datetime = AT + 3 * HOUR, level: str = "duty") -> Shift:
    role = Role.objects.get(person=user, kind=Role.Kind.EXPERT)
    return Shift.objects.create(role=role, level=level, starts_at=start, ends_at=end)


def booked(cast: Cast, thing: Consultation, at: datetime = TEN, **fields: Any) -> Consultation:
    booking.hold(consultation=thing, by=cast.doctor, starts_at=at)
    return booking.book(consultation=thing, by=cast.doctor, **fields)


def code(act: Any, *args: Any, **fields: Any) -> str:
    try:
        act(*args, **fields)
    except Refusal as refusal:
        return refusal.code
    return "done"


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__username", flat=True))


def starts(thing: Consultation, minutes: int | None = None) -> list[str]:
    return [f"{timezone.localtime(slot.starts_at):%H:%M}" for slot in policies.free(thing, minutes)]


def test_free_times_are_those_of_the_published_roster_without_a_gap(cast: Cast) -> None:
    thing, other = people.accepted(cast), people.accepted(cast)
    shift(cast.expert, AT, AT + 2 * HOUR)
    shift(cast.expert, AT + 2 * HOUR, AT + 3 * HOUR)
    shift(cast.second_expert)
    assert starts(thing) == ["09:30", "10:00", "10:30", "11:00", "11:30"]
    booking.hold(consultation=other, by=cast.doctor, starts_at=TEN, minutes=15)
    assert starts(thing) == ["09:30", "10:15", "10:45", "11:15"]
    assert starts(thing, 60) == ["10:15"]
    assert starts(other, 30)[1] == "10:00"  # what one holds oneself is free for oneself
    Licence.objects.filter(person=cast.expert).update(valid_until=timezone.localdate() - DAY)
    assert starts(thing) == []


def test_on_call_is_for_what_cannot_wait_and_standby_for_nothing(cast: Cast) -> None:
    urgent, routine = people.accepted(cast), people.accepted(cast, urgency="routine")
    shift(cast.expert, level="on_call")
    assert (len(policies.free(urgent)), len(policies.free(routine))) == (5, 0)
    Shift.objects.update(level="standby")
    assert policies.free(urgent) == []


def test_it_is_held_then_booked_and_the_time_is_a_fact_of_the_consultation(cast: Cast) -> None:
    shift(cast.expert)
    thing = people.accepted(cast)
    booking.hold(consultation=thing, by=cast.doctor, starts_at=TEN)
    thing.refresh_from_db()
    assert (thing.state, thing.scheduled_at) == ("ACCEPTED", None)
    booking.book(consultation=thing, by=cast.doctor)
    assert (thing.state, thing.scheduled_at, thing.scheduled_until) == ("SCHEDULED", TEN, TEN + 30 * MINUTE)
    assert thing.due_at == TEN < Clock.objects.get(consultation=thing, ended_at=None).due_at
    assert told("scheduled") == {"second.nitun", "expert.provincial", "scheduler"}
    assert code(booking.book, consultation=thing, by=cast.doctor) == "hold_expired"
    assert audit.verify().broken is None


def test_a_hold_is_over_after_five_minutes(cast: Cast, now: Any) -> None:
    shift(cast.expert)
    thing, other = people.accepted(cast), people.accepted(cast)
    booking.hold(consultation=thing, by=cast.doctor, starts_at=TEN)
    now.shift(5 * MINUTE - timedelta(seconds=1))
    assert code(booking.hold, consultation=other, by=cast.doctor, starts_at=TEN) == "slot_taken"
    now.shift(timedelta(seconds=1))
    assert code(booking.book, consultation=thing, by=cast.doctor) == "hold_expired"
    assert "10:00" in starts(other)
    assert booking.sweep() == 0
    assert (Booking.objects.get().why, BookedCell.objects.count()) == ("expired", 0)
    booked(cast, other)
    assert other.state == "SCHEDULED"


@pytest.mark.parametrize(("at", "minutes"), [(TEN, 30), (TEN + 15 * MINUTE, 15), (TEN - 30 * MINUTE, 60)])
def test_what_overlaps_is_refused_whatever_its_length(cast: Cast, at: datetime, minutes: int) -> None:
    shift(cast.expert)
    booked(cast, people.accepted(cast))
    other = people.accepted(cast)
    assert code(booking.hold, consultation=other, by=cast.doctor, starts_at=at, minutes=minutes) == "slot_taken"
    assert code(booking.hold, consultation=other, by=cast.doctor, starts_at=TEN + 30 * MINUTE) == "done"


def test_the_database_itself_refuses_a_quarter_of_an_hour_twice(cast: Cast) -> None:
    shift(cast.expert)
    booked(cast, people.accepted(cast))
    second = Booking.objects.create(
        consultation=people.accepted(cast), person=cast.expert, state="booked", starts_at=TEN, ends_at=TEN + HOUR
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        BookedCell.objects.create(booking=second, person=cast.expert, at=TEN + 15 * MINUTE)
    BookedCell.objects.create(booking=second, person=cast.second_expert, at=TEN + 15 * MINUTE)


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (AT - 15 * MINUTE, "time_past"),
        (AT, "time_past"),
        (TEN + MINUTE, "time_wrong"),
        (AT + 2 * HOUR + 45 * MINUTE, "not_on_roster"),
    ],
)
def test_only_times_of_the_roster_at_a_quarter_can_be_held(cast: Cast, at: datetime, refusal: str) -> None:
    shift(cast.expert)
    thing = people.accepted(cast)
    assert code(booking.hold, consultation=thing, by=cast.doctor, starts_at=at) == refusal


def test_who_may_and_when(cast: Cast) -> None:
    shift(cast.expert)
    thing, offered = people.accepted(cast), people.offered(cast)
    for user in (cast.doctor, cast.colleague, cast.expert, cast.scheduler):
        assert code(booking.hold, consultation=thing, by=people.again(user), starts_at=TEN) == "done"
    for user in (cast.outsider, cast.second_expert, cast.regulator):
        assert code(booking.hold, consultation=thing, by=people.again(user), starts_at=TEN) == "wrong_actor"
    assert code(booking.hold, consultation=offered, by=cast.doctor, starts_at=TEN) == "too_late"
    assert Booking.objects.filter(state="held").count() == 1


@pytest.mark.parametrize("who", ["doctor", "expert", "scheduler"])
def test_either_side_moves_it_with_a_reason_and_the_old_time_is_free(cast: Cast, who: str) -> None:
    shift(cast.expert)
    by = getattr(cast, who)
    thing = booked(cast, people.accepted(cast))
    later = TEN + 15 * MINUTE  # overlaps the time it has
    booking.hold(consultation=thing, by=by, starts_at=later)
    assert code(booking.book, consultation=thing, by=by) == "reason_missing"
    Notification.objects.all().delete()
    booking.book(consultation=thing, by=by, reason="急诊手术")
    assert (thing.scheduled_at, list(BookedCell.objects.values_list("at", flat=True))) == (
        later,
        [later, later + 15 * MINUTE],
    )
    everybody = {"doctor.nitun", "second.nitun", "expert.provincial", "scheduler"}
    assert told("rescheduled") == everybody - {by.username}
    assert Booking.objects.get(state="booked").reason == "急诊手术"
    assert Booking.objects.get(state="free").why == "moved"
    other = people.accepted(cast)
    assert code(booking.hold, consultation=other, by=cast.doctor, starts_at=TEN - 15 * MINUTE) == "done"


def test_cancelling_frees_the_time(cast: Cast) -> None:
    shift(cast.expert)
    thing = booked(cast, people.accepted(cast))
    booking.cancel(consultation=thing, by=cast.expert, reason="停诊")
    assert (thing.state, thing.scheduled_at, BookedCell.objects.count()) == ("ACCEPTED", None, 0)
    assert thing.due_at == Clock.objects.get(consultation=thing, ended_at=None).due_at
    assert told("unscheduled") == {"doctor.nitun", "second.nitun", "scheduler"}
    booked(cast, thing)
    consultation.call_off(consultation=thing, by=cast.doctor, reason="患者转院")
    assert (Booking.objects.latest("pk").why, BookedCell.objects.count()) == ("cancelled", 0)
    written = booked(cast, people.accepted(cast))
    answer.review(consultation=written, by=cast.expert)
    assert (written.scheduled_at, BookedCell.objects.count()) == (None, 0)


def test_a_call_keeps_its_time_until_it_ends(cast: Cast, now: Any) -> None:
    shift(cast.expert)
    thing = booked(cast, people.accepted(cast))
    now.move_to(TEN)
    for user in (cast.doctor, cast.expert):
        session.arrived(consultation=thing, by=user)
    assert BookedCell.objects.count() == 2
    session.end(consultation=thing, by=cast.expert)
    assert (Booking.objects.get().why, BookedCell.objects.count()) == ("ended", 0)


def test_who_waits_is_offered_what_gets_free_by_urgency_and_time_and_then_the_next(cast: Cast, now: Any) -> None:
    shift(cast.expert, TEN, TEN + 30 * MINUTE)
    first = booked(cast, people.accepted(cast))
    routine, urgent = people.accepted(cast, urgency="routine"), people.accepted(cast)
    later = people.accepted(cast)
    for thing in (routine, urgent, later):
        booking.wait(consultation=thing, by=cast.doctor)
        now.shift(MINUTE)
    booking.cancel(consultation=first, by=cast.doctor, reason="改期")
    outbox.sweep()
    held = Booking.objects.get(state="held")
    assert (held.consultation, held.starts_at, held.held_until) == (urgent, TEN, timezone.now() + 15 * MINUTE)
    assert told("slot_offered") == {"doctor.nitun", "second.nitun"}
    assert code(booking.hold, consultation=first, by=cast.doctor, starts_at=TEN) == "slot_taken"
    now.shift(15 * MINUTE)
    outbox.sweep()
    assert Booking.objects.get(state="held").consultation == later
    booking.release(consultation=later, by=cast.doctor)
    outbox.sweep()
    assert Booking.objects.get(state="held").consultation == routine
    booking.book(consultation=routine, by=cast.doctor)
    assert set(Waiting.objects.filter(ended_at=None).values_list("consultation", flat=True)) == {urgent.pk, later.pk}


def test_nobody_overtakes_who_waits_although_no_worker_runs(cast: Cast) -> None:
    shift(cast.expert, TEN, TEN + 30 * MINUTE)
    first = booked(cast, people.accepted(cast))
    waits, other = people.accepted(cast), people.accepted(cast)
    booking.wait(consultation=waits, by=cast.doctor)
    booking.cancel(consultation=first, by=cast.doctor, reason="改期")
    with pytest.raises(Refusal, match="slot_taken"):
        booking.hold(consultation=other, by=cast.doctor, starts_at=TEN)
    outbox.sweep()
    assert Booking.objects.get(state="held").consultation == waits


def test_a_new_roster_is_offered_to_who_waits(cast: Cast) -> None:
    thing = people.accepted(cast)
    booking.wait(consultation=thing, by=cast.doctor)
    assert booking.sweep() == Booking.objects.count() == 0
    shift(cast.expert)
    assert code(booking.wait, consultation=thing, by=cast.doctor) == "slots_free"
    booking.sweep()
    assert Booking.objects.get(state="held").consultation == thing
    booking.stop_waiting(consultation=thing, by=cast.doctor)
    assert Waiting.objects.get().ended_at is not None


def test_an_urgent_booking_takes_over_is_logged_and_nobody_is_lost(cast: Cast) -> None:
    shift(cast.expert, TEN, TEN + 30 * MINUTE)
    lost = booked(cast, people.accepted(cast, urgency="routine"))
    urgent = people.accepted(cast, urgency="emergency")
    wanted: dict[str, Any] = {"starts_at": TEN, "minutes": 45, "reason": "室速"}
    assert code(booking.override, consultation=urgent, by=cast.doctor, **wanted) == "no_override"
    assert (
        code(booking.override, consultation=urgent, by=cast.scheduler, **{**wanted, "reason": " "}) == "reason_missing"
    )
    booking.override(consultation=urgent, by=cast.expert, **wanted)
    lost.refresh_from_db()
    assert (urgent.state, urgent.scheduled_at, lost.state, lost.scheduled_at) == ("SCHEDULED", TEN, "ACCEPTED", None)
    entry = AuditEntry.objects.get(action="booking.override")
    assert (entry.actor, entry.detail["over"], entry.detail["on_roster"]) == (
        "expert.provincial",
        [lost.number],
        False,
    )
    made = Booking.objects.get(state="booked")
    assert (made.override, made.reason) == (True, "室速")
    assert told("slot_lost") == {"doctor.nitun", "second.nitun", "expert.provincial", "scheduler"}
    assert Waiting.objects.get(ended_at=None).consultation == lost
    assert policies.conflicts(Booking.objects.filter(state="booked")) == []  # outside the roster on purpose
    routine = people.accepted(cast, urgency="routine")
    assert code(booking.override, consultation=routine, by=cast.expert, **wanted) == "no_override"
    assert audit.verify().broken is None


def test_a_call_that_is_going_on_is_not_taken_over(cast: Cast, now: Any) -> None:
    shift(cast.expert)
    thing = booked(cast, people.accepted(cast))
    now.move_to(TEN + MINUTE)
    for user in (cast.doctor, cast.expert):
        session.arrived(consultation=thing, by=user)
    other = people.accepted(cast, urgency="emergency")
    wanted: dict[str, Any] = {"starts_at": TEN + 15 * MINUTE, "minutes": 30, "reason": "室速"}
    assert code(booking.override, consultation=other, by=cast.scheduler, **wanted) == "in_call"


def test_what_a_roster_took_away_is_told_to_the_scheduler_once(cast: Cast) -> None:
    row = shift(cast.expert)
    thing = booked(cast, people.accepted(cast))
    assert booking.sweep() == 0
    row.delete()
    assert [booking.sweep(), booking.sweep()] == [1, 0]
    thing.refresh_from_db()
    assert (thing.state, told("booking_conflict")) == ("SCHEDULED", {"scheduler"})
    assert [one.consultation for one in policies.conflicts(policies.mine(people.again(cast.scheduler)))] == [thing]


def test_both_sides_are_reminded_a_quarter_of_an_hour_before(cast: Cast, now: Any) -> None:
    shift(cast.expert)
    thing, moved = booked(cast, people.accepted(cast)), booked(cast, people.accepted(cast), TEN + 30 * MINUTE)
    booking.hold(consultation=moved, by=cast.doctor, starts_at=TEN + HOUR)
    booking.book(consultation=moved, by=cast.doctor, reason="改期")
    now.move_to(TEN - 15 * MINUTE - timedelta(seconds=1))
    outbox.sweep()
    assert told("reminder") == set()
    now.shift(timedelta(seconds=1))
    outbox.sweep()
    assert told("reminder") == {"doctor.nitun", "expert.provincial"}
    now.move_to(TEN + 20 * MINUTE)  # when the moved one was booked first
    outbox.sweep()
    assert set(Notification.objects.filter(kind="reminder").values_list("consultation", flat=True)) == {thing.pk}


def test_who_does_not_come_is_told_and_then_kept_as_a_no_show(cast: Cast, now: Any) -> None:
    shift(cast.expert)
    thing = booked(cast, people.accepted(cast))
    missed: dict[str, Any] = {"side": "answering", "reason": "专家手术未到"}
    now.move_to(TEN + 9 * MINUTE)
    assert booking.sweep() == 0
    assert code(session.miss, consultation=thing, by=cast.scheduler, **missed) == "too_early"
    now.shift(MINUTE)
    assert [booking.sweep(), booking.sweep()] == [1, 0]
    assert told("booking_absence") == {"doctor.nitun", "second.nitun", "expert.provincial", "scheduler"}
    assert code(session.miss, consultation=thing, by=cast.doctor, **missed) == "wrong_actor"
    session.miss(consultation=thing, by=cast.scheduler, **missed)
    assert (thing.state, Booking.objects.get().why, BookedCell.objects.count()) == ("NO_SHOW", "ended", 0)
    assert AuditEntry.objects.get(action="consultation.miss").detail["side"] == "answering"


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ((2026, 10, 25), "00:00 01:00 02:00 CEST 02:00 CET 03:00 04:00 05:00"),  # 25 hours
        ((2026, 3, 29), "00:00 01:00 03:00 04:00 05:00"),  # 23 hours
        ((2026, 7, 1), "00:00 01:00 02:00 03:00 04:00 05:00"),
    ],
)
def test_days_of_23_and_25_hours_have_the_times_they_have(
    cast: Cast, settings: Any, now: Any, day: tuple[int, int, int], words: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    Agreement.objects.update(valid_from="2025-01-01", valid_until="2030-01-01")
    Licence.objects.update(valid_from="2025-01-01", valid_until="2030-01-01")
    start, end = (datetime(*day, hour, tzinfo=BERLIN).astimezone(UTC) for hour in (0, 6))
    now.move_to(start - HOUR)
    shift(cast.expert, start, end)
    [(of_day, slots)] = by_day(policies.free(people.accepted(cast), 60))
    assert (of_day, " ".join(text for _slot, text in slots)) == (date(*day), words)
    for slot, _text in slots:  # two that read alike are two
        thing = people.accepted(cast)
        booking.hold(consultation=thing, by=cast.doctor, starts_at=slot.starts_at, minutes=60)
        booking.book(consultation=thing, by=cast.doctor)
    assert Booking.objects.filter(state="booked").count() == (end - start) / HOUR == BookedCell.objects.count() / 4
