"""Relays come, carry, go and come back; rooms stay whole and are told."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from consult.models import Consultation, Placement, Relay
from consult.services import relay as relays
from tests.cast import Cast, accepted
from tests.live.conftest import RelayEnd, in_room, relay_end

pytestmark = pytest.mark.django_db(transaction=True)


async def eventually(question: Any, seconds: float = 8) -> Any:
    async with asyncio.timeout(seconds):
        while not (answer := await database_sync_to_async(question)()):  # noqa: ASYNC110 - rows of another thread
            await asyncio.sleep(0.02)
        return answer


async def test_a_relay_is_registered_while_its_link_lives(live_cast: Cast) -> None:
    async with relay_end("north", capacity=7) as relay:
        row = await eventually(lambda: relays.live().first())
        assert (row.name, row.address, row.port, row.capacity) == ("north", "127.0.0.1", 10000, 7)
        await relay.load(participants=3, rooms=1, load=0.4)
        assert await eventually(lambda: Relay.objects.filter(participants=3, rooms=1, load=0.4).exists())
    assert await eventually(lambda: not relays.live().exists())


@pytest.mark.parametrize(
    "text", ["{", '{"t": "load"}', '{"t": "room", "room": "x", "peers": [], "tracks": []}', "[" * 9999]
)
async def test_nonsense_of_a_relay_closes_its_link_only(text: str, live_cast: Cast) -> None:
    async with relay_end("good") as good, relay_end("bad") as bad:
        await bad.link.send_to(text_data=text)
        assert await bad.link.ends() == 4400
        await good.load(load=0.2)
        assert await eventually(lambda: Relay.objects.filter(name="good", load=0.2).exists())


def enrol(name: str, **fields: Any) -> Relay:
    given = {"channel": f"test.{name}!x", "address": "a", "port": 1, "capacity": 10, "seen_at": timezone.now()}
    return Relay.objects.create(name=name, **{**given, **fields})


def test_a_room_goes_to_the_least_loaded_relay_that_has_room(cast: Cast) -> None:
    thing = accepted(cast)
    enrol("busy", load=0.9)
    enrol("full", load=0.0, participants=10)
    enrol("dead", load=0.0, channel="")
    enrol("silent", load=0.0, seen_at=timezone.now() - timedelta(seconds=7))
    assert relays.place(thing.pk).name == "busy"  # type: ignore[union-attr]
    calm = enrol("calm", load=0.2, participants=1)
    assert relays.place(thing.pk).name == "busy"  # type: ignore[union-attr]  # one room, one relay
    assert relays.place(accepted(cast).pk) == calm
    Relay.objects.filter(name="calm").update(participants=9, load=0.1)  # nine of ten are more than 0.1 of a core
    enrol("other", load=0.3, participants=1)
    assert relays.place(accepted(cast).pk).name == "other"  # type: ignore[union-attr]


def test_a_room_waits_for_its_relay_before_it_moves(cast: Cast) -> None:
    thing = accepted(cast)
    old = enrol("old")
    assert relays.place(thing.pk) == old
    new = enrol("new", load=0.5)
    Relay.objects.filter(name="old").update(channel="")
    assert relays.place(thing.pk) is None  # its link may be back in a moment: the call still runs
    Relay.objects.filter(name="old").update(seen_at=timezone.now() - timedelta(seconds=5))
    Placement.objects.update(peers=[{"peer": "somebody"}])
    assert relays.place(thing.pk) == new
    assert Placement.objects.get().peers == []


async def test_the_room_is_told_when_its_relay_goes_and_comes_back(live_cast: Cast, consultation: Consultation) -> None:
    async with relay_end() as first:
        task = asyncio.create_task(first.answers("join"))
        async with in_room(consultation, live_cast.doctor) as here:
            await task
            await first.link.disconnect()  # killed
            assert (await here.hears("relay"))["state"] == "lost"
            async with relay_end() as second:
                assert (await here.hears("relay"))["state"] == "ready"
                task = asyncio.create_task(second.answers("join"))
                await here.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
                assert (await here.hears("joined"))["fresh"] is True
                await task


async def test_calls_run_on_when_only_the_link_was_lost(live_cast: Cast, consultation: Consultation) -> None:
    async with relay_end() as first:
        task = asyncio.create_task(first.answers("join"))
        async with in_room(consultation, live_cast.doctor) as here:
            await task
            await eventually(lambda: Placement.objects.get().peers)
            await first.link.disconnect()
            assert (await here.hears("relay"))["state"] == "lost"
            rooms = {str(consultation.pk): [{"peer": "page-of-doctor-nitun", "username": "doctor.nitun"}]}
            async with relay_end(rooms=rooms) as second:
                second.rooms = first.rooms
                assert (await here.hears("relay"))["state"] == "ready"
                task = asyncio.create_task(second.answers("join"))
                await here.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
                joined = await here.hears("joined")
                assert (joined["fresh"], len(joined["people"])) == (False, 1)
                await task


async def test_without_a_relay_one_joins_and_waits(live_cast: Cast, consultation: Consultation) -> None:
    async with in_room(consultation, live_cast.doctor) as here:
        await here.says("offer", pc="pub", sdp="v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n")
        assert (await here.hears("refused"))["code"] == "relay-lost"
        async with relay_end():
            assert (await here.hears("relay"))["state"] == "ready"


async def test_a_relay_that_says_no_is_heard(live_cast: Cast, consultation: Consultation) -> None:
    async with relay_end() as relay, in_room(consultation, live_cast.doctor, join=False) as here:
        await here.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
        request = json.loads(await relay.link.receive_from(5))
        refusal = {"re": request["id"], "ok": False, "code": "room_full", "message": "8 already"}
        await relay.link.send_to(text_data=json.dumps(refusal))
        refused = await here.hears("refused")
        assert (refused["code"], refused["to"]) == ("room_full", "join")
        assert refused["message"] in {"The room is full.", "会诊室人数已满。"}


async def test_a_room_that_moved_is_closed_where_it_was(live_cast: Cast, consultation: Consultation) -> None:
    async with relay_end("new"):
        await eventually(lambda: relays.place(consultation.pk))
        async with relay_end("old", rooms={str(consultation.pk): []}) as old:
            assert await _next(old) == {"t": "close", "room": str(consultation.pk), "id": f"close-{consultation.pk}"}


async def _next(relay: RelayEnd) -> dict[str, Any]:
    return dict(json.loads(await relay.link.receive_from(5)))
