"""The roster's pages: what a scheduler plans, moves and publishes, and what others do not see."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consult.models import Change, Cover, Holiday, Leave, Publication, Role, Rule, Shift
from consult.policies import repeat
from consult.services import plan
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import JSON, browser, page_of

MONDAY = date(2026, 11, 30)
WEEK = {"day": "2026-11-30"}
RULE = {
    "level": "duty",
    "starts": "08:00",
    "ends": "20:00",
    "repeat": "weekly",
    "weekdays": ["0", "1"],
    "weeks": "1",
    "first": "2026-11-30",
    "holidays": "usual",
}


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with time_machine.travel(datetime(2026, 11, 23, 1, 0, tzinfo=UTC), tick=False):
        yield


def role_of(person: Any) -> Role:
    return Role.objects.get(person=person, kind=Role.Kind.EXPERT)


def rule(cast: Cast, person: Any = None, **fields: Any) -> Rule:
    said = {"level": "duty", "rrule": repeat.daily(), "first": MONDAY, "starts": time(8), "minutes": 720}
    return plan.add_rule(by=cast.scheduler, fields={**said, "role": role_of(person or cast.expert), **fields})


def calendar(cast: Cast, **query: str) -> str:
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    return page_of(desk.get(reverse("roster"), {"of": f"d{cast.cardiology.pk}", **WEEK, **query}))


def test_a_rule_is_planned_by_a_form_and_seen_as_not_published(cast: Cast) -> None:
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    url = reverse("roster-rule-new", args=[cast.cardiology.pk])
    assert desk.get(url).status_code == 200
    sent = {**RULE, "role": role_of(cast.expert).pk}
    wrong = desk.post(url, {**sent, "weekdays": [], "last": "2026-11-01"})
    assert (wrong.status_code, page_of(wrong).count('class="field-error"')) == (422, 2)
    assert desk.post(url, {**sent, "role": role_of(cast.other_expert).pk}).status_code == 422  # of another department
    assert desk.post(url, sent).status_code == 302
    made = Rule.objects.get()
    assert (made.rrule, made.minutes, made.last) == ("FREQ=WEEKLY;BYDAY=MO,TU", 720, None)
    for view in ("week", "month"):
        page = calendar(cast, view=view)
        assert f'data-entry="r{made.pk}-2026-11-30"' in page
        assert page.count("not published") >= 2
    assert "Every week: Mon, Tue" in page_of(desk.get(reverse("roster-plan", args=[cast.cardiology.pk])))


@pytest.mark.parametrize(
    ("scope", "rules", "changes"),
    [("this", 1, 1), ("following", 2, 0), ("all", 1, 0)],
    ids=["this", "following", "all"],
)
def test_a_shift_is_opened_and_changed_alone_from_then_on_or_all(
    cast: Cast, scope: str, rules: int, changes: int
) -> None:
    one = rule(cast)
    desk = browser(cast.scheduler)
    url = reverse("roster-entry", args=[f"r{one.pk}-2026-12-02"])
    assert desk.get(url).status_code == 200
    sent = {"role": one.role_id, "level": "standby", "on": "2026-12-02", "starts": "09:00", "ends": "12:00"}
    sent |= {"scope": scope, "known": 0, "known_rule": 1}
    assert desk.post(url, sent).status_code == 302
    assert (Rule.objects.count(), Change.objects.count()) == (rules, changes)
    assert calendar(cast).count(">09:00–12:00<") == {"this": 1, "following": 5, "all": 7}[scope]
    assert desk.post(url, sent).status_code in {404, 409}  # it is another by now


def test_a_shift_is_taken_off_and_comes_back(cast: Cast) -> None:
    one = rule(cast)
    desk = browser(cast.scheduler)
    key = f"r{one.pk}-2026-12-02"
    url = reverse("roster-entry", args=[key])
    assert desk.post(url, {"act": "off", "scope": "this", "known": 0}).status_code == 302
    assert key not in calendar(cast)
    assert desk.post(url, {"act": "back", "known": 1}).status_code == 302
    assert key in calendar(cast)
    assert desk.post(url, {"act": "off", "scope": "following", "known_rule": 1}).status_code == 302
    one.refresh_from_db()
    assert one.last == date(2026, 12, 1)
    assert desk.get(reverse("roster-entry", args=["r1-2026-02-31"])).status_code == 404
    assert desk.get(reverse("roster-entry", args=["nothing"])).status_code == 404


def test_a_drag_goes_to_another_day_and_person_of_the_department_once(cast: Cast) -> None:
    one = rule(cast)
    desk = browser(cast.scheduler)
    url = reverse("roster-move")
    sent = {"entry": f"r{one.pk}-2026-12-02", "known": 0, "role": role_of(cast.second_expert).pk, "on": "2026-12-03"}
    assert desk.post(url, sent).status_code == 204
    assert Change.objects.get().role == role_of(cast.second_expert)
    assert desk.post(url, {**sent, "on": "2026-12-04"}, headers=JSON).status_code == 409  # it was moved meanwhile
    assert desk.post(url, {**sent, "known": 1, "role": "", "on": "2026-12-04"}).status_code == 204
    change = Change.objects.get()
    assert (change.on, change.role, change.revision) == (date(2026, 12, 4), role_of(cast.second_expert), 2)
    elsewhere = desk.post(url, {**sent, "known": 2, "role": role_of(cast.other_expert).pk}, headers=JSON)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "other_department")
    assert desk.post(url, {**sent, "on": "soon"}, headers=JSON).status_code == 422


def test_an_extra_shift_is_added_moved_and_removed(cast: Cast) -> None:
    desk = browser(cast.scheduler)
    sent = {"role": role_of(cast.expert).pk, "level": "duty", "on": "2026-12-01", "starts": "18:00", "ends": "08:00"}
    assert desk.post(reverse("roster-extra", args=[cast.cardiology.pk]), sent).status_code == 302
    made = Change.objects.get()
    assert made.minutes == 14 * 60
    assert (
        desk.post(reverse("roster-move"), {"entry": f"c{made.pk}", "known": 1, "on": "2026-12-02"}).status_code == 204
    )
    url = reverse("roster-entry", args=[f"c{made.pk}"])
    assert desk.post(url, {**sent, "on": "2026-12-05", "known": 1}).status_code == 409
    assert desk.post(url, {**sent, "on": "2026-12-05", "known": 2}).status_code == 302
    assert desk.post(url, {"act": "off", "known": 3}).status_code == 302
    assert Change.objects.count() == 0


def test_the_differences_are_shown_with_what_is_wrong_and_published_once(cast: Cast) -> None:
    rule(cast)
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    settings = reverse("roster-plan", args=[cast.cardiology.pk])
    leave = {
        "act": "leave",
        "role": role_of(cast.expert).pk,
        "first": "2026-12-02",
        "last": "2026-12-02",
        "reason": "x",
    }
    assert desk.post(settings, {**leave, "last": "2026-12-01"}).status_code == 422
    assert desk.post(settings, leave).status_code == 302
    cover = {"act": "cover", "days": "all", "starts": "8", "ends": "20", "least": "1"}
    assert desk.post(settings, {**cover, "ends": "8"}).status_code == 422
    assert desk.post(settings, cover).status_code == 302
    url = reverse("roster-publish", args=[cast.cardiology.pk])
    period = {"first": "2026-11-30", "last": "2026-12-06"}
    answer = desk.get(url, period)
    page, shown = page_of(answer), answer.context["shown"]
    assert "Zhang Wenbo, 2026-12-02 08:00: on leave" in page
    assert "08–20 <span" in page
    assert "0 of 1" in page
    sent = {**period, "known": shown.known, "digest": shown.diff.digest()}
    assert desk.post(url, {**sent, "known": ""}, headers=JSON).status_code == 422
    assert desk.post(url, sent).status_code == 302
    assert (Shift.objects.count(), Publication.objects.get().added) == (6, 6)
    assert desk.post(url, sent, headers=JSON).json()["code"] == "published"
    assert desk.get(url, {**period, "last": "2027-12-06"}).status_code == 422
    assert page_of(desk.get(url, period)).count("Nothing to publish") == 1
    assert desk.post(reverse("roster-leave-cancel", args=[Leave.objects.get().pk])).status_code == 302
    assert desk.post(reverse("roster-cover-remove", args=[Cover.objects.get().pk])).status_code == 302
    assert "added" in page_of(desk.get(url, period))


def test_the_calendar_of_holidays_is_kept_by_the_province(cast: Cast) -> None:
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    url = reverse("holidays")
    page = page_of(desk.get(url, {"year": "2026"}))
    assert page.count("National Day") == 9  # seven free days, two worked
    assert (
        desk.post(url, {"first": "2027-02-09", "last": "2027-02-11", "kind": "free", "name": "春节"}).status_code == 302
    )
    assert desk.post(url, {"first": "2027-02-11", "kind": "free", "name": "春节"}).status_code == 422
    row = Holiday.objects.get(day=date(2027, 2, 11))
    assert desk.post(reverse("holiday-remove", args=[row.pk])).status_code == 302
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.provincial)
    own = browser(cast.scheduler)
    assert own.get(url).status_code == 200
    assert own.post(url, {"first": "2027-02-11", "kind": "free", "name": "春节"}).status_code == 404
    assert own.post(reverse("holiday-remove", args=[Holiday.objects.all()[0].pk])).status_code == 404


def test_a_hospitals_scheduler_finds_nothing_of_another(cast: Cast) -> None:
    one = rule(cast)
    extra = plan.add(by=cast.scheduler, role=role_of(cast.expert), on=MONDAY, level="duty", starts=time(20), minutes=60)
    leave = plan.give_leave(by=cast.scheduler, role=one.role, first=MONDAY, last=MONDAY, reason="x")
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.bethune)
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    page = page_of(desk.get(reverse("roster")))
    assert "Chen Jing" in page
    assert "Zhang Wenbo" not in page
    urls = [
        reverse("roster-plan", args=[cast.cardiology.pk]),
        reverse("roster-rule-new", args=[cast.cardiology.pk]),
        reverse("roster-extra", args=[cast.cardiology.pk]),
        reverse("roster-publish", args=[cast.cardiology.pk]),
        reverse("roster-rule", args=[one.pk]),
        reverse("roster-entry", args=[f"r{one.pk}-2026-11-30"]),
        reverse("roster-entry", args=[f"c{extra.pk}"]),
    ]
    assert [desk.get(url).status_code for url in urls] == [404] * len(urls)
    assert [desk.post(url).status_code for url in urls] == [404] * len(urls)
    assert desk.get(reverse("roster"), {"of": f"d{cast.cardiology.pk}"}).status_code == 404
    assert desk.get(reverse("roster"), {"of": f"h{cast.provincial.pk}"}).status_code == 404
    assert desk.post(reverse("roster-leave-cancel", args=[leave.pk])).status_code == 404
    sent = {"entry": f"c{extra.pk}", "known": 1, "on": "2026-12-02"}
    assert desk.post(reverse("roster-move"), sent).status_code == 404
    for stranger in (cast.doctor, cast.expert, cast.regulator):
        assert browser(stranger).get(reverse("roster")).status_code == 404
        assert browser(stranger).get(urls[0]).status_code == 404


def test_one_shift_and_three_hundred_cost_the_same_queries(cast: Cast) -> None:
    rule(cast)
    desk = browser(cast.scheduler)

    def asked() -> list[int]:
        counts = []
        for url in (
            f"{reverse('roster')}?of=h{cast.provincial.pk}&view=month&day=2026-12-01",
            f"{reverse('roster-publish', args=[cast.cardiology.pk])}?first=2026-12-01&last=2026-12-31",
            reverse("roster-plan", args=[cast.cardiology.pk]),
        ):
            with CaptureQueriesContext(connection) as made:
                assert desk.get(url).status_code == 200
            counts.append(len(made))
        return counts

    asked()
    few = asked()
    roles = [
        role_of(people.person(f"many.{n}", f"专家{n}", f"Many {n}", "expert", cast.cardiology, "chief"))
        for n in range(10)
    ]
    for role in roles:
        rule(cast, role.person)
        plan.give_leave(
            by=cast.scheduler, role=role, first=MONDAY + timedelta(days=9), last=MONDAY + timedelta(days=9), reason="x"
        )
    assert asked() == few
