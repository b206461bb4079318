"""One node without a site: rooms, deadlines, probes, renegotiation."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relay import node as node_module
from relay import protocol
from relay.bench.canned import Profile
from relay.bench.client import PacketConnection, offer
from relay.bench.party import Source
from relay.config import Config
from relay.dtls import Certificate
from relay.node import Node
from relay.room import Refusal
from tests.relay.clients import eventually


@pytest_asyncio.fixture
async def node() -> AsyncIterator[Node]:
    node = Node(Config(site_url="ws://127.0.0.1:9/", bind="127.0.0.1", port=0))
    node.sent: list[dict[str, object]] = []  # type: ignore[attr-defined]
    node._link.send = node.sent.append  # type: ignore[attr-defined, method-assign]
    serving = asyncio.create_task(node.run())
    await asyncio.sleep(0)
    yield node
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def join(node: Node, peer: str) -> dict[str, object]:
    return node.handle(protocol.Join("room", peer, peer, True, True))


def publish(node: Node, peer: str, sdp: str, **sources: str) -> str:
    return str(node.handle(protocol.Offer("room", peer, "pub", sdp, sources, {}))["sdp"])


def subscribe(node: Node, peer: str, sdp: str, **want: str) -> str:
    return str(node.handle(protocol.Offer("room", peer, "sub", sdp, {}, want))["sdp"])


def sdp_of(certificate: Certificate, direction: str, *kinds: str, ufrag: str = "frag") -> str:
    return offer(ufrag, "password", certificate, direction, list(kinds))


def directions(sdp: str) -> list[str]:
    return [line[2:] for line in sdp.splitlines() if line[2:] in ("recvonly", "sendonly", "inactive")]


def line(sdp: str, start: str) -> list[str]:
    return [text.partition(":")[2] for text in sdp.splitlines() if text.startswith(start)]


async def test_silent_peers_are_survive_half_a_minute_and_are_dropped_after_45_seconds(node: Node) -> None:
    join(node, "ann")
    publish(node, "ann", sdp_of(Certificate(), "sendonly", "audio"), **{"0": "mic"})
    now = time.monotonic()
    node._on_tick(now + 44)
    assert list(node._rooms["room"].participants) == ["ann"]
    node._on_tick(now + 46)
    assert node.sent[-1] == {"t": "gone", "room": "room", "peer": "ann", "reason": "timeout"}  # type: ignore[attr-defined]
    assert (node._rooms, node._mux._by_ufrag) == ({}, {})


async def test_tracks_have_stable_ids_and_follow_the_offers(node: Node) -> None:
    certificate = Certificate()
    join(node, "ann")
    assert join(node, "ben") == {"fresh": True, "tracks": []}
    two = sdp_of(certificate, "sendonly", "audio", "video")
    assert directions(publish(node, "ann", two, **{"0": "mic", "1": "camera"})) == ["recvonly", "recvonly"]
    before = join(node, "ben")["tracks"]
    assert [(t["kind"], t["source"], t["peer"]) for t in before] == [  # type: ignore[attr-defined]
        ("audio", "mic", "ann"),
        ("video", "camera", "ann"),
    ]
    three = sdp_of(certificate, "sendonly", "audio", "video", "video")
    publish(node, "ann", three, **{"0": "mic", "1": "camera", "2": "screen"})
    after = join(node, "ben")["tracks"]
    assert after[:2] == before  # type: ignore[index]
    assert directions(publish(node, "ann", three, **{"0": "mic"})) == ["recvonly", "inactive", "inactive"]
    assert join(node, "ben")["tracks"] == before[:1]  # type: ignore[index]


async def test_subscribing_to_what_there_is_and_what_there_is_not(node: Node) -> None:
    join(node, "ann")
    join(node, "ben")
    publish(node, "ann", sdp_of(Certificate(), "sendonly", "audio", "video"), **{"0": "mic", "1": "camera"})
    mic, camera = (track["id"] for track in join(node, "ben")["tracks"])  # type: ignore[attr-defined]
    certificate = Certificate()
    sdp = sdp_of(certificate, "recvonly", "audio", "video", "video")
    answer = subscribe(node, "ben", sdp, **{"0": mic, "1": "no-such-track", "2": camera})
    assert directions(answer) == ["sendonly", "inactive", "sendonly"]
    assert line(answer, "a=msid:") == [f"ann {mic}", f"ann {camera}"]
    assert directions(subscribe(node, "ben", sdp, **{"0": camera, "1": camera})) == ["inactive", "sendonly", "inactive"]
    own = subscribe(node, "ann", sdp_of(Certificate(), "recvonly", "audio"), **{"0": mic})
    assert directions(own) == ["inactive"]


async def test_ice_restart_is_answered_with_new_credentials_and_both_stay_valid(node: Node) -> None:
    certificate = Certificate()
    join(node, "ann")
    first = publish(node, "ann", sdp_of(certificate, "sendonly", "audio"), **{"0": "mic"})
    same = publish(node, "ann", sdp_of(certificate, "sendonly", "audio"), **{"0": "mic"})
    restarted = publish(node, "ann", sdp_of(certificate, "sendonly", "audio", ufrag="new"), **{"0": "mic"})
    ufrags = [line(sdp, "a=ice-ufrag:")[0] for sdp in (first, same, restarted)]
    assert ufrags[0] == ufrags[1] != ufrags[2]
    assert set(node._mux._by_ufrag) == set(ufrags)
    transports = {id(transport) for transport in node._mux._by_ufrag.values()}
    assert len(transports) == 1
    replaced = publish(node, "ann", sdp_of(Certificate(), "sendonly", "audio"), **{"0": "mic"})
    assert set(node._mux._by_ufrag) == set(line(replaced, "a=ice-ufrag:"))


async def test_a_refused_offer_changes_nothing(node: Node) -> None:
    certificate = Certificate()
    join(node, "ann")
    join(node, "ben")
    publish(node, "ann", sdp_of(certificate, "sendonly", "audio", "video"), **{"0": "mic", "1": "camera"})
    before = join(node, "ben")
    for sources in ({"0": "camera", "1": "mic"}, {"0": "mic", "1": "mic"}):
        with pytest.raises(Refusal, match="mid"):
            publish(node, "ann", sdp_of(certificate, "sendonly", "audio", "video"), **sources)
    three = sdp_of(certificate, "sendonly", "audio", "video", "video")
    with pytest.raises(Refusal, match="two m-lines are the camera"):
        publish(node, "ann", three, **{"1": "camera", "2": "camera"})
    assert join(node, "ben") == before


async def test_a_probe_connects_and_ends_by_itself(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "PROBE_LIFETIME", 1.0)
    reports: list[bytes] = []
    connection = PacketConnection(Certificate(), lambda packet, length: None, reports.append)
    sdp = connection.offer("sendonly", ["audio", "video"])
    answer = str(node.handle(protocol.Probe("ann", sdp))["sdp"])
    assert directions(answer) == ["recvonly", "recvonly"]
    await connection.connect(answer)
    source = Source("audio")
    for number in range(10):
        connection.send_rtp(source.lane, number, number * 960, b"sound")
    connection.flush()
    await eventually(lambda: node._mux.received == 10)
    assert node._rooms == {}
    await eventually(lambda: node._probes == {}, within=3)
    connection.close()


async def test_who_has_left_leaves_nothing_in_memory(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the collector would not look by itself."""
    monkeypatch.setattr(node_module, "TIDY_INTERVAL", 0.05)
    tidying = asyncio.create_task(node._keep_tidy())
    gc.collect()
    gc.disable()
    try:
        join(node, "ann")
        join(node, "ben")
        publish(node, "ann", sdp_of(Certificate(), "sendonly", "audio", "video"), **{"0": "mic", "1": "camera"})
        track = node._rooms["room"].snapshot()["tracks"][0]["id"]
        subscribe(node, "ben", sdp_of(Certificate(), "recvonly", "audio"), **{"0": track})
        node._on_tick(time.monotonic())
        kept = [weakref.ref(connection) for connection in node._connections()]
        assert len(kept) == 2
        for peer in ("ann", "ben"):
            node.handle(protocol.Leave("room", peer))
        node._on_tick(time.monotonic())
        await eventually(lambda: [ref() for ref in kept] == [None, None])
    finally:
        gc.enable()
        tidying.cancel()


async def test_the_relay_refuses_more_than_its_capacity() -> None:
    node = Node(Config(site_url="ws://127.0.0.1:9/", bind="127.0.0.1", port=0, capacity=1))
    join(node, "ann")
    join(node, "ann")
    with pytest.raises(Refusal, match="1 participants already"):
        join(node, "ben")
    node._mux.close(asyncio.get_running_loop())


def test_the_default_profile_is_a_720p_camera() -> None:
    assert Profile() == Profile(video=160, audio=50)
