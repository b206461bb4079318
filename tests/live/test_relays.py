"""Relays come, carry, go and come back; rooms stay whole and are told."""

import asyncio
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.management import CommandError, call_command
from django.utils import timezone

from consult.errors import Refusal
from consult.models import Consultation, Placement, Relay, User
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
    assert relays.lost(channel=old.channel, by_relay=True) == [thing.pk]
    assert relays.place(thing.pk) is None  # its link may be back in a moment: the call still runs
    Relay.objects.filter(name="old").update(move_at=timezone.now())
    Placement.objects.update(peers=[{"peer": "somebody", "username": "a"}])
    assert relays.place(thing.pk) == new
    moved = Placement.objects.get()
    assert (moved.former, moved.peers) == (old, [{"peer": "somebody", "username": "a", "moving": True}])


def test_a_restart_of_the_site_moves_no_room_of_a_living_relay(cast: Cast) -> None:
    thing = accepted(cast)
    old = enrol("old")
    relays.place(thing.pk)
    relays.lost(channel=old.channel, by_relay=False)  # the site closed its end
    long_ago = timezone.now() - timedelta(seconds=60)
    Relay.objects.update(seen_at=long_ago)
    other = enrol("other")
    assert heard(other, settled=False) == relays.Duties()
    assert relays.place(thing.pk) is None  # the other dialled in first
    assert heard(other, settled=True) == relays.Duties(wake=[thing.pk])  # the old one had its time
    assert relays.place(thing.pk) == other


def test_a_relay_that_says_nothing_loses_its_rooms(cast: Cast) -> None:
    thing = accepted(cast)
    mute = enrol("mute")
    relays.place(thing.pk)
    other = enrol("other", load=0.5)
    Relay.objects.filter(pk=mute.pk).update(seen_at=timezone.now() - timedelta(seconds=2))
    assert heard(other).wake == []
    Relay.objects.filter(pk=mute.pk).update(seen_at=timezone.now() - timedelta(seconds=4))
    assert heard(other).wake == [thing.pk]
    assert relays.place(thing.pk) == other
    assert heard(mute) is None  # it wakes up: its link is closed, and it dials again
    relays.register(name="mute", channel="test.again!x", address="a", port=1, capacity=10, version="", rooms=[thing.pk])
    assert relays.placed_elsewhere([thing.pk], "test.again!x") == []  # its people are just moving
    Placement.objects.update(at=timezone.now() - timedelta(seconds=16))
    assert relays.placed_elsewhere([thing.pk], "test.again!x") == [thing.pk]


def heard(relay: Relay, *, settled: bool = True, load: float = 0.5) -> Any:
    return relays.report(channel=relay.channel, rooms=1, participants=1, load=load, settled=settled)


def test_a_drained_relay_gives_its_rooms_away_and_gets_no_new_ones(cast: Cast) -> None:
    thing = accepted(cast)
    old = enrol("old")
    relays.place(thing.pk)
    Placement.objects.update(peers=[{"peer": "p1", "username": "a"}, {"peer": "p2", "username": "b"}])
    relays.drain(name="old")
    assert relays.place(thing.pk) == old  # there is no other: nobody is dropped
    full = enrol("full", participants=9)
    assert relays.place(thing.pk) == old  # a call of two does not fit
    Relay.objects.filter(pk=full.pk).update(participants=8, busy=True)
    assert heard(old).wake == [thing.pk]
    assert relays.place(thing.pk) == full  # a busy one rather than none
    assert heard(old).wake == []
    Relay.objects.filter(pk=full.pk).update(participants=0, busy=False, load=0.9)
    assert relays.place(accepted(cast).pk) == full
    relays.undrain(name="old")
    assert relays.place(accepted(cast).pk) == old


def test_who_does_not_come_along_has_left(cast: Cast) -> None:
    thing = accepted(cast)
    first, second = enrol("first"), enrol("second", load=0.5)
    relays.place(thing.pk)
    ann, ben = ({"peer": f"page-of-{name}-{name * 8}", "username": name} for name in ("ann", "ben"))
    assert relays.observe(channel=first.channel, consultation_id=thing.pk, peers=[ann, ben], tracks=[])
    relays.drain(name="first")
    relays.place(thing.pk)
    assert relays.observe(channel=first.channel, consultation_id=thing.pk, peers=[], tracks=[]) is None
    came = relays.observe(channel=second.channel, consultation_id=thing.pk, peers=[ben], tracks=[])
    assert came == (set(), set())
    assert [(peer["username"], peer.get("moving")) for peer in Placement.objects.get().peers] == [
        ("ben", None),
        ("ann", True),
    ]
    assert heard(second).over == []
    Placement.objects.update(at=timezone.now() - timedelta(seconds=16))
    assert heard(second).over == [thing.pk]
    assert heard(first).close == [thing.pk]
    assert heard(first).close == []
    assert relays.move_over(thing.pk) == {"ann"}
    assert [peer["username"] for peer in Placement.objects.get().peers] == ["ben"]


def test_a_busy_relay_takes_no_new_room_until_it_is_calm_again(cast: Cast) -> None:
    only = enrol("only")
    running = accepted(cast)
    assert relays.place(running.pk) == only
    for load, takes in ((0.84, True), (0.86, False), (0.75, False), (0.69, True), (0.75, True)):
        heard(only, load=load)
        assert Relay.objects.get().busy is not takes, load
    heard(only, load=0.9)
    with pytest.raises(Refusal) as refused:
        relays.place(accepted(cast).pk)
    assert refused.value.code == "relay_full"
    assert relays.place(running.pk) == only  # who talks goes on talking, and may be joined


def test_rooms_of_one_second_are_spread(cast: Cast) -> None:
    enrol("one", capacity=100)
    enrol("two", capacity=100)
    placed = [relays.place(accepted(cast).pk) for _ in range(4)]
    assert sorted(relay.name for relay in placed if relay) == ["one", "one", "two", "two"]


def test_the_operator_lists_drains_and_undrains(cast: Cast) -> None:
    enrol("north", version="1.2", participants=3, load=0.25)
    enrol("south", channel="")
    rows = [line.split() for line in said("relays").splitlines()]
    assert rows[0][:2] == ["name", "state"]
    assert [row[:2] for row in rows[1:]] == [["north", "live"], ["south", "away"]]
    assert rows[1][4:8] == ["0", "3/10", "25%", "1.2"]
    assert "draining" in said("relays", "drain", "north")
    assert "draining" not in said("relays", "undrain", "north")
    with pytest.raises(CommandError, match="known: north, south"):
        call_command("relays", "drain", "nowhere")


def said(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


async def test_a_leaving_relay_keeps_its_room_until_the_people_have_moved(
    live_cast: Cast, consultation: Consultation
) -> None:
    async with relay_end("old") as old:
        task = asyncio.create_task(old.answers("join"))
        async with in_room(consultation, live_cast.doctor) as here, relay_end("new") as new:
            await task
            await eventually(lambda: Placement.objects.get().peers)
            await old.link.says("drain", seconds=30)
            told = await here.hears("relay")
            assert (told["state"], told["reason"]) == ("ready", "moved")
            task = asyncio.create_task(new.answers("join"))
            await here.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
            joined = await here.hears("joined")
            assert (joined["fresh"], [each["username"] for each in joined["people"]]) == (True, ["doctor.nitun"])
            await task
            await old.tells(str(consultation.pk))  # the old connections still run there
            assert await old.link.receive_nothing(timeout=0.3)  # and are not closed
            placement = await eventually(lambda: Placement.objects.select_related("relay").get())
            assert placement.relay.name == "new"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The media relay is full. Try again in a few minutes, or tell the scheduler."),
        ("zh-hans", "媒体中继已满，请几分钟后再试，或告知调度员。"),
    ],
)
async def test_a_new_call_is_refused_in_words_when_every_relay_is_at_its_limit(
    language: str, words: str, live_cast: Cast, consultation: Consultation
) -> None:
    await database_sync_to_async(User.objects.update)(language=language)
    async with relay_end(capacity=0), in_room(consultation, live_cast.doctor, join=False) as here:
        await here.says("join", session="page-of-doctor-nitun", mic=True, cam=True)
        refused = await here.hears("refused")
        assert (refused["code"], refused["to"], refused["message"]) == ("relay_full", "join", words)


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


async def test_an_arrival_a_killed_site_never_booked_is_booked_by_the_next(
    live_cast: Cast, consultation: Consultation
) -> None:
    def booked() -> bool:
        return consultation.participants.filter(last_joined_at__isnull=False, last_left_at=None).exists()

    async with relay_end() as first:
        task = asyncio.create_task(first.answers("join"))
        async with in_room(consultation, live_cast.doctor):
            await task
            await eventually(booked)
            await first.link.disconnect()
            # As it stands when the site dies after it kept who is there, and before it booked it.
            unbook = consultation.participants.update
            await database_sync_to_async(unbook)(last_joined_at=None)
            rooms = {str(consultation.pk): [{"peer": "page-of-doctor-nitun", "username": "doctor.nitun"}]}
            async with relay_end(rooms=rooms) as second:
                second.rooms = first.rooms
                await second.tells(str(consultation.pk))
                await eventually(booked)


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
