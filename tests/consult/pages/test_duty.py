"""On duty now: who is shown to whom, what it says of them, and asking with one click."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from playwright.sync_api import Browser, expect

from consult.models import Agreement, Booking, Consultation, Department, Participant, Role, Shift, User
from consult.policies import duty, suggest
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of
from tests.consult.pages.test_browser import AXE, opened

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _measured_anew() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def on_duty(user: User, level: str = "duty", hours: float = 4) -> Shift:
    role = Role.objects.get(person=user, kind=Role.Kind.EXPERT)
    now = timezone.now()
    return Shift.objects.create(role=role, level=level, starts_at=now - HOUR, ends_at=now + hours * HOUR)


def shown(user: User) -> str:
    return page_of(browser(user, HTTP_ACCEPT_LANGUAGE="en").get(reverse("duty")))


def test_it_shows_who_is_on_the_roster_online_or_in_a_call(cast: Cast) -> None:
    for user, level in ((cast.expert, "duty"), (cast.second_expert, "on_call"), (cast.other_expert, "standby")):
        on_duty(user, level)
    User.objects.filter(pk=cast.second_expert.pk).update(online_at=timezone.now())
    thing = people.in_session(cast)
    assert Participant.objects.get(consultation=thing, person=cast.expert).last_left_at is None
    [cardiology, radiology] = duty.groups(people.again(cast.doctor))
    assert (cardiology.specialty, radiology.specialty) == ("cardiology", "radiology")
    found = [(one.role.person, one.shift.level, one.is_online, one.busy_since is None) for one in cardiology.people]
    assert found == [(cast.expert, "duty", False, False), (cast.second_expert, "on_call", True, True)]
    page = shown(cast.doctor)
    assert [page.count(words) for words in ("In a call", 'presence-online">Online', "Not at the screen")] == [1, 1, 1]
    assert cast.patient.name not in page


def test_who_has_an_appointment_now_is_busy_until_its_end(cast: Cast) -> None:
    on_duty(cast.expert)
    thing, now = people.accepted(cast), timezone.now()
    times: dict[str, Any] = {"starts_at": now - MINUTE, "ends_at": now + 29 * MINUTE}
    row = Booking.objects.create(consultation=thing, person=cast.expert, state="booked", **times)
    page = shown(cast.doctor)
    assert ('presence-busy">Booked' in page, row.ends_at.isoformat() in page) == (True, True)
    Booking.objects.update(starts_at=now + HOUR, ends_at=now + 2 * HOUR)
    page = shown(cast.doctor)
    assert ("presence-busy" in page, (now + HOUR).isoformat() in page) == (False, True)
    assert thing.number
    assert thing.number not in page


def test_only_hospitals_with_an_agreement_are_shown(cast: Cast) -> None:
    on_duty(cast.expert)
    on_duty(cast.other_expert)
    Agreement.objects.filter(primary=cast.nitun, superior=cast.bethune).update(ended_at=timezone.now())
    assert [shift.role.person for shift in duty.present(people.again(cast.doctor))] == [cast.expert]
    assert duty.present(people.again(cast.scheduler)).count() == 2
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.bethune)
    assert [shift.role.person for shift in duty.present(people.again(cast.scheduler))] == [cast.other_expert]
    for other in (cast.expert, cast.regulator):
        assert browser(other).get(reverse("duty")).status_code == 404
        assert duty.present(people.again(other)).count() == 0


@pytest.mark.parametrize(
    ("minutes", "words"), [((10, 12, 20, 30, 60), "12–30 min"), ((10, 12, 20, 30), "too little measured yet")]
)
def test_the_wait_is_what_was_measured_or_says_that_it_was_not(
    cast: Cast, minutes: tuple[float, ...], words: str
) -> None:
    on_duty(cast.expert)
    first = people.signed(cast)
    values = {field.attname: getattr(first, field.attname) for field in Consultation._meta.concrete_fields}
    Consultation.objects.filter(pk=first.pk).update(accepted_at=timezone.now() - timedelta(days=60))
    now = timezone.now()
    for number, took in enumerate(minutes):
        sent = now - 2 * HOUR
        times: dict[str, Any] = {"submitted_at": sent, "accepted_at": sent + took * MINUTE}
        times |= {"session_started_at": now - HOUR, "session_ended_at": now - 40 * MINUTE}
        Consultation.objects.create(**{**values, "id": None, "number": f"C{number}", **times})
    page = shown(cast.doctor)
    assert page.count(words) == 1
    usual = duty.measured().calls.get("cardiology")
    assert usual == (20 * MINUTE if len(minutes) >= duty.ENOUGH else None)


def test_one_click_asks_and_the_desk_sees_who_is_wanted(cast: Cast) -> None:
    role = on_duty(cast.second_expert).role
    doctor = browser(cast.doctor, HTTP_ACCEPT_LANGUAGE="en")
    answer = doctor.post(reverse("consultation-new"), {"role": role.pk})
    draft = Consultation.objects.get()
    assert answer["Location"] == reverse("consultation-edit", args=[draft.pk, "patient"])
    assert (draft.role_wanted, draft.specialty, draft.title_wanted, draft.expert) == (
        role,
        "cardiology",
        "attending",
        None,
    )
    question = page_of(doctor.get(reverse("consultation-edit", args=[draft.pk, "question"])))
    assert "You ask for Liu Min" in question
    draft.patient = cast.patient
    with translation.override("en"):
        best = suggest.suggested(draft)[0]
    assert (best.role, "The asking doctor wants this specialist" in [words for words, _good in best.reasons]) == (
        role,
        True,
    )
    assert browser(cast.outsider).post(reverse("consultation-anybody", args=[draft.pk])).status_code == 404
    assert doctor.post(reverse("consultation-anybody", args=[draft.pk])).status_code == 302
    draft.refresh_from_db()
    assert draft.role_wanted is None
    doctor.post(reverse("consultation-new"), {"specialty": "radiology"})
    assert Consultation.objects.latest("pk").specialty == "radiology"


def test_nobody_is_asked_who_is_not_shown(cast: Cast) -> None:
    role = Role.objects.get(person=cast.expert)
    doctor = browser(cast.doctor)
    assert doctor.post(reverse("consultation-new"), {"role": role.pk}).status_code == 404  # not on duty
    on_duty(cast.expert)
    Agreement.objects.filter(superior=cast.provincial).update(ended_at=timezone.now())
    assert doctor.post(reverse("consultation-new"), {"role": role.pk}).status_code == 404
    assert Consultation.objects.count() == 0


def test_when_nobody_is_on_duty_it_says_whom_to_call(cast: Cast) -> None:
    User.objects.filter(pk=cast.scheduler.pk).update(phone="0351-4960000")
    page = shown(cast.doctor)
    assert "Nobody is on the roster at this moment." in page
    assert 'href="tel:0351-4960000"' in page
    home = page_of(browser(cast.doctor, HTTP_ACCEPT_LANGUAGE="en").get(reverse("home")))
    assert "Nobody is on the roster at this moment." in home
    on_duty(cast.expert)
    assert "1 specialist is on duty now" in page_of(
        browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en").get(reverse("home"))
    )
    assert "duty-entry" not in page_of(browser(cast.expert).get(reverse("home")))


def test_it_asks_the_same_of_the_database_for_one_and_for_three_hundred(cast: Cast) -> None:
    on_duty(cast.expert)
    doctor = browser(cast.doctor)

    def asked() -> int:
        with CaptureQueriesContext(connection) as made:
            assert doctor.get(reverse("duty")).status_code == 200
        return len(made)

    asked()
    few = asked()
    for number in range(300):
        place = Department.objects.create(
            hospital=cast.provincial, name=f"{number}", name_en=f"{number}", specialty="neurology"
        )
        on_duty(people.person(f"e{number}", f"专家{number}", f"E {number}", "expert", place, "chief"))
    assert asked() == few
    assert len(duty.groups(people.again(cast.doctor))[1].people) == 300


def test_suggestions_say_who_is_on_duty_and_who_speaks_the_language(cast: Cast) -> None:
    thing = people.submitted(cast)

    def reasons() -> dict[str, list[tuple[str, bool]]]:
        with translation.override("en"):
            return {one.role.person.username: one.reasons for one in suggest.suggested(thing)}

    assert not [text for rows in reasons().values() for text, _good in rows if "duty" in text]  # no roster is kept
    before = [one.role.person for one in suggest.suggested(thing)]
    on_duty(cast.second_expert)
    found = reasons()
    assert ("On duty now", True) in found["second.provincial"]
    assert ("Not on duty now", False) in found["expert.provincial"]
    assert before[0] == cast.expert
    Shift.objects.update(level="on_call")
    assert ("On call now", True) in reasons()["second.provincial"]
    User.objects.filter(pk__in=[cast.doctor.pk, cast.expert.pk]).update(language="en")
    User.objects.filter(pk=cast.second_expert.pk).update(language="zh-hans")
    thing = Consultation.objects.get(pk=thing.pk)
    found = reasons()
    assert ("Works in English, as the asking doctor does", True) in found["expert.provincial"]
    assert ("Works in 简体中文, the asking doctor does not", False) in found["second.provincial"]
    assert not [text for text, _good in found["expert.bethune"] if "Works in" in text]


@pytest.mark.browser
@pytest.mark.slow
def test_it_is_used_by_keyboard_alone_and_axe_finds_nothing_serious(
    chromium: Browser, live_server: Any, live_cast: Cast
) -> None:
    User.objects.update(language="en")
    shift = on_duty(live_cast.expert)
    on_duty(live_cast.other_expert, "standby")
    with opened(chromium, live_server, live_cast.doctor, width=360) as page:
        page.goto("/")
        page.get_by_role("link", name="Who is on duty?").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="On duty now", exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(r => r.violations)")
        assert [row["id"] for row in found if row["impact"] in {"serious", "critical"}] == []
        button = page.get_by_role("button", name="Ask Zhang Wenbo")
        for _press in range(60):
            page.keyboard.press("Tab")
            if button.evaluate("it => it === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Is the patient known here?")).to_be_visible()
    assert Consultation.objects.get().role_wanted_id == shift.role_id
