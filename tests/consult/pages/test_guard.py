"""The sham guard: each rule on both sides of its threshold, who sees flags, who reviews them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consult.models import AuditEntry, Consultation, Flag, Notification, User
from consult.policies import guard as rules
from consult.services import audit, consultation, guard, session
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import browser, page_of

LONG = {
    "findings": "双肺纹理增粗，右下肺可见斑片状高密度影，边界不清，未见胸腔积液，纵隔淋巴结无肿大。",
    "diagnosis": "右下肺炎，社区获得性，轻中度",
    "recommendation": "头孢曲松2g每日一次静滴，72小时后评估疗效，一周后复查胸片。",
}


def flags() -> set[tuple[str, str]]:
    run_due()
    return set(Flag.objects.values_list("consultation__number", "rule"))


def rules_of(thing: Consultation) -> set[str]:
    return {rule for number, rule in flags() if number == thing.number}


def ended(cast: Cast, took: timedelta, **fields: Any) -> Consultation:
    """A call that lasted so long; the opinion is due."""
    thing = people.in_session(cast, **fields)
    Consultation.objects.filter(pk=thing.pk).update(session_started_at=timezone.now() - took)
    thing.refresh_from_db()
    return session.end(consultation=thing, by=cast.expert)


def usual(cast: Cast, texts: dict[str, str] | None = None, **fields: Any) -> Consultation:
    thing = ended(cast, timedelta(minutes=15), **fields)
    people.sign(cast, thing, **(texts or {}))
    thing.refresh_from_db()
    return thing


def test_an_ordinary_consultation_is_not_flagged(cast: Cast) -> None:
    usual(cast)
    assert flags() == set()
    assert Notification.objects.filter(kind="flagged").count() == 0


@pytest.mark.parametrize(("seconds", "found"), [(170, {"short_call"}), (200, set())])
def test_a_very_short_call(cast: Cast, seconds: int, found: set[str]) -> None:
    thing = ended(cast, timedelta(seconds=seconds))
    people.sign(cast, thing)
    assert rules_of(thing) == found


def test_readings_have_no_call_to_be_judged_by(cast: Cast) -> None:
    thing = ended(cast, timedelta(seconds=5), purpose="imaging")
    people.sign(cast, thing)
    assert rules_of(thing) == set()


@pytest.mark.parametrize(("count", "found"), [(29, {"short_text"}), (30, set())])
def test_hardly_any_text(cast: Cast, count: int, found: set[str]) -> None:
    thing = usual(cast, {"findings": "可 " * (count - 4), "diagnosis": "肺炎", "recommendation": "复查"})
    assert rules_of(thing) == found


def test_a_call_without_an_opinion(cast: Cast) -> None:
    thing = ended(cast, timedelta(minutes=15))
    consultation.call_off(consultation=thing, by=cast.expert, reason="已当面说明")
    never = people.accepted(cast)
    consultation.call_off(consultation=never, by=cast.expert, reason="患者已转院")
    assert (rules_of(thing), rules_of(never)) == ({"no_opinion"}, set())


def test_text_of_an_earlier_opinion_on_another_patient(cast: Cast) -> None:
    usual(cast, LONG)
    same_patient = usual(cast, LONG)
    other = people.enter_patient(cast)
    copied = usual(cast, {**LONG, "diagnosis": "右下肺炎，社区获得性，中度"}, patient=other)
    own = usual(cast, patient=other)  # other words on the same patient
    assert (rules_of(same_patient), rules_of(copied), rules_of(own)) == (set(), {"copied"}, set())
    assert Flag.objects.get().found["percent"] >= 90


def test_signed_before_anything_was_opened(cast: Cast) -> None:
    blind, read = people.in_review(cast), people.in_review(cast)
    browser(cast.expert).get(read.get_absolute_url())
    for thing in (blind, read):
        people.sign(cast, thing)
    assert (rules_of(blind), rules_of(read)) == ({"unopened"}, set())


def test_many_opinions_in_one_hour(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_AN_HOUR", 2)
    things = [usual(cast) for _number in range(3)]
    assert [rules_of(thing) for thing in things] == [set(), set(), {"many"}]


def test_the_reviewer_says_why_and_nobody_else_sees_it(cast: Cast) -> None:
    thing = ended(cast, timedelta(seconds=40))
    people.sign(cast, thing)
    run_due()
    flag = Flag.objects.get()
    for by in (cast.doctor, cast.expert, cast.other_expert, cast.outsider):
        assert browser(by).get(reverse("guard")).status_code == 404
        assert browser(by).post(reverse("guard-review", args=[flag.pk]), {}).status_code == 404
    for by in (cast.doctor, cast.expert):
        page = page_of(browser(by, HTTP_ACCEPT_LANGUAGE="en").get(thing.get_absolute_url()))
        assert ("lagged" in page, "Very short call" in page) == (False, False)
    told = Notification.objects.filter(kind="flagged").values_list("person__username", flat=True)
    assert set(told) == {"scheduler", "regulator"}
    regulator = browser(cast.regulator, HTTP_ACCEPT_LANGUAGE="en")
    assert "The call took 40 seconds" in page_of(regulator.get(reverse("guard")))
    url = reverse("guard-review", args=[flag.pk])
    assert regulator.post(url, {"verdict": "cleared", "words": " "}).status_code == 422
    assert regulator.post(url, {"verdict": "open", "words": "x"}).status_code == 422
    assert regulator.post(url, {"verdict": "cleared", "words": "电话补充沟通，属实"}).status_code == 302
    assert browser(cast.scheduler).post(url, {"verdict": "confirmed", "words": "x"}).status_code == 409
    flag.refresh_from_db()
    assert (flag.state, flag.reviewed_by) == ("cleared", cast.regulator)
    assert "电话补充沟通" in page_of(regulator.get(f"{reverse('guard')}?state=cleared"))
    actions = AuditEntry.objects.filter(action__startswith="flag.").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["flag.raise", "flag.review"]
    assert audit.verify().broken is None


def test_looking_twice_flags_once(cast: Cast) -> None:
    thing = ended(cast, timedelta(seconds=40))
    people.sign(cast, thing)
    guard.look(consultation=thing.pk)
    guard.look(consultation=thing.pk)
    assert Flag.objects.count() == 1


def test_the_page_asks_the_same_for_one_and_for_twenty(cast: Cast) -> None:
    things = [people.signed(cast) for _number in range(3)]
    regulator = browser(cast.regulator)

    def queries() -> int:
        regulator.get(reverse("guard"))
        with CaptureQueriesContext(connection) as asked:
            assert regulator.get(reverse("guard")).status_code == 200
        return len(asked)

    Flag.objects.create(consultation=things[0], rule="many", found={"count": 9})
    few = queries()
    for thing in things:
        for rule in ("short_text", "copied"):
            Flag.objects.create(consultation=thing, rule=rule, found={"characters": 3, "percent": 99, "of": "C"})
    assert queries() == few


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_once_one_is_first(live_cast: Cast) -> None:
    thing = ended(live_cast, timedelta(seconds=40))
    people.sign(live_cast, thing)
    run_due()
    pk = Flag.objects.get().pk

    def review(by: User, verdict: str) -> str:
        guard.review(flag=Flag.objects.get(pk=pk), by=people.again(by), verdict=verdict, words="核实")
        return verdict

    results = together(lambda: review(live_cast.regulator, "cleared"), lambda: review(live_cast.scheduler, "confirmed"))
    assert sorted(results) in (["cleared", "too_late"], ["confirmed", "too_late"])
