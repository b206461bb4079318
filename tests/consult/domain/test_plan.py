"""The plan of a roster: what rules, changes, leave and holidays give; what publishing does with it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import (
    Agreement,
    AuditEntry,
    Holiday,
    Licence,
    Notification,
    Publication,
    Role,
    Rule,
    Shift,
)
from consult.policies import holiday as calendar
from consult.policies import plan as policies
from consult.policies import publication as previews
from consult.policies import repeat
from consult.services import holiday, plan, publication
from tests.cast import Cast, again
from tests.consult.domain.threads import together

MONDAY = date(2026, 11, 30)
SUNDAY = MONDAY + timedelta(days=6)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def role_of(person: Any) -> Role:
    return Role.objects.get(person=person, kind=Role.Kind.EXPERT)


def rule(cast: Cast, **fields: Any) -> Rule:
    said = {
        "role": role_of(cast.expert),
        "level": "duty",
        "rrule": repeat.daily(),
        "first": MONDAY,
        "last": None,
        "starts": time(8),
        "minutes": 720,
        "holidays": "usual",
    }
    return plan.add_rule(by=cast.scheduler, fields=said | fields)


def given(cast: Cast, first: date = MONDAY, last: date = SUNDAY) -> list[tuple[str, str]]:
    """Who has what: name, and start and end in the site's zone."""
    zone = timezone.get_default_timezone()
    return [
        (one.role.person.name, f"{one.starts_at.astimezone(zone):%m-%d %H:%M}-{one.ends_at.astimezone(zone):%H:%M}")
        for one in policies.draft([cast.cardiology.pk], first, last)
        if not one.blocked
    ]


def days(rows: list[tuple[str, str]]) -> list[str]:
    return [said[:5] for _name, said in rows]


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        (repeat.daily(), ["11-30", "12-01", "12-02", "12-03", "12-04", "12-05", "12-06"]),
        (repeat.weekly([0, 2]), ["11-30", "12-02"]),
        (repeat.weekly([0, 2], 2), []),  # counted from the week of 23 November
        (repeat.daily(3), ["12-02", "12-05"]),  # 23, 26, 29 November, 2 and 5 December
    ],
)
def test_a_rule_gives_its_days(cast: Cast, rrule: str, expected: list[str]) -> None:
    rule(cast, rrule=rrule, first=date(2026, 11, 23))
    assert days(given(cast)) == expected


def test_turns_are_kept_over_years_without_walking_through_them(cast: Cast) -> None:
    every_third = rule(cast, rrule=repeat.daily(3), first=date(2016, 1, 1))
    fortnight = rule(cast, rrule=repeat.weekly([1], 2), first=date(2016, 1, 8))
    for one, turn in ((every_third, 3), (fortnight, 14)):
        [first, second] = repeat.days_of(one, MONDAY, MONDAY + timedelta(days=turn * 2 - 1))
        assert (second - first).days == turn
        base = one.first if turn == 3 else date(2016, 1, 5)  # the Tuesday of the week in which it began
        assert (first - base).days % turn == 0


def test_holidays_and_moved_workdays_decide(cast: Cast) -> None:
    """National Day 2026: free from 1 to 7 October, Saturday the 10th is worked."""
    period = date(2026, 9, 28), date(2026, 10, 11)
    seen = {}
    for kind in Rule.Holidays.values:
        one = rule(cast, first=period[0], holidays=kind)
        seen[kind] = [day.day for day in repeat.days_of(one, *period)]
    assert seen == {
        "usual": [28, 29, 30, *range(1, 12)],
        "not": [28, 29, 30, 8, 9, 10, 11],
        "only": [1, 2, 3, 4, 5, 6, 7],
        "workdays": [28, 29, 30, 8, 9, 10],
        "free": [1, 2, 3, 4, 5, 6, 7, 11],
    }


def test_working_days_are_asked_of_a_table_read_once(cast: Cast, django_assert_num_queries: Any) -> None:
    calendar.forget()
    with django_assert_num_queries(1):
        worked = [calendar.is_workday(date(2026, 10, 1) + timedelta(days=n)) for n in range(300)]
    assert worked[:11] == [False] * 7 + [True, True, True, False]


def test_the_province_keeps_the_calendar_and_a_change_counts_at_once(cast: Cast, commits: Any) -> None:
    day = date(2027, 2, 9)
    assert calendar.is_workday(day)
    with commits():
        [row] = holiday.enter(by=cast.scheduler, first=day, last=day, kind="free", name="春节")
    assert not calendar.is_workday(day)
    with pytest.raises(Conflict):
        holiday.enter(by=cast.scheduler, first=day - timedelta(days=1), last=day, kind="free", name="春节")
    assert Holiday.objects.filter(day=day - timedelta(days=1), name="春节").count() == 1  # of the law, not of this
    with commits():
        holiday.remove(by=cast.scheduler, holiday=row)
    assert calendar.is_workday(day)
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.provincial)
    with pytest.raises(NotAllowed):
        holiday.enter(by=again(cast.scheduler), first=day, last=day, kind="free", name="春节")


def test_wall_time_is_kept_over_a_change_of_clocks(cast: Cast, settings: Any) -> None:
    """Berlin, 29 March 2026: the night from 20 to 8 has eleven hours, and no gap before the day."""
    settings.TIME_ZONE = "Europe/Berlin"
    timezone.get_default_timezone.cache_clear()
    try:
        first, last = date(2026, 3, 28), date(2026, 3, 29)
        rule(cast, first=first, starts=time(20))
        rule(cast, first=first, starts=time(8), role=role_of(cast.second_expert))
        rows = policies.draft([cast.cardiology.pk], first, last)
        assert [row.starts_at.strftime("%H:%M") for row in rows] == ["08:00", "20:00", "08:00", "20:00"]
        real = [row.ends_at.timestamp() - row.starts_at.timestamp() for row in rows]
        assert [seconds / 3600 for seconds in real] == [12, 11, 12, 12]
        assert rows[1].ends_at.timestamp() == rows[2].starts_at.timestamp()
    finally:
        timezone.get_default_timezone.cache_clear()


def test_this_one_this_and_following_and_all(cast: Cast) -> None:
    one = rule(cast)
    other = role_of(cast.second_expert)
    plan.replace(rule=one, day=MONDAY, by=cast.scheduler, role=None)
    plan.replace(rule=one, day=date(2026, 12, 1), by=cast.scheduler, role=other, starts=time(14), minutes=60)
    plan.replace(rule=one, day=date(2026, 12, 2), by=cast.scheduler, role=one.role, on=date(2026, 12, 9))
    plan.set_following(rule=one, by=cast.scheduler, day=date(2026, 12, 5), fields={"starts": time(9)}, known=1)
    plan.add(by=cast.scheduler, role=other, on=SUNDAY, level="standby", starts=time(20), minutes=720)
    assert given(cast) == [
        ("刘敏", "12-01 14:00-15:00"),
        ("张文博", "12-03 08:00-20:00"),
        ("张文博", "12-04 08:00-20:00"),
        ("张文博", "12-05 09:00-21:00"),
        ("张文博", "12-06 09:00-21:00"),
        ("刘敏", "12-06 20:00-08:00"),
    ]
    assert given(cast, date(2026, 12, 9), date(2026, 12, 9)) == [
        ("张文博", "12-09 08:00-20:00"),
        ("张文博", "12-09 09:00-21:00"),
    ]
    one.refresh_from_db()
    plan.set_rule(rule=one, by=cast.scheduler, fields={"starts": time(7)}, known=one.revision)
    assert given(cast)[1] == ("张文博", "12-03 07:00-19:00")
    with pytest.raises(Conflict):
        plan.set_rule(rule=one, by=cast.scheduler, fields={"starts": time(6)}, known=1)
    changed = one.changes.get(day=MONDAY)
    plan.undo(change=changed, by=cast.scheduler, known=changed.revision)
    assert given(cast)[0] == ("张文博", "11-30 07:00-19:00")


def test_who_is_on_leave_or_has_no_licence_is_named_and_not_published(cast: Cast) -> None:
    rule(cast, starts=time(20))
    role = role_of(cast.expert)
    leave = plan.give_leave(
        by=cast.scheduler, role=role, first=date(2026, 12, 2), last=date(2026, 12, 2), reason="年休"
    )
    Licence.objects.filter(person=cast.expert).update(valid_until=date(2026, 12, 5))
    why = {one.on.day: one.blocked for one in policies.draft([cast.cardiology.pk], MONDAY, SUNDAY)}
    # the night of the 1st ends on the day of leave, that of the 5th after the licence
    assert why == {30: "", 1: "leave", 2: "leave", 3: "", 4: "", 5: "licence", 6: "licence"}
    published(cast)
    assert sorted(timezone.localdate(shift.starts_at).day for shift in Shift.objects.all()) == [3, 4, 30]
    plan.cancel_leave(leave=leave, by=cast.scheduler, at=timezone.now())
    Agreement.objects.update(ended_at=timezone.now())
    assert {one.blocked for one in policies.draft([cast.cardiology.pk], MONDAY, SUNDAY)} == {"agreement", "licence"}


def published(cast: Cast, first: date = MONDAY, last: date = SUNDAY) -> Publication:
    shown = previews.preview(cast.cardiology, first, last)
    return publication.publish(
        by=cast.scheduler,
        department=cast.cardiology,
        first=first,
        last=last,
        known=shown.known,
        digest=shown.diff.digest(),
    )


def test_publishing_makes_the_shifts_of_the_plan_and_only_the_differences_after(cast: Cast) -> None:
    one = rule(cast)
    first = published(cast)
    assert (first.added, first.removed, first.changed) == (7, 0, 0)
    kept = set(Shift.objects.values_list("pk", flat=True))
    plan.replace(rule=one, day=MONDAY, by=cast.scheduler, role=None)
    plan.replace(rule=one, day=SUNDAY, by=cast.scheduler, role=one.role, level="standby")
    second = published(cast)
    assert (second.number, second.added, second.removed, second.changed) == (2, 0, 1, 1)
    left = Shift.objects.order_by("starts_at")
    assert {shift.pk for shift in left} < kept
    assert [shift.level for shift in left] == ["duty"] * 5 + ["standby"]
    told = Notification.objects.filter(kind="roster_published", person=cast.expert)
    assert told.count() == 2
    assert AuditEntry.objects.filter(action="roster.publish").count() == 2


def test_what_has_begun_is_left_alone(cast: Cast) -> None:
    rule(cast, first=date(2026, 11, 23))
    week = date(2026, 11, 23), date(2026, 11, 29)
    assert published(cast, *week).added == 6  # 23 November, 9 o'clock: that of today has begun


def test_a_page_that_shows_an_older_plan_or_publication_publishes_nothing(cast: Cast) -> None:
    one = rule(cast)
    shown = previews.preview(cast.cardiology, MONDAY, SUNDAY)
    again_ = {"by": cast.scheduler, "department": cast.cardiology, "first": MONDAY, "last": SUNDAY}
    plan.replace(rule=one, day=MONDAY, by=cast.scheduler, role=None)
    with pytest.raises(Conflict) as refused:
        publication.publish(**again_, known=0, digest=shown.diff.digest())
    assert (refused.value.code, Shift.objects.count(), Publication.objects.count()) == ("plan_changed", 0, 0)
    published(cast)
    with pytest.raises(Conflict) as refused:
        publication.publish(**again_, known=0, digest=previews.preview(cast.cardiology, MONDAY, SUNDAY).diff.digest())
    assert refused.value.code == "published"
    with pytest.raises(Refusal):
        publication.publish(**{**again_, "last": MONDAY + timedelta(days=90)}, known=1, digest="")


@pytest.mark.slow
def test_two_schedulers_publish_at_once_and_one_is_told(live_cast: Cast) -> None:
    rule(live_cast)
    shown = previews.preview(live_cast.cardiology, MONDAY, SUNDAY)

    def act() -> int:
        made = publication.publish(
            by=live_cast.scheduler,
            department=live_cast.cardiology,
            first=MONDAY,
            last=SUNDAY,
            known=0,
            digest=shown.diff.digest(),
        )
        return made.number

    results = together(*[act] * 5)
    assert sorted(map(str, results)) == ["1", *["published"] * 4]
    assert (Shift.objects.count(), Publication.objects.count()) == (7, 1)


def test_gaps_and_overlaps_are_found_before_publishing(cast: Cast) -> None:
    rule(cast)
    rule(cast, starts=time(20), last=date(2026, 12, 5), level="on_call", role=role_of(cast.second_expert))
    rule(cast, starts=time(18), minutes=240, level="standby", rrule=repeat.weekly([2]))
    publication.want(by=cast.scheduler, department=cast.cardiology, days="all", starts=0, ends=24, least=1)
    publication.want(by=cast.scheduler, department=cast.cardiology, days="free", starts=8, ends=10, least=2)
    shown = previews.preview(cast.cardiology, MONDAY, SUNDAY)
    assert [(gap.day.day, gap.starts, gap.ends, gap.have, gap.least) for gap in shown.gaps] == [
        (30, 0, 8, 0, 1),  # nobody was there in the night before
        (5, 8, 10, 1, 2),
        (6, 8, 10, 1, 2),
        (6, 20, 24, 0, 1),
    ]
    [both] = shown.overlaps
    assert (both.role.person.name, both.one.starts_at.astimezone(timezone.get_default_timezone()).day) == ("张文博", 2)


def test_two_shifts_of_one_person_that_begin_together_are_one_and_the_other_is_named(cast: Cast) -> None:
    rule(cast, last=MONDAY)
    rule(cast, last=MONDAY, level="standby")
    shown = previews.preview(cast.cardiology, MONDAY, SUNDAY)
    assert ([row.level for row in shown.diff.added], [row.blocked for row in shown.diff.refused]) == (
        ["duty"],
        ["double"],
    )
    assert (len(shown.overlaps), published(cast).added, Shift.objects.get().level) == (1, 1, "duty")


def test_a_hospitals_scheduler_plans_only_its_own_departments(cast: Cast) -> None:
    one = rule(cast)
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.bethune)
    other = again(cast.scheduler)
    assert [row.pk for row in policies.plannable_departments(other)] == [cast.radiology.pk]
    assert list(policies.visible_rules(other)) == []
    for act in (
        lambda: plan.replace(rule=one, day=MONDAY, by=other, role=None),
        lambda: plan.end(rule=one, by=other, day=None, known=1),
        lambda: plan.set_rule(rule=one, by=other, fields={}, known=1),
        lambda: plan.give_leave(by=other, role=one.role, first=MONDAY, last=MONDAY, reason="x"),
        lambda: publication.publish(
            by=other, department=cast.cardiology, first=MONDAY, last=SUNDAY, known=0, digest=""
        ),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert policies.plannable_departments(cast.expert).count() == 0
