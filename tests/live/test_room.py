"""Each command of the room socket, by those inside; and that nothing anybody sends ends anybody's call."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async

from consult.models import Consultation
from consult.services import message
from tests.cast import Cast
from tests.live.conftest import SDP, RelayEnd, in_room, relay_end, socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture
async def relay(live_cast: Cast) -> AsyncIterator[RelayEnd]:
    async with relay_end() as end:
        task = asyncio.create_task(_answer_all(end))
        yield end
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def becomes(consultation: Consultation, state: str, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while consultation.state != state:
            await asyncio.sleep(0.05)
            await database_sync_to_async(consultation.refresh_from_db)()


async def _answer_all(relay: RelayEnd) -> None:
    while True:
        await relay.answers()


async def test_two_join_and_know_of_each_other(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert):
        while len(people := (await here.hears("people"))["people"]) < 2:
            pass
        assert [(row["username"], row["side"], row["mic"], row["screen"]) for row in people] == [
            ("doctor.nitun", "asking", True, False),
            ("expert.provincial", "answering", True, False),
        ]
        assert people[1]["name"] == "张文博"
        assert people[1]["hospital"] == "山西省人民医院"
        await becomes(consultation, "IN_SESSION")


async def test_leaving_is_told_and_ends_nothing(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert) as there:
        while len((await here.hears("people"))["people"]) < 2:
            pass
        await there.says("leave")
        left = await here.hears("left")
        assert left == {"t": "left", "username": "expert.provincial", "session": "page-of-expert-provincial"}
        await becomes(consultation, "INTERRUPTED")  # booked after the pages were told


async def test_a_lost_socket_leaves_the_call_alone(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor):
        pass
    assert [each["t"] for each in relay.asked] == ["join"]
    async with in_room(consultation, live_cast.doctor, join=False) as back:
        await back.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
        assert (await back.hears("joined"))["fresh"] is False


async def test_offers_travel_to_the_relay_and_back(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor) as here:
        tracks = [{"mid": "0", "source": "mic"}]
        await here.says("offer", pc="pub", sdp=SDP, rev=7, tracks=tracks)
        assert await here.hears("answer") == {"t": "answer", "pc": "pub", "sdp": SDP, "rev": 7}
        await here.says("offer", pc="sub", sdp=SDP, rev=8, want={"0": "mic-abc"})
        assert await here.hears("answer") == {"t": "answer", "pc": "sub", "sdp": SDP, "rev": 8}
    pub, sub = [each for each in relay.asked if each["t"] == "offer"]
    assert (pub["peer"], pub["tracks"], pub["room"]) == ("page-of-doctor-nitun", tracks, str(consultation.pk))
    assert sub["want"] == {"0": "mic-abc"}


async def test_the_device_check_needs_no_join(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor, join=False) as here:
        await here.says("probe", sdp=SDP)
        assert await here.hears("answer", "refused") == {"t": "answer", "pc": "probe", "sdp": SDP, "rev": 0}


LOOK = {"image": 3, "frame": 1, "preset": None, "center": 40, "width": 400, "zoom": 2, "x": 0.5, "y": 0.5}
LOOK |= {"turn": 1, "flip": True, "invert": True}
PASSED_ON: dict[str, dict[str, Any]] = {
    "quality": {"level": 2, "loss": 0.02, "trip": 80, "jitter": 12, "frozen": 0.5, "up": 900, "down": 1200},
    "pointer": {"image": 3, "frame": 1, "x": 0.25, "y": 0.5, "on": True},
    "view": LOOK
    | {"layout": "1x2", "active": 1, "linked": True, "beside": [{**LOOK, "image": 4}]}
    | {"mpr": {"at": [0, -1.5, 20], "looks": [{"at": [1, 2, 3], "mm": 250}] * 3, "slab": 5}},
    "follow": {"how": "free"},
    "typing": {"where": "chat"},
}


@pytest.mark.parametrize("name", PASSED_ON)
async def test_what_nobody_stores_reaches_the_others(
    name: str, relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert) as there:
        await there.says(name, **PASSED_ON[name])
        assert await here.hears(name) == {"t": name, "by": "expert.provincial", **PASSED_ON[name]}
        await there.says("ping", n=1)
        assert (await there.hears(name, "pong"))["t"] == "pong"  # not to oneself


async def test_writing_the_opinion_is_not_told_to_the_asking_side(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert) as there:
        await there.says("typing", where="opinion")
        await there.says("typing", where="chat")
        assert (await here.hears("typing"))["where"] == "chat"


async def test_nothing_is_done_before_joining(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor, join=False) as here:
        for name, fields in {
            **PASSED_ON,
            "offer": {"pc": "pub", "sdp": SDP},
            "show": {"heights": {"camera-1": 360}},
            "state": dict.fromkeys(("mic", "cam", "screen"), True),
        }.items():
            await here.says(name, **fields)
            refusal = await here.hears("refused")
            assert (refusal["code"], refusal["to"]) == ("not-joined", name)


async def test_the_newest_page_of_a_person_counts(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    doctor = live_cast.doctor
    async with in_room(consultation, doctor) as old, in_room(consultation, doctor, join=False) as new:
        await new.says("join", session="another-page-of-the-same", mic=True, cam=False)
        assert (await old.hears("refused"))["code"] == "elsewhere"
        assert (await new.hears("joined"))["session"] == "another-page-of-the-same"
    assert [each["peer"] for each in relay.asked if each["t"] == "leave"] == ["page-of-doctor-nitun"]


async def test_chat_rings_in_the_room_and_in_the_inbox(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    def post() -> None:
        message.post(consultation=consultation, by=live_cast.doctor, body="你好", token="t-1")

    async with in_room(consultation, live_cast.expert) as there, socket("/ws/inbox/", live_cast.expert) as inbox:
        assert await inbox.opens()
        assert (await inbox.hears("hello"))["seq"] >= 0
        await database_sync_to_async(post)()
        while (news := await there.hears("news"))["kind"] != "message":  # one's own arrival rings too
            pass
        assert news["seq"] == 1
        while (news := await inbox.hears("news"))["kind"] != "message":
            pass
        assert (news["consultation"], news["url"]) == (consultation.pk, f"/consultations/{consultation.pk}/")


NONSENSE = [
    " ",
    "{",
    "[]",
    "null",
    '{"t": "drop"}',
    '{"t": "join"}',
    '{"t": "pointer", "image": "王桂英"}',
    json.dumps({"t": "probe", "sdp": "v=0\r\n" + "x" * 70_000}),
    "[" * 5000,
]


async def test_nonsense_is_refused_logged_without_content_and_ends_no_call(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert) as there:
        for text in NONSENSE:
            await here.send_to(text_data=text)
            assert (await here.hears("refused"))["code"] == "unreadable"
        await there.says("pointer", **PASSED_ON["pointer"])
        assert (await here.hears("pointer"))["x"] == 0.25
        await here.send_to(bytes_data=b"\x80" * 1600)  # the tenth within a minute
        assert await here.ends() == 1008
        await there.says("ping", n=3)
        assert (await there.hears("pong"))["n"] == 3
    assert len([record for record in caplog.records if "unreadable" in record.getMessage()]) == 10
    assert "王桂英" not in caplog.text


async def test_a_flood_is_cut(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert) as there:
        for n in range(80):
            await here.says("ping", n=n)
        assert await here.ends() == 1008
        await there.says("ping", n=3)
        assert (await there.hears("pong"))["n"] == 3


async def test_whose_pictures_wait_is_told_to_all(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as here, in_room(consultation, live_cast.expert):
        while len((await here.hears("people"))["people"]) < 2:
            pass
        await relay.tells(str(consultation.pk), paused={"page-of-expert-provincial": ["camera-1"]})
        people: list[dict[str, Any]] = []
        while not any(row["paused"] for row in people):
            people = (await here.hears("people"))["people"]
        assert {row["username"]: row["paused"] for row in people} == {
            "doctor.nitun": [],
            "expert.provincial": ["camera-1"],
        }
        await relay.tells(str(consultation.pk))
        while any(row["paused"] for row in people):
            people = (await here.hears("people"))["people"]
