"""A room in which somebody knows only H.264: everybody still sees everybody."""

from __future__ import annotations

import pytest
from aiortc import RTCRtpSender
from aiortc.mediastreams import VideoStreamTrack

from tests.relay.clients import Client, Received, tracks_of
from tests.relay.conftest import Stage

pytestmark = pytest.mark.slow


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
