"""The scheduler's pages: the clocks."""

import re
from typing import Any

from django.urls import reverse

from consult.models import ClockTable, Role
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
