"""Bad networks and people who come back."""

from __future__ import annotations

import asyncio
import time

import pytest

from relay.bench.canned import Profile
from relay.bench.client import PacketConnection
from relay.bench.party import Party
from relay.dtls import Certificate
from tests.net.line import Line
from tests.net.proxy import proxy
from tests.relay.clients import Client, eventually, tracks_of
from tests.relay.conftest import Stage

pytestmark = pytest.mark.slow


def lines(stage: Stage, *words: str) -> list[str]:
    return [line for line in stage.relay.log if all(word in line for word in words)]


async def test_five_percent_loss_is_repaired(stage: Stage) -> None:
    """Both directions of both people lose 5 %, 40 ms one way: aiortc at both ends repeats and asks for repeats."""
    async with proxy(("127.0.0.1", stage.port), Line(delay=0.04), Line(delay=0.04)) as network:
        ann, ben = (Client(stage.site, "room", peer, network) for peer in ("ann", "ben"))
        for client in (ann, ben):
            await client.join()
        await ann.publish()
        await ben.subscribe(await tracks_of(stage.site, "room", 2))
        video = next(r for r in ben.received.values() if r.track.kind == "video")
        await video.more(10)
        network.use(Line(loss=0.05, delay=0.04), Line(loss=0.05, delay=0.04))
        before, started = video.frames, time.monotonic()
        await video.more(150, within=20)
        # aiortc's camera makes 30 pictures/s; without repeats more than half of them could not be decoded.
        assert (video.frames - before) / (time.monotonic() - started) > 20
        assert network.up.count.lost + network.down.count.lost > 20
        await ann.close()
        await ben.close()


async def test_a_reload_replaces_the_connection_and_viewers_stay(stage: Stage) -> None:
    ann, ben = Client(stage.site, "room", "ann"), Client(stage.site, "room", "ben")
    for client in (ann, ben):
        await client.join()
    await ann.publish()
    tracks = await tracks_of(stage.site, "room", 2)
    await ben.subscribe(tracks)
    for received in ben.received.values():
        await received.more(5)
    again = Client(stage.site, "room", "ann")
    assert (await again.join())["fresh"] is False
    await again.publish()
    assert await tracks_of(stage.site, "room", 2) == tracks
    for received in ben.received.values():
        await received.more(10)
    for client in (ann, again, ben):
        await client.close()


async def test_everybody_who_closed_is_gone(stage: Stage) -> None:
    ann = Client(stage.site, "room", "ann")
    await ann.join()
    await ann.publish()
    await eventually(lambda: bool(lines(stage, "ann/pub", "dtls connected")))
    await ann.close()
    assert (await stage.site.event("gone", peer="ann", within=8))["reason"] == "dtls"
    assert await tracks_of(stage.site, "room", 0) == []


async def test_another_certificate_than_offered_is_refused(stage: Stage) -> None:
    party = Party(stage.site, "room", Certificate(), Profile())
    impostor = PacketConnection(Certificate(), lambda packet, length: None, lambda packet: None)
    await stage.site.ask("join", room="room", peer=party.peer, username="x", mic=True, cam=True)
    sdp = party.pub.offer("sendonly", ["audio"])
    answer = await stage.site.ask("offer", room="room", peer=party.peer, pc="pub", sdp=sdp, tracks=[])
    impostor.use(answer["sdp"])
    await impostor.connect(answer["sdp"])
    await eventually(lambda: bool(lines(stage, party.peer, "dtls failed")))
    impostor.close()
    party.close()


async def heard(speaker: Party, listener: Party) -> None:
    """Something the speaker says from now on arrives; the first words may be too early for a new connection."""

    def words() -> int:
        return sum(sink.received for sink in listener.sinks.values())

    before = words()
    async with asyncio.timeout(10):
        while words() == before:
            speaker.send_audio()
            await asyncio.sleep(0.02)


async def test_ice_restart_with_new_credentials_keeps_the_keys(stage: Stage) -> None:
    certificate = Certificate()
    ann, ben = (Party(stage.site, "room", certificate, Profile()) for _ in range(2))
    await ann.publish()
    await ben.publish()
    await ben.subscribe([t for t in await tracks_of(stage.site, "room", 4) if t["peer"] == ann.peer])
    await heard(ann, ben)
    ann.pub.ufrag = "restarted"
    sdp = ann.pub.offer("sendonly", ["audio", "video"])
    tracks = [{"mid": "0", "source": "mic"}, {"mid": "1", "source": "camera"}]
    answer = await stage.site.ask("offer", room="room", peer=ann.peer, pc="pub", sdp=sdp, tracks=tracks)
    old = ann.pub.relay_ufrag
    ann.pub.use(answer["sdp"])
    assert ann.pub.relay_ufrag != old
    await ann.pub.rebind()
    await heard(ann, ben)
    assert len(lines(stage, ann.peer, "dtls connected")) == 1
    assert len(lines(stage, ann.peer, "pub address changed")) == 1
    for party in (ann, ben):
        party.close()


async def test_fifty_viewers_in_a_second_cause_two_keyframe_requests(stage: Stage) -> None:
    certificate = Certificate()
    ann, ben = (Party(stage.site, "room", certificate, Profile()) for _ in range(2))
    await ann.publish()
    await ben.publish()
    ann.send_picture()
    await ben.subscribe([t for t in await tracks_of(stage.site, "room", 4) if t["peer"] == ann.peer])
    before = ann.plis
    started = time.monotonic()
    for _ in range(50):
        ben.ask_for_keyframes()
        ann.send_picture()
        await asyncio.sleep(0.02)
    passed = time.monotonic() - started
    assert 1 <= ann.plis - before <= 2 * passed + 1
    for party in (ann, ben):
        party.close()
