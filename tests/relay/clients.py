"""Stock aiortc clients that negotiate as the browser does: one connection to publish, one to subscribe."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import aioice.ice
import numpy
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack, VideoStreamTrack

from relay.bench.site import SiteEnd
from tests.net.proxy import Proxy


def allow_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice leaves 127.0.0.1 out of its candidates; here it is the only address."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **kwargs: ["127.0.0.1"])


class Tone(AudioStreamTrack):
    """A loud 440 Hz tone: aiortc's own audio track is silence."""

    async def recv(self) -> Any:
        frame: Any = await super().recv()
        count = frame.samples
        at = numpy.arange(frame.pts, frame.pts + count) / frame.sample_rate
        wave = (numpy.sin(at * 440 * 2 * numpy.pi) * 12000).astype(numpy.int16)
        frame.planes[0].update(wave.tobytes())
        return frame


async def eventually(holds: Callable[[], bool], within: float = 10) -> None:
    """Waits until `holds()`."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what is waited for is often in another process
            await asyncio.sleep(0.02)


class Received:
    """Counts what arrives on one track."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self.track = track
        self.frames = 0
        self.loudest = 0
        self._task = asyncio.create_task(self._count())

    async def _count(self) -> None:
        try:
            while True:
                frame: Any = await self.track.recv()
                self.frames += 1
                if self.track.kind == "audio":
                    self.loudest = max(self.loudest, int(abs(frame.to_ndarray()).max()))
        except MediaStreamError:
            pass

    async def more(self, count: int, within: float = 15) -> None:
        """Waits for `count` frames more than now."""
        target = self.frames + count
        await eventually(lambda: self.frames >= target, within)

    def stop(self) -> None:
        self._task.cancel()


class Client:
    """A participant."""

    def __init__(self, site: SiteEnd, room: str, peer: str | None = None, proxy: Proxy | None = None) -> None:
        self.site, self.room, self.proxy = site, room, proxy
        self.peer = peer or secrets.token_hex(8)
        self.pub = self._connection()
        self.sub = self._connection()
        self.received: dict[str, Received] = {}

    def _connection(self) -> RTCPeerConnection:
        return RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def join(self) -> dict[str, Any]:
        return await self.site.ask("join", room=self.room, peer=self.peer, username="doctor", mic=True, cam=True)

    async def publish(self, *tracks: tuple[MediaStreamTrack, str]) -> list[dict[str, str]]:
        """Publishes tracks with their sources; microphone and camera when none are given."""
        chosen = tracks or ((AudioStreamTrack(), "mic"), (VideoStreamTrack(), "camera"))
        senders = [(self.pub.addTrack(track), source) for track, source in chosen]
        await self.pub.setLocalDescription(await self.pub.createOffer())
        mids = {t.sender: t.mid for t in self.pub.getTransceivers()}
        named = [{"mid": mids[sender], "source": source} for sender, source in senders]
        await self.negotiate(self.pub, "pub", tracks=named)
        return named

    async def negotiate(self, pc: RTCPeerConnection, which: str, **fields: Any) -> str:
        answer = await self.site.ask(
            "offer", room=self.room, peer=self.peer, pc=which, sdp=pc.localDescription.sdp, **fields
        )
        sdp = self.proxy.place(answer["sdp"]) if self.proxy is not None else answer["sdp"]
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        return str(answer["sdp"])

    async def subscribe(self, tracks: list[dict[str, str]]) -> None:
        """Receives `tracks`, as in `join`'s answer."""
        transceivers = [(self.sub.addTransceiver(track["kind"], direction="recvonly"), track) for track in tracks]
        await self.sub.setLocalDescription(await self.sub.createOffer())
        want = {transceiver.mid: track["id"] for transceiver, track in transceivers}
        await self.negotiate(self.sub, "sub", want=want)
        for transceiver, track in transceivers:
            self.received[track["id"]] = Received(transceiver.receiver.track)

    async def close(self) -> None:
        for received in self.received.values():
            received.stop()
        await self.pub.close()
        await self.sub.close()


async def tracks_of(site: SiteEnd, room: str, count: int) -> list[dict[str, str]]:
    """The tracks of `room` once there are `count`."""

    def newest() -> list[dict[str, str]]:
        rooms = [event for event in site.events if event["t"] == "room" and event["room"] == room]
        return list(rooms[-1]["tracks"]) if rooms else []

    await eventually(lambda: len(newest()) == count)
    return newest()
