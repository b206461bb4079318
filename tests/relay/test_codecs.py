"""A room in which somebody knows only H.264: everybody still sees everybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc import RTCRtpSender
from aiortc.mediastreams import VideoStreamTrack

from relay.connection import Context
from relay.dtls import Certificate
from relay.mux import Mux, open_socket
from relay.room import CODEC_CALM, Room
from tests.relay.clients import Client, Received, tracks_of
from tests.relay.conftest import Stage

pytestmark = pytest.mark.slow
CAMERA = (Path(__file__).parent / "offers" / "chromium_publish.sdp").read_text()


def only(client: Client, name: str) -> None:
    """This client offers and takes one video codec."""
    codecs = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.name in (name, "rtx")]
    for pc in (client.pub, client.sub):
        for transceiver in pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(codecs)


class OneCodec(Client):
    """A client that knows one video codec."""

    name = "H264"

    async def publish_camera(self) -> None:
        sender = self.pub.addTrack(VideoStreamTrack())
        only(self, self.name)
        await self.pub.setLocalDescription(await self.pub.createOffer())
        mids = {t.sender: t.mid for t in self.pub.getTransceivers()}
        self.named = [{"mid": mids[sender], "source": "camera"}]
        self.answer = await self.negotiate(self.pub, "pub", tracks=self.named)

    async def watch(self, tracks: list[dict[str, str]]) -> None:
        transceivers = [(self.sub.addTransceiver("video", direction="recvonly"), track) for track in tracks]
        only(self, self.name)
        await self.sub.setLocalDescription(await self.sub.createOffer())
        await self.negotiate(self.sub, "sub", want={t.mid: track["id"] for t, track in transceivers})
        for transceiver, track in transceivers:
            self.received[track["id"]] = Received(transceiver.receiver.track)


async def test_h264_alone_is_forwarded(stage: Stage) -> None:
    ann, ben = OneCodec(stage.site, "room", "ann"), OneCodec(stage.site, "room", "ben")
    for client in (ann, ben):
        await client.join()
    await ann.publish_camera()
    assert "H264/90000" in ann.answer
    assert "VP8" not in ann.answer
    await ben.watch(await tracks_of(stage.site, "room", 1))
    for received in ben.received.values():
        await received.more(20)
    for client in (ann, ben):
        await client.close()


async def test_who_sends_vp8_is_asked_for_h264_when_somebody_cannot_show_it(stage: Stage) -> None:
    ann, ben = Client(stage.site, "room", "ann"), OneCodec(stage.site, "room", "ben")
    for client in (ann, ben):
        await client.join()
    await ann.publish((VideoStreamTrack(), "camera"))
    await ben.watch(await tracks_of(stage.site, "room", 1))
    event = await stage.site.event("renegotiate")
    assert (event["room"], event["peer"]) == ("room", "ann")
    await ann.close()
    # aiortc does not change a sender's codec on a connection; browsers do (test_simulcast_chromium.py).
    again = OneCodec(stage.site, "room", "ann")
    await again.publish_camera()
    for received in ben.received.values():
        await received.more(20)
    assert [e["t"] for e in stage.site.events if e["t"] == "renegotiate"] == ["renegotiate"]
    for client in (again, ben):
        await client.close()


class Talk:
    """A real room without packets: who offers what, and who was asked to offer again."""

    def __init__(self, mux: Mux) -> None:
        context = Context(mux, Certificate(), (), lambda delay, callback: None, lambda connection, reason: None)
        self.asked: list[str] = []
        self.room = Room("7", 8, context, lambda room: None, lambda room, peer: self.asked.append(peer))
        self.began = time.monotonic()

    def enters(self, peer: str) -> None:
        self.room.join(peer, peer, True, True)

    def sends(self, peer: str) -> str:
        """The codec that is answered to a browser that could send either."""
        answer = self.room.publish(peer, CAMERA, {"1": "camera"})
        return "VP8" if "VP8/90000" in answer else "H264"

    def sees(self, peer: str, *codecs: str) -> None:
        """A browser that can show these watches."""
        names = {"VP8": "VP8/90000", "H264": "H264/90000"}
        others = [there for name, there in names.items() if name not in codecs]
        lines = [line for line in CAMERA.splitlines() if not any(there in line for there in others)]
        offer = "\r\n".join(lines).replace("a=sendonly", "a=recvonly")
        self.room.subscribe(peer, offer, {"1": self.room.tracks(besides=peer)[0].id})

    def passes(self, since: float, until: float) -> list[str]:
        """Who was asked meanwhile; seconds since the beginning, one look every 0.1 s."""
        self.asked.clear()
        for tenth in range(round(since * 10), round(until * 10)):
            self.room.turn_back(self.began + tenth / 10)
        return list(self.asked)


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    mux = Mux(open_socket("127.0.0.1", 0))
    yield Talk(mux)
    mux.close(asyncio.get_running_loop())


async def test_pictures_turn_back_when_the_one_who_needed_h264_has_left(talk: Talk) -> None:
    for peer in ("ann", "ben", "cat"):
        talk.enters(peer)
    assert talk.sends("ann") == "VP8"
    talk.sees("ben", "VP8", "H264")
    talk.sees("cat", "H264")
    assert talk.asked == ["ann"]
    assert talk.sends("ann") == "H264"
    assert talk.passes(0, 60) == []
    talk.room.leave("cat")
    assert talk.passes(60, 60 + CODEC_CALM - 1) == []
    assert talk.passes(60 + CODEC_CALM - 1, 60 + CODEC_CALM + 1) == ["ann"]
    assert talk.passes(76, 80) == []
    assert talk.sends("ann") == "VP8"
    assert talk.passes(80, 200) == []


async def test_who_comes_back_in_time_finds_h264(talk: Talk) -> None:
    for peer in ("ann", "ben", "cat"):
        talk.enters(peer)
    talk.sends("ann")
    talk.sees("cat", "H264")
    assert talk.sends("ann") == "H264"
    talk.sees("ben", "VP8", "H264")
    for round_ in range(5):
        began = round_ * 20
        talk.room.leave("cat")
        assert talk.passes(began, began + CODEC_CALM - 1) == []
        talk.enters("cat")
        talk.sees("cat", "H264")
        assert talk.passes(began + CODEC_CALM - 1, began + 20) == []


async def test_a_request_that_was_lost_is_repeated(talk: Talk) -> None:
    for peer in ("ann", "cat"):
        talk.enters(peer)
    talk.sends("ann")
    talk.sees("cat", "H264")
    assert talk.asked == ["ann"]
    assert talk.passes(0, 2 * CODEC_CALM + 5) == ["ann", "ann"]
