"""aiortc's own MediaRelay as the server under test: it decodes every track and encodes it again for each viewer.

Its cameras send real VP8, since canned noise cannot be decoded. What viewers get is another encoding of it: packets are
counted, loss and delay cannot be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from relay.bench import camera
from relay.bench.canned import Profile
from relay.bench.party import Party, RemoteTrack
from relay.bench.server import Server
from relay.bench.site import SiteEnd
from relay.dtls import Certificate

Message = dict[str, Any]


class MediaRelayServer:
    """The process, asked by lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self._tracks: dict[str, list[RemoteTrack]] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    def party(self, room: str, certificate: Certificate, profile: Profile) -> Party:
        return MediaRelayParty(self, room, certificate, profile)

    async def tracks(self, room: str) -> list[RemoteTrack]:
        return self._tracks.get(room, [])

    async def ask(self, **fields: Any) -> str:
        """The SDP of the answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        async with self._turn, asyncio.timeout(20):
            self._process.stdin.write(json.dumps(fields).encode() + b"\n")
            line = await self._process.stdout.readline()
        answer: Message = json.loads(line)
        return str(answer["sdp"])

    def published(self, room: str, peer: str) -> None:
        """Notes the camera of `peer`."""
        self._tracks.setdefault(room, []).append({"id": f"{peer}/video", "peer": peer, "kind": "video"})


class MediaRelayParty(Party):
    """Sends a real camera, counts what comes."""

    def __init__(self, server: MediaRelayServer, room: str, certificate: Certificate, profile: Profile) -> None:
        super().__init__(SiteEnd(""), room, certificate, profile)
        self._server = server
        self._camera = camera.pictures()

    async def join(self) -> None:
        """There is no joining."""

    async def publish(self) -> None:
        sdp = self.pub.offer("sendonly", ["audio", "video"], "active")
        answer = await self._server.ask(room=self.room, peer=self.peer, sdp=sdp)
        self._server.published(self.room, self.peer)
        await self.pub.connect(answer)

    async def subscribe(self, tracks: Sequence[RemoteTrack]) -> None:
        sdp = self.sub.offer("recvonly", [track["kind"] for track in tracks], "active")
        want = [track["peer"] for track in tracks]
        await self.sub.connect(await self._server.ask(room=self.room, peer=self.peer, sdp=sdp, want=want))

    def send_audio(self) -> None:
        """None: the comparison is about pictures."""

    def send_picture(self) -> None:
        source, payloads = self.sources["video"], next(self._camera)
        source.timestamp += camera.TICKS
        for position, payload in enumerate(payloads):
            marker = 0x80 if position == len(payloads) - 1 else 0
            self._send(source, payload, marker)
        self.pub.flush()

    def _on_media(self, packet: memoryview, length: int) -> None:
        self.received += self.measuring


@contextlib.asynccontextmanager
async def mediarelay_server(parties: int) -> AsyncIterator[Server]:
    """A process of its own."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay.bench.transcode", stdin=pipe, stdout=pipe, limit=1 << 20
    )
    try:
        yield MediaRelayServer(process)
    finally:
        process.kill()
        await process.wait()
