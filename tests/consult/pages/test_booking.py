"""The time of the call through its pages: chosen, held, booked, moved, taken over, listed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from consult.models import BookedCell, Booking, Consultation, Role, Shift, User
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of
from tests.consult.pages.test_browser import AXE, opened

HOUR = timedelta(hours=1)


def on_duty(user: User, hours: int = 4) -> datetime:
    """A shift from the next whole hour on; answers its beginning."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + HOUR
    role = Role.objects.get(person=user, kind=Role.Kind.EXPERT)
    Shift.objects.create(role=role, starts_at=start, ends_at=start + hours * HOUR)
    return start


def english(user: User) -> Client:
    return browser(user, HTTP_ACCEPT_LANGUAGE="en")


def at(name: str, thing: Consultation) -> str:
    return reverse(name, args=[thing.pk])


def book(client: Client, thing: Consultation, start: datetime, **sent: str) -> list[int]:
    held = client.post(at("booking", thing), {"starts_at": start.isoformat(), "minutes": "30"})
    return [held.status_code, client.post(at("booking-book", thing), sent).status_code]


def test_the_asking_doctor_chooses_holds_and_books(cast: Cast) -> None:
    start = on_duty(cast.expert)
    thing = people.accepted(cast)
    doctor = english(cast.doctor)
    page = page_of(doctor.get(at("booking", thing)))
    values = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert (len(values), datetime.fromisoformat(values[0])) == (8, start)
    assert "Asia/Shanghai" in page
    assert "Choose a time" in page_of(doctor.get(at("consultation", thing)))
    doctor.post(at("booking", thing), {"starts_at": values[2], "minutes": "30"})
    assert "Held for you" in page_of(doctor.get(at("booking", thing)))
    assert "10 min" not in page
    assert doctor.post(at("booking-book", thing)).status_code == 302
    thing.refresh_from_db()
    assert (thing.state, thing.scheduled_at) == ("SCHEDULED", start + HOUR)
    moment = (start + HOUR).astimezone(UTC).isoformat()
    for user, name in ((cast.expert, "home"), (cast.doctor, "home"), (cast.expert, "bookings")):
        shown = page_of(english(user).get(reverse(name)))
        assert moment in shown if name == "home" else f'data-booking="{Booking.objects.get().pk}"' in shown
    assert moment in page_of(english(cast.scheduler).get(at("consultation", thing)))


def test_the_other_is_told_that_it_is_taken(cast: Cast) -> None:
    start = on_duty(cast.expert)
    first, second = people.accepted(cast), people.accepted(cast)
    doctor = english(cast.doctor)
    assert book(doctor, first, start) == [302, 302]
    answer = doctor.post(at("booking", second), {"starts_at": start.isoformat(), "minutes": "30"})
    assert (answer.status_code, "Somebody else has just taken this time." in page_of(answer)) == (409, True)
    for wrong in ("", "x", "2026-11-23T10:00"):
        sent = {"starts_at": wrong, "minutes": "30"}
        assert "Choose one of the free times." in page_of(doctor.post(at("booking", second), sent))
    assert doctor.post(at("booking-book", second)).status_code == 409  # nothing is held


def test_the_specialist_moves_it_with_a_reason_that_both_read(cast: Cast) -> None:
    start = on_duty(cast.expert)
    thing = people.accepted(cast)
    book(english(cast.doctor), thing, start)
    expert = english(cast.expert)
    expert.post(at("booking", thing), {"starts_at": (start + 2 * HOUR).isoformat(), "minutes": "30"})
    without = expert.post(at("booking-book", thing))
    assert (without.status_code, "the others need to know" in page_of(without)) == (422, True)
    assert expert.post(at("booking-book", thing), {"reason": "门诊延时"}).status_code == 302
    assert "门诊延时" in page_of(english(cast.doctor).get(at("booking", thing)))
    assert english(cast.doctor).post(at("booking-cancel", thing)).status_code == 422
    assert english(cast.doctor).post(at("booking-cancel", thing), {"reason": "患者退热"}).status_code == 302
    thing.refresh_from_db()
    assert (thing.state, BookedCell.objects.count()) == ("ACCEPTED", 0)


def test_without_a_free_time_one_waits_and_is_shown_in_line(cast: Cast) -> None:
    thing = people.accepted(cast)
    doctor = english(cast.doctor)
    assert "Wait for a free time" in page_of(doctor.get(at("booking", thing)))
    doctor.post(at("booking-wait", thing))
    assert "You are in line" in page_of(doctor.get(at("booking", thing)))
    assert "Waiting for a free time" in page_of(english(cast.scheduler).get(reverse("bookings")))
    assert "Waiting for a free time" not in page_of(english(cast.outsider).get(reverse("bookings")))
    doctor.post(at("booking-wait", thing), {"stop": "1"})
    assert "You are in line" not in page_of(doctor.get(at("booking", thing)))


def test_the_scheduler_books_over_others_and_it_is_shown(cast: Cast) -> None:
    start = on_duty(cast.expert)
    first, urgent = people.accepted(cast), people.accepted(cast)
    book(english(cast.doctor), first, start)
    wall = timezone.localtime(start).strftime("%Y-%m-%dT%H:%M")
    sent = {"starts_at": wall, "minutes": "30", "reason": "卒中绿道"}
    assert english(cast.doctor).post(at("booking-override", urgent), sent).status_code == 403
    desk = english(cast.scheduler)
    assert "Urgent booking" in page_of(desk.get(at("booking", urgent)))
    assert "Urgent booking" not in page_of(english(cast.doctor).get(at("booking", urgent)))
    assert desk.post(at("booking-override", urgent), {**sent, "reason": ""}).status_code == 422
    assert desk.post(at("booking-override", urgent), sent).status_code == 302
    page = page_of(english(cast.expert).get(reverse("bookings")))
    assert ("卒中绿道" in page, "Urgent booking" in page) == (True, True)
    first.refresh_from_db()
    assert (first.state, first.waitings.count()) == ("ACCEPTED", 1)
    assert "Booked over others" in page_of(desk.get(at("consultation-history", urgent)))


def test_what_the_roster_took_away_is_shown_as_a_conflict(cast: Cast) -> None:
    start = on_duty(cast.expert)
    book(english(cast.doctor), people.accepted(cast), start)
    desk = english(cast.scheduler)
    assert "no longer fits the roster" not in page_of(desk.get(reverse("bookings")))
    Shift.objects.all().delete()
    assert "1 appointment no longer fits the roster" in page_of(desk.get(reverse("bookings")))


def test_outsiders_find_nothing_and_others_may_not(cast: Cast) -> None:
    start = on_duty(cast.expert)
    thing, offered = people.accepted(cast), people.offered(cast)
    sent = {"starts_at": start.isoformat(), "minutes": "30", "reason": "x"}
    names = [f"booking-{name}" for name in ("book", "release", "cancel", "wait", "override")]
    for name in ["booking", *names]:
        answers = [browser(user).post(at(name, thing), sent) for user in (cast.outsider, cast.regulator)]
        assert [answer.status_code for answer in answers] == [404, 403], name
        assert browser(cast.doctor).post(at(name, offered), sent).status_code == 409, name
        if name != "booking":
            assert browser(cast.doctor).get(at(name, thing)).status_code == 405
    assert browser(cast.outsider).get(at("booking", thing)).status_code == 404
    assert Booking.objects.count() == 0


def test_the_scheduler_keeps_who_did_not_come(cast: Cast) -> None:
    start = on_duty(cast.expert)
    thing = people.accepted(cast)
    book(english(cast.doctor), thing, start)
    desk = english(cast.scheduler)
    sent = {"side": "asking", "reason": "停电"}
    assert "they may still come" in page_of(desk.post(at("consultation-miss", thing), sent))
    Consultation.objects.filter(pk=thing.pk).update(scheduled_at=timezone.now() - HOUR)
    assert desk.post(at("consultation-miss", thing), sent).status_code == 302
    thing.refresh_from_db()
    assert (thing.state, thing.last_reason) == ("NO_SHOW", "停电")


def test_it_asks_the_same_of_the_database_for_one_and_for_three_hundred(cast: Cast) -> None:
    start = on_duty(cast.expert, 4)
    first = people.accepted(cast)
    book(browser(cast.doctor), first, start)
    desk = browser(cast.scheduler)

    def asked() -> int:
        with CaptureQueriesContext(connection) as made:
            assert desk.get(reverse("bookings")).status_code == 200
        return len(made)

    asked()
    few = asked()
    first.refresh_from_db()
    values = {field.attname: getattr(first, field.attname) for field in Consultation._meta.concrete_fields}
    copies = [Consultation(**{**values, "id": None, "number": f"C{number}"}) for number in range(300)]
    made = Consultation.objects.bulk_create(copies)
    Booking.objects.bulk_create(
        Booking(consultation=one, person=cast.expert, state="booked", starts_at=start, ends_at=start + HOUR)
        for one in made
    )
    assert asked() == few


@pytest.mark.browser
@pytest.mark.slow
def test_a_time_is_chosen_by_keyboard_alone_and_axe_finds_nothing_serious(
    chromium: Browser, live_server: Any, live_cast: Cast
) -> None:
    User.objects.update(language="en")
    start = on_duty(live_cast.expert)
    thing = people.accepted(live_cast)
    with opened(chromium, live_server, live_cast.doctor, width=360) as page:
        page.goto(at("booking", thing))
        page.get_by_role("radio").first.focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio").nth(1)).to_be_checked()
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        serious = "axe.run().then(r => r.violations.filter(v => v.impact != 'minor').map(v => v.id))"
        assert page.evaluate(serious) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Held for you")).to_be_visible()
        button = page.get_by_role("button", name="Book this time")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Booked. Both sides have been told.")).to_be_visible()
        page.goto(reverse("bookings"))
        expect(page.get_by_role("heading", name="Appointments")).to_be_visible()
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        assert page.evaluate(serious) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    thing.refresh_from_db()
    assert (thing.state, thing.scheduled_at) == ("SCHEDULED", start + timedelta(minutes=30))
