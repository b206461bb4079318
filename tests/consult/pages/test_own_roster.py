"""A specialist's own roster: shifts, swaps, the feed for a calendar program; and how shifts are shared out."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consult.models import RosterFeed, Shift, Swap, User
from consult.paper import ical
from consult.services import plan
from consult.states import SwapState
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.test_swap import MONDAY, publish, role_of, shift
from tests.consult.pages.browsers import browser, page_of


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with time_machine.travel(datetime(2026, 11, 23, 1, 0, tzinfo=UTC), tick=False):
        yield


def test_a_swap_goes_through_the_pages_of_all_three(cast: Cast) -> None:
    publish(cast)
    mine, other = shift(cast.expert, 1), shift(cast.second_expert, 4)
    asks, takes, desk = (
        browser(who, HTTP_ACCEPT_LANGUAGE="en") for who in (cast.expert, cast.second_expert, cast.scheduler)
    )
    assert page_of(asks.get(reverse("roster-mine"))).count("/swap/") == 7
    url = reverse("roster-swap-new", args=[mine.pk])
    assert "Liu Min, nothing in return" in page_of(asks.get(url))
    assert asks.post(url, {"want": "s0"}).status_code == 422
    assert asks.post(url, {"want": f"s{other.pk}", "reason": "clinic"}).status_code == 302
    assert asks.post(url, {"want": f"s{other.pk}"}).status_code == 409
    assert "Swap asked for" in page_of(asks.get(reverse("roster-mine")))
    one = Swap.objects.get()
    urls = {name: reverse("roster-swap", args=[one.pk, name]) for name in ("accept", "approve", "withdraw")}
    assert urls["accept"] in page_of(takes.get(reverse("roster-swaps")))
    assert urls["approve"] not in page_of(desk.get(reverse("roster-swaps")))
    assert takes.post(urls["approve"]).status_code == 403
    assert takes.post(urls["accept"]).status_code == 302
    assert desk.post(urls["approve"]).status_code == 302
    assert asks.post(urls["withdraw"]).status_code == 409
    assert Swap.objects.get().state == SwapState.APPROVED
    assert "A swap of your shifts is approved" in page_of(asks.get(reverse("notifications")))
    stranger = browser(cast.other_expert)
    assert stranger.post(urls["accept"]).status_code == 404
    assert stranger.get(url).status_code == 404
    assert browser(cast.doctor).get(reverse("roster-swaps")).status_code == 404
    assert browser(cast.doctor).get(reverse("roster-mine")).status_code == 404


def made(cast: Cast) -> str:
    page = page_of(browser(cast.expert).post(reverse("roster-mine")))
    address = re.search(r'value="http://testserver(/roster/feeds/[^"]+)"', page)
    assert address
    return address[1]


def test_the_feed_is_a_calendar_under_a_secret_that_can_be_revoked(cast: Cast) -> None:
    publish(cast)
    User.objects.filter(pk=cast.expert.pk).update(language="en")
    address = made(cast)
    answer = Client().get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    text = answer.content.decode()
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = text.replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-2:], lines.count("BEGIN:VEVENT")) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""], 7)
    first = shift(cast.expert, 30)
    assert lines[lines.index(f"UID:shift-{first.pk}@telemed") + 2] == "DTSTART:20261130T000000Z"  # 8 in Shanghai
    assert "SUMMARY:On duty · Cardiology" in lines
    assert cast.patient.name not in text
    assert address.rsplit("/", 1)[1][:-4] not in str(list(RosterFeed.objects.values()))
    assert address not in page_of(browser(cast.expert).get(reverse("roster-mine")))
    second = made(cast)
    assert [Client().get(url).status_code for url in (address, second)] == [404, 200]
    assert Client().post(second).status_code == 405
    User.objects.filter(pk=cast.expert.pk).update(is_active=False)
    assert Client().get(second).status_code == 404
    User.objects.filter(pk=cast.expert.pk).update(is_active=True)
    assert browser(cast.expert).post(reverse("roster-feed-revoke")).status_code == 302
    assert Client().get(second).status_code == 404
    assert browser(cast.scheduler).post(reverse("roster-mine")).status_code == 404


def test_words_of_a_calendar_are_escaped_and_folded_inside_no_character() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    words = "值班；心血管内科, 山西省人民医院; " * 5 + "\\ \n"
    lines = ical.calendar("x", [ical.Event("1", now, now, words, "")], now).split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    whole = b"\r\n".join(lines).decode().replace("\r\n ", "")
    found = re.search(r"SUMMARY:(.*)", whole)
    assert found
    assert found[1] == words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n") + "\r"


def test_hours_nights_and_free_days_are_counted_per_person(cast: Cast) -> None:
    publish(cast)
    plan.give_leave(by=cast.scheduler, role=role_of(cast.expert), first=MONDAY, last=MONDAY, reason="x")
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    period = {"of": f"d{cast.cardiology.pk}", "first": "2026-11-30", "last": "2026-12-06"}
    answer = desk.get(reverse("roster-fairness"), period)
    rows = {row.role.person: (row.shifts, row.hours, row.nights, row.free) for row in answer.context["rows"]}
    assert rows == {cast.expert: (6, 72, 0, 2), cast.second_expert: (7, 84, 7, 2)}
    assert desk.get(reverse("roster-fairness"), {**period, "last": "2030-01-01"}).status_code == 422
    assert browser(cast.expert).get(reverse("roster-fairness")).status_code == 404


def test_one_shift_and_three_hundred_cost_the_same_queries(cast: Cast) -> None:
    publish(cast)
    own, desk = browser(cast.expert), browser(cast.scheduler)
    role = role_of(cast.expert)

    def asked() -> list[int]:
        counts = []
        for who, url in (
            (own, reverse("roster-mine")),
            (own, reverse("roster-swaps")),
            (desk, reverse("roster-swaps")),
            (desk, reverse("roster-fairness")),
        ):
            with CaptureQueriesContext(connection) as made_:
                assert who.get(url).status_code == 200
            counts.append(len(made_))
        return counts

    swaps = [
        Swap(giver=role, taker=role_of(cast.second_expert), starts_at=timezone.now(), ends_at=timezone.now())
        for _n in range(300)
    ]
    Swap.objects.bulk_create(swaps[:1])
    asked()
    few = asked()
    start = timezone.now()
    Shift.objects.bulk_create(
        Shift(role=role, starts_at=start + timedelta(hours=n), ends_at=start + timedelta(hours=n + 1))
        for n in range(1, 150)
    )
    Swap.objects.bulk_create(swaps[1:])
    for n in range(20):
        people.person(f"many.{n}", f"专家{n}", f"Many {n}", "expert", cast.cardiology, "chief")
    assert asked() == few
