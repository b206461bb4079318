"""The scheduler's pages: the clocks, the triage desk, the board."""

import re
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from consult.models import Alert, AuditEntry, ClockTable, Consultation, Role
from consult.policies import suggest
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of


def filled(page: str) -> dict[str, Any]:
    """What the form of a page would send as it stands."""
    sent = dict(re.findall(r'<input type="(?:number|hidden)" name="(\w+)" value="([^"]*)"', page))
    chosen = re.findall(r'<select name="(\w+)".*?<option value="(\w+)" selected', page, re.DOTALL)
    return {**sent, **dict(chosen)}


def test_the_clocks_are_set_on_their_page_and_each_version_is_kept(cast: Cast) -> None:
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    url = reverse("clocks")
    sent = filled(page_of(desk.get(url)))
    assert (sent["triage_emergency"], sent["session_routine"], sent["session_routine_unit"]) == ("3", "3", "workdays")
    assert desk.post(url, {**sent, "triage_urgent": "20"}).status_code == 302
    assert people.submitted(cast, urgency="urgent").clocks.get().table.number == 2
    assert desk.post(url, {**sent, "triage_urgent": "25"}).status_code == 409  # made from version 1
    known = {**sent, "known": "2"}
    for wrong in ({"triage_urgent": ""}, {"triage_urgent": "-1"}, {"department_emergency": "1"}):
        answer = desk.post(url, {**known, **wrong})
        assert (answer.status_code, page_of(answer).count('class="field-error"')) == (422, 1)
    assert ClockTable.objects.count() == 2
    assert "孙丽" in page_of(desk.get(url)) or "Sun Li" in page_of(desk.get(url))


def test_a_hospitals_scheduler_does_not_set_the_clocks_of_the_province(cast: Cast) -> None:
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.provincial)
    assert browser(cast.scheduler).get(reverse("clocks")).status_code == 404


def test_the_history_shows_what_each_clock_took_and_how_long_it_stood(cast: Cast) -> None:
    thing = people.needs_info(cast)
    page = page_of(
        browser(cast.doctor, HTTP_ACCEPT_LANGUAGE="en").get(reverse("consultation-history", args=[thing.pk]))
    )
    assert re.findall(r'<tr><th scope="row">([^<]+)</th>', page) == ["Triage"]
    assert "circle-pause" in page


def test_the_queue_goes_by_the_clock_with_what_is_missing(cast: Cast) -> None:
    late = people.submitted(cast, urgency="emergency", tests="无")
    routine, asked = people.submitted(cast, urgency="routine"), people.needs_info(cast)
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    page = page_of(desk.get(reverse("desk")))
    found = [int(pk) for pk in re.findall(r'data-consultation="(\d+)"', page)]
    assert found == [late.pk, routine.pk, asked.pk]
    assert page.count("missing or very short") == 3 + 1  # every summary of the cast is short; one says no tests
    assert browser(cast.expert).get(reverse("desk")).status_code == 404


def test_the_board_shows_what_is_late_and_no_patient(cast: Cast) -> None:
    thing = people.offered(cast, urgency="urgent")
    Consultation.objects.filter(pk=thing.pk).update(due_at=timezone.now() - timedelta(minutes=12))
    page = page_of(browser(cast.regulator, HTTP_ACCEPT_LANGUAGE="en").get(reverse("board")))
    assert (thing.number or "") in page
    assert "12 min late" in page
    assert [secret for secret in (cast.patient.name, people.REQUEST["question"]) if secret in page] == []
    assert browser(cast.doctor).get(reverse("board")).status_code == 404


def test_desk_and_board_ask_the_same_of_the_database_for_one_and_for_three_hundred(cast: Cast) -> None:
    desk = browser(cast.scheduler)

    def asked() -> list[int]:
        counts = []
        for name in ("desk", "board"):
            with CaptureQueriesContext(connection) as made:
                assert desk.get(reverse(name)).status_code == 200
            counts.append(len(made))
        return counts

    first = people.submitted(cast)
    asked()  # the session is written once
    few = asked()
    values = {field.attname: getattr(first, field.attname) for field in Consultation._meta.concrete_fields}
    copies = [Consultation(**{**values, "id": None, "number": f"C{n}", "due_at": timezone.now()}) for n in range(300)]
    Consultation.objects.bulk_create(copies)
    assert asked() == few


def test_who_does_not_answer_is_urged_by_an_alert_but_not_every_minute(cast: Cast) -> None:
    thing = people.offered(cast)
    desk = browser(cast.scheduler)
    url = reverse("consultation-urge", args=[thing.pk])
    assert [desk.post(url).status_code for _turn in range(2)] == [302, 409]
    run_due()
    kinds = Alert.objects.filter(notification__person=cast.expert).values_list("notification__kind", flat=True)
    assert sorted(kinds) == ["offered", "urged"]
    assert browser(cast.expert).post(url).status_code == 403
    assert browser(cast.outsider).post(url).status_code == 404
    assert AuditEntry.objects.filter(action="consultation.urge", consultation=thing.pk).count() == 1


def test_specialists_are_suggested_with_the_reason(cast: Cast) -> None:
    before = people.signed(cast)
    thing = people.submitted(cast)
    found = suggest.suggested(thing)
    assert [one.role.person for one in found] == [cast.expert, cast.second_expert, cast.other_expert]
    with translation.override("en"):
        words = {one.role.person: [text for text, _good in one.reasons] for one in suggest.suggested(thing)}
    assert words[cast.expert][:3] == ["Wanted specialty", "Wanted title", "Has answered for this patient before"]
    assert "Below the wanted title" in words[cast.second_expert]
    people.offered(cast)
    assert next(one for one in suggest.suggested(thing) if one.role.person == cast.expert).score < found[0].score
    assert before.expert == cast.expert
    dialog = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en").get(
        reverse("consultation-dialog", args=[thing.pk, "assign"])
    )
    assert page_of(dialog).index("Wanted specialty") < page_of(dialog).index("Below the wanted title")
