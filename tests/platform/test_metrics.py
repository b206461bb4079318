"""/metrics of the site: who may read it, what it counts, and that it names nobody."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from consult.models import Relay
from consult.services import outbox
from tests.cast import Cast, accepted
from tests.imaging import doors

pytestmark = pytest.mark.django_db
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


def figures(**how: Any) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels, by the labels' names."""
    answer = Client().get("/metrics", **how)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (s.name, *(s.labels[key] for key in sorted(s.labels))): s.value for family in families for s in family.samples
    }


def test_only_this_machine_reads_it_without_a_token(settings: Any) -> None:
    assert Client().get("/metrics", **ELSEWHERE).status_code == 404
    assert Client().get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert Client().get("/metrics", REMOTE_ADDR="nonsense").status_code == 404
    assert Client().post("/metrics").status_code == 405
    settings.METRICS_TOKEN = "geheim"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer other"}, **ELSEWHERE).status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer geheim"}, **ELSEWHERE).status_code == 200


def test_relays_jobs_and_requests_are_counted(cast: Cast) -> None:
    now = timezone.now()
    given = {"channel": "c", "address": "a", "port": 1, "capacity": 10, "seen_at": now}
    Relay.objects.create(name="north", participants=4, rooms=2, load=0.5, **given)
    Relay.objects.create(name="south", busy=True, **given)
    before = figures()
    outbox.later(kind="notification.deliver", payload={"key": "x"}, due_at=now - timedelta(seconds=90))
    assert doors.client(cast.doctor).get("/").status_code == 200
    after = figures()
    assert [after["telemed_relays_participants", name] for name in ("north", "south")] == [4, 0]
    assert (after["telemed_relays_live",], after["telemed_relays_taking",]) == (2, 1)
    assert after["telemed_outbox_due",] == before["telemed_outbox_due",] + 1
    assert 90 <= after["telemed_outbox_late_seconds",] < 150
    home = ("telemed_request_seconds_count", "GET", "2xx", "home")
    assert after[home] == before.get(home, 0) + 1


def test_nobody_is_named(cast: Cast) -> None:
    thing = accepted(cast)
    doctor = doors.client(cast.doctor)
    doctor.get(f"/consultations/{thing.pk}/")
    doctor.get(f"/no/such/{cast.patient.name}/")
    doctor.generic("BREW", "/")
    text = Client().get("/metrics").content.decode()
    assert '"consultation"' in text
    for name in (cast.patient.name, cast.doctor.username, f"/{thing.pk}", "BREW", "/no/such"):
        assert name not in text
