"""TURN credentials: one person's, for one call, short-lived, and only for who may join."""

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest

from consult.models import Consultation
from consult.services import turn
from tests.cast import Cast
from tests.live.conftest import in_room, relay_end, socket
from tests.platform.site import environment

pytestmark = pytest.mark.django_db(transaction=True)
URLS = ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:443?transport=tcp"]


@pytest.fixture
def configured(settings: Any) -> None:
    settings.TURN_URLS, settings.TURN_SECRET, settings.TURN_TTL = URLS, "geheim", 600


@pytest.mark.usefixtures("configured")
def test_a_pass_is_what_coturn_expects(cast: Cast) -> None:
    given = turn.admit(person=cast.doctor, call=77)
    server = given.servers[0]
    until, _, name = server["username"].partition(":")
    assert (server["urls"], given.seconds, name) == (URLS, 600, f"{cast.doctor.pk}-77")
    assert 590 <= int(until) - time.time() <= 600
    code = hmac.new(b"geheim", server["username"].encode(), hashlib.sha1).digest()
    assert server["credential"] == base64.b64encode(code).decode()


def test_without_a_turn_server_there_are_no_passes(cast: Cast) -> None:
    assert turn.admit(person=cast.doctor, call=77).servers == []


@pytest.mark.usefixtures("configured")
async def test_who_may_join_gets_a_pass_and_a_new_one_before_it_expires(
    live_cast: Cast, consultation: Consultation, settings: Any
) -> None:
    settings.TURN_TTL = 1
    async with relay_end(), in_room(consultation, live_cast.doctor, join=False) as here:
        first, second = await here.hears("ice"), await here.hears("ice")
        assert [set(each) for each in (first, second)] == [{"t", "servers", "seconds", "relays"}] * 2
        assert first["relays"] == ["127.0.0.1 10000"]
        assert first["servers"][0]["username"].endswith(f":{live_cast.doctor.pk}-{consultation.pk}")


@pytest.mark.usefixtures("configured")
async def test_who_may_not_join_gets_none(live_cast: Cast, consultation: Consultation) -> None:
    for person in (live_cast.outsider, None):
        async with socket(f"/ws/consultations/{consultation.pk}/room/", person) as there:
            assert not await there.opens()
            assert there.output_queue.qsize() == 1  # the close, and nothing else


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"TURN_URLS": "turn:a.example"}, "TURN_SECRET: needed with TURN_URLS"),
        ({"TURN_URLS": "stun:a.example", "TURN_SECRET": "x"}, "'stun:a.example' is not a turn: or turns: address"),
    ],
)
def test_a_wrong_setting_ends_the_start(given: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from telemed import env

    for name, value in environment(**given).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=complaint):
        env.read()
