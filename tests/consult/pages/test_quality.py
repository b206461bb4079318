"""How good a call was: pages in it write, the relay adds its view, desk and regulator read."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consult.models import CallQuality, Consultation, Placement, Relay
from consult.services import quality
from tests.cast import Cast, accepted
from tests.consult.pages.browsers import browser

SESSION = "page-of-doctor-nitun"
FIGURES = {
    "session": SESSION,
    "seconds": 120,
    "slow": 10,
    "poor": 20,
    "lost": 3,
    "loss_in": 0.02,
    "loss_out": 0.01,
    "trip_ms": 80,
    "trip_worst_ms": 400,
    "jitter_ms": 12,
    "frozen_seconds": 4.2,
    "up_kbps": 900,
    "down_kbps": 1100,
}


@pytest.fixture
def consultation(cast: Cast) -> Consultation:
    return accepted(cast)


def note(client: Client, consultation: Consultation, **changed: Any) -> int:
    return client.post(f"/consultations/{consultation.pk}/room/quality/", {**FIGURES, **changed}).status_code


def heard(consultation: Consultation, channel: str = "link", peer: str = SESSION) -> None:
    told = {"peer": peer, "packets": 990, "lost": 10, "jitter": 3.5, "trip": 0.0}
    quality.heard(channel=channel, consultation_id=consultation.pk, peers=[told])


def test_newer_sums_replace_older_ones_and_older_change_nothing(cast: Cast, consultation: Consultation) -> None:
    doctor = browser(cast.doctor)
    assert [note(doctor, consultation, seconds=seconds, up_kbps=seconds) for seconds in (30, 60, 40)] == [204] * 3
    row = CallQuality.objects.get()
    assert (row.person, row.session, row.seconds, row.up_kbps, row.frozen_seconds) == (
        cast.doctor,
        SESSION,
        60,
        60,
        4.2,
    )
    assert note(doctor, consultation, session="another-page-of-hers") == 204
    assert CallQuality.objects.count() == 2


def test_only_those_who_take_part_write(cast: Cast, consultation: Consultation) -> None:
    people = (cast.outsider, cast.scheduler, cast.regulator, cast.expert)
    assert [note(browser(person), consultation) for person in people] == [404, 403, 403, 204]
    assert list(CallQuality.objects.values_list("person__username", flat=True)) == ["expert.provincial"]


@pytest.mark.parametrize(
    ("name", "value"), [("loss_in", 2), ("seconds", -1), ("session", "short"), ("trip_ms", "soon"), ("up_kbps", "")]
)
def test_nonsense_is_refused(cast: Cast, consultation: Consultation, name: str, value: Any) -> None:
    assert note(browser(cast.doctor), consultation, **{name: value}) == 422
    assert CallQuality.objects.count() == 0


def test_pages_without_end_are_refused(cast: Cast, consultation: Consultation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST", 2)
    doctor = browser(cast.doctor)
    codes = [note(doctor, consultation, session=f"page-number-{number:06}") for number in range(3)]
    assert (codes, note(doctor, consultation, session="page-number-000000")) == ([204, 204, 409], 204)


def test_the_relay_adds_its_view_of_pages_in_its_room_only(cast: Cast, consultation: Consultation) -> None:
    node = Relay.objects.create(name="one", channel="link", address="::1", port=1, seen_at=timezone.now())
    Placement.objects.create(
        consultation=consultation, relay=node, peers=[{"peer": SESSION, "username": "doctor.nitun"}]
    )
    heard(consultation, channel="another link")
    heard(consultation, peer="a-page-not-in-the-room")
    assert CallQuality.objects.count() == 0
    heard(consultation)
    note(browser(cast.doctor), consultation)
    row = CallQuality.objects.get()
    assert (row.relay_packets, row.relay_lost, row.relay_trip_ms, row.seconds) == (990, 10, None, 120)


def test_the_desk_and_the_regulator_read_it_the_others_do_not(cast: Cast, consultation: Consultation) -> None:
    note(browser(cast.doctor), consultation)
    section, page = (f"/consultations/{consultation.pk}/{part}" for part in ("quality/", ""))
    people = (cast.scheduler, cast.regulator, cast.doctor, cast.expert, cast.outsider)
    assert [browser(person).get(section).status_code for person in people] == [200, 200, 403, 403, 404]
    for person, is_shown in ((cast.regulator, True), (cast.doctor, False)):
        assert ('id="quality"' in browser(person).get(page).content.decode()) is is_shown
    words = browser(cast.regulator).get(section, headers={"Accept-Language": "en"}).content.decode()
    assert 'data-quality-level="1"' in words
    assert "Poor at times · 3 s without connection · picture stood still for 4 s" in words
    assert "lost 2.0 % in, 1.0 % out · delay 80 ms, at worst 400 ms" in words


def test_many_pages_cost_no_more_queries(
    cast: Cast, consultation: Consultation, django_assert_num_queries: Any
) -> None:
    doctor, regulator = browser(cast.doctor), browser(cast.regulator)
    url = f"/consultations/{consultation.pk}/quality/"
    note(doctor, consultation)
    regulator.get(url)
    with CaptureQueriesContext(connection) as one:
        regulator.get(url)
    before = len(one)
    for number in range(30):
        note(doctor, consultation, session=f"page-number-{number:06}")
    with django_assert_num_queries(before):
        regulator.get(url)
