"""The clocks: started by the moves, standing in NEEDS_INFO, swept once by however many sweepers, going up the chain."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Clock, Consultation, Notification
from consult.policies import clock as policies
from consult.services import answer, clock, escalation, triage
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 9:00 in Shanxi
MINUTE = timedelta(minutes=1)


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__username", flat=True))


def passed(thing: Consultation) -> list[tuple[str, timedelta, timedelta]]:
    return [(row.step, row.due_at - row.started_at, row.stood) for row in thing.clocks.all()]


def test_each_step_runs_its_own_clock_and_the_table_is_that_of_the_product(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False):
        thing = people.opinion_due(cast, urgency="urgent")
    zero = timedelta(0)
    spans = [("triage", 30 * MINUTE), ("accept", 60 * MINUTE), ("session", 720 * MINUTE), ("opinion", 120 * MINUTE)]
    assert passed(thing) == [(step, span, zero) for step, span in spans]
    assert [row.ended_at is None for row in thing.clocks.all()] == [False, False, False, True]
    assert thing.due_at == AT + 120 * MINUTE
    people.sign(cast, thing)
    thing.refresh_from_db()
    assert (thing.due_at, thing.clocks.filter(ended_at=None).count()) == (None, 0)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-23 09:00", "2026-11-26 09:00"),  # Monday to Thursday
        ("2026-11-26 17:30", "2026-12-01 17:30"),  # Thursday over a week-end to Tuesday
        ("2026-11-28 08:00", "2026-12-02 08:00"),  # a Saturday counts from Monday
        ("2026-09-30 08:00", "2026-10-10 08:00"),  # after the National Day week, on its moved workday
    ],
)
def test_three_working_days_leave_out_the_weekend(db: None, start: str, due: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    moment = datetime.fromisoformat(start).replace(tzinfo=zone)
    assert policies.after(moment, (3, "workdays")) == datetime.fromisoformat(due).replace(tzinfo=zone)


def test_it_stands_only_while_more_is_asked_for_and_that_time_is_reported_apart(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False) as now:
        thing = people.in_triage(cast, urgency="urgent")
        now.shift(10 * MINUTE)
        triage.ask_more(consultation=thing, by=cast.scheduler, reason="请补充心电图")
        now.shift(45 * MINUTE)
        assert escalation.sweep() == 0
        assert thing.clocks.get().stood == 45 * MINUTE
        triage.supply(consultation=thing, by=cast.doctor, answer="已补充")
        now.shift(5 * MINUTE)
        row = thing.clocks.get()
        assert (row.took, row.stood, row.due_at) == (15 * MINUTE, 45 * MINUTE, AT + 75 * MINUTE)
        assert thing.due_at == row.due_at


def test_a_running_clock_keeps_what_it_started_with(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False):
        thing = people.submitted(cast, urgency="urgent")
        spans = {**policies.START, "triage": {**policies.START["triage"], "urgent": (5, "minutes")}}
        table = clock.publish(by=cast.scheduler, spans=spans, known=1)
        triage.take(consultation=thing, by=cast.scheduler)
        assert thing.due_at == AT + 30 * MINUTE
        assert people.submitted(cast, urgency="urgent").due_at == AT + 5 * MINUTE
    assert (table.number, AuditEntry.objects.filter(action="clocks.publish").count()) == (2, 1)
    with pytest.raises(Conflict):
        clock.publish(by=cast.scheduler, spans=policies.START, known=1)
    with pytest.raises(NotAllowed):
        clock.publish(by=cast.expert, spans=policies.START, known=2)
    wrong = {**policies.START, "department": {**policies.START["department"], "emergency": (1, "minutes")}}
    with pytest.raises(Refusal, match="chain_order"):
        clock.publish(by=cast.scheduler, spans=wrong, known=2)


def test_an_emergency_nobody_answers_goes_up_the_chain_step_by_step(cast: Cast) -> None:
    third = people.person("third.provincial", "马丽", "Ma Li", "expert", cast.cardiology, "resident")
    with time_machine.travel(AT, tick=False) as now:
        thing = people.offered(cast, urgency="emergency")
        seen = []
        for _minute in range(12):
            now.shift(MINUTE)
            escalation.sweep()
            kinds = ("chain_second", "chain_department", "chain_desk", "late_accept")
            seen.append(tuple(sorted(kind for kind in kinds if told(kind))))
    second, department = ("chain_second",), ("chain_department", "chain_second")
    desk = ("chain_department", "chain_desk", "chain_second", "late_accept")
    assert seen == [()] * 4 + [second] * 3 + [department] * 2 + [desk] * 3
    assert told("chain_second") == {cast.second_expert.username}
    assert told("chain_department") == {third.username}
    assert told("chain_desk") == {"scheduler"}
    assert {"doctor.nitun", cast.expert.username, "scheduler"} <= told("late_accept")
    steps = AuditEntry.objects.filter(consultation=thing.pk, action__startswith="clock.").order_by("seq")
    assert [row.action for row in steps] == ["clock.second", "clock.department", "clock.desk", "clock.late"]
    answer.take_from_department(consultation=thing, by=cast.second_expert)
    assert (thing.expert, told("withdrawn")) == (cast.second_expert, {cast.expert.username})
    assert escalation.sweep() == 0


def test_a_second_specialist_of_another_department_may_take_what_they_were_asked(cast: Cast) -> None:
    cast.second_expert.roles.update(active=False)
    cast.radiology.specialty = "cardiology"
    cast.radiology.save()
    with time_machine.travel(AT, tick=False) as now:
        thing = people.offered(cast, urgency="emergency")
        with pytest.raises(NotAllowed):
            answer.take_from_department(consultation=thing, by=people.again(cast.other_expert))
        now.shift(5 * MINUTE)
        escalation.sweep()
        assert told("chain_second") == {cast.other_expert.username}
        answer.take_from_department(consultation=thing, by=people.again(cast.other_expert))
    assert (thing.expert, thing.asked_department, thing.state) == (cast.other_expert, cast.radiology, "ACCEPTED")


def test_both_sides_are_warned_once(cast: Cast) -> None:
    with time_machine.travel(AT, tick=False) as now:
        thing = people.opinion_due(cast, urgency="routine")
        now.shift(timedelta(hours=24))
        assert [escalation.sweep() for _turn in range(3)] == [1, 0, 0]
    assert told("late_opinion") == {"doctor.nitun", "second.nitun", "expert.provincial", "scheduler"}
    assert AuditEntry.objects.filter(consultation=thing.pk, action="clock.late").count() == 1


def test_what_stood_there_before_there_were_clocks_gets_one(cast: Cast) -> None:
    thing = people.submitted(cast)
    Clock.objects.all().delete()
    escalation.sweep()
    assert thing.clocks.get().step == "triage"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_take_each_step_once(live_cast: Cast) -> None:
    things = [people.offered(live_cast, urgency="emergency") for _turn in range(4)]
    Clock.objects.filter(ended_at=None).update(started_at=timezone.now() - 11 * MINUTE, due_at=timezone.now() - MINUTE)
    results: list[Any] = together(*[escalation.sweep] * 4)
    assert sum(results) == 4 * 4
    for thing in things:
        rows = AuditEntry.objects.filter(consultation=thing.pk, action__startswith="clock.")
        assert rows.count() == 4
        assert Notification.objects.filter(consultation=thing, kind="chain_desk").count() == 1
