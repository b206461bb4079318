"""Moving a far camera over the room socket: asked, lent, moved, taken back; nobody else moves anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async

from consult.models import AuditEntry, Consultation
from tests.cast import Cast
from tests.live.conftest import RelayEnd, Socket, in_room, relay_end

pytestmark = pytest.mark.django_db(transaction=True)
DOCTOR, EXPERT = "page-of-doctor-nitun", "page-of-expert-provincial"
NOWHERE = {"pan": None, "tilt": None, "zoom": None}


@pytest_asyncio.fixture
async def relay(live_cast: Cast) -> AsyncIterator[RelayEnd]:
    async with relay_end() as end:
        task = asyncio.create_task(_answer_all(end))
        yield end
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _answer_all(relay: RelayEnd) -> None:
    while True:
        await relay.answers()


async def hears_only(socket: Socket, *names: str) -> list[str]:
    """What came of these names until now: everything before the answer to a ping."""
    await socket.says("ping", n=9)
    heard = []
    while (message := await socket.hears("pong", *names))["t"] != "pong":
        heard.append(message["t"])
    return heard


async def met(socket: Socket) -> None:
    while len((await socket.hears("people"))["people"]) < 2:
        pass


async def test_a_camera_is_lent_moved_and_taken_back(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor) as doctor, in_room(consultation, live_cast.expert) as expert:
        await met(doctor)
        await expert.says("steer", to=DOCTOR, pan=0.1)  # before it is lent
        await expert.says("camera", to=DOCTOR, act="ask")
        asked = await doctor.hears("camera", "steer")
        assert asked == {"t": "camera", "by": "expert.provincial", "session": EXPERT, "act": "ask", **NOWHERE}
        await doctor.says("camera", to=EXPERT, act="grant", pan=0, zoom=0.5)
        granted = await expert.hears("camera")
        assert (granted["act"], granted["pan"], granted["tilt"], granted["zoom"]) == ("grant", 0, None, 0.5)
        await expert.says("steer", to=DOCTOR, pan=0.1)
        step = await doctor.hears("steer")
        assert step == {"t": "steer", "by": "expert.provincial", "session": EXPERT, "pan": 0.1, "tilt": 0, "zoom": 0}
        await doctor.says("camera", to=EXPERT, act="at", pan=0.1)
        assert (await expert.hears("camera"))["act"] == "at"
        await doctor.says("camera", to=EXPERT, act="revoke")
        assert (await expert.hears("camera"))["act"] == "revoke"
        await expert.says("steer", to=DOCTOR, pan=0.1)
        assert await hears_only(expert) == []
        assert await hears_only(doctor, "steer") == []
    actions = database_sync_to_async(lambda: list(_audited()))
    assert await actions() == [
        ("camera.lend", "doctor.nitun", {"to": "expert.provincial"}),
        ("camera.take_back", "doctor.nitun", {"to": "expert.provincial"}),
    ]


def _audited() -> object:
    rows = AuditEntry.objects.filter(action__startswith="camera.").order_by("seq")
    return rows.values_list("action", "actor", "detail")


async def test_each_side_says_only_what_is_its_own(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    async with in_room(consultation, live_cast.doctor) as doctor, in_room(consultation, live_cast.expert) as expert:
        await met(doctor)
        await expert.says("camera", to=DOCTOR, act="grant")
        assert (await expert.hears("refused"))["code"] == "not_yours"
        await doctor.says("camera", to=EXPERT, act="ask")
        assert (await doctor.hears("refused"))["code"] == "not_yours"
        assert await hears_only(doctor, "camera") == []


async def test_a_third_page_hears_and_moves_nothing(
    relay: RelayEnd, live_cast: Cast, consultation: Consultation
) -> None:
    room = consultation
    async with (
        in_room(room, live_cast.doctor) as doctor,
        in_room(room, live_cast.expert) as expert,
        in_room(room, live_cast.colleague) as third,
    ):
        await met(doctor)
        await expert.says("camera", to=DOCTOR, act="ask")
        await doctor.hears("camera")
        await doctor.says("camera", to=EXPERT, act="grant", pan=0)
        await expert.hears("camera")
        await third.says("steer", to=DOCTOR, pan=1)
        assert await hears_only(third, "camera", "steer") == []
        assert await hears_only(doctor, "steer") == []


async def test_steps_are_limited(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as doctor, in_room(consultation, live_cast.expert) as expert:
        await met(doctor)
        await expert.says("camera", to=DOCTOR, act="ask")
        await doctor.hears("camera")
        await doctor.says("camera", to=EXPERT, act="grant", pan=0)
        await expert.hears("camera")
        for _ in range(20):
            await expert.says("steer", to=DOCTOR, pan=0.1)
        refused = await expert.hears("refused")
        assert (refused["code"], refused["to"]) == ("busy", "steer")


async def test_who_has_not_joined_moves_nothing(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.expert, join=False) as expert:
        for name, fields in (("camera", {"act": "ask"}), ("steer", {"pan": 0.1})):
            await expert.says(name, to=DOCTOR, **fields)
            assert (await expert.hears("refused"))["code"] == "not-joined"


async def test_who_speaks_is_told_to_the_room(relay: RelayEnd, live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as doctor:
        await relay.link.says("speaker", room=str(consultation.pk), peer=EXPERT, silent=[DOCTOR])
        assert await doctor.hears("speaker") == {"t": "speaker", "session": EXPERT, "silent": [DOCTOR]}
