"""Debian's Janus as the server under test: videoroom plugin and as few extras as its configuration allows.

Janus offers to its subscribers, so a party answers here. Everything else, from packets to clocks, is the same load.
Source of the API: https://janus.conf.meetecho.com/docs/videoroom and /docs/rest (its WebSocket form).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from relay import twcc
from relay.bench import machine
from relay.bench.canned import Profile
from relay.bench.client import PacketConnection
from relay.bench.party import Party, RemoteTrack, Sink
from relay.bench.server import Server
from relay.bench.site import SiteEnd
from relay.dtls import Certificate

Message = dict[str, Any]
MIDS = {"0": "audio", "1": "video"}
KEEP_ALIVE = 20.0
GENERAL = """
general: {{ configs_folder = "{folder}", debug_level = 3{loops} }}
media: {{ rtp_port_range = "20000-40000" }}
nat: {{ ice_enforce_list = "{address}", nice_debug = false }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
"""
WEBSOCKETS = 'general: {{ json = "compact", ws = true, ws_port = {port}, ws_interface = "lo" }}\n'
PARTS = Path("/usr/lib/x86_64-linux-gnu/janus")


class JanusMissing(RuntimeError):
    """Janus is not installed."""


class Janus:
    """One session with a Janus process; requests are answered in order of their transactions."""

    def __init__(self, socket: ClientConnection, process: asyncio.subprocess.Process) -> None:
        self._socket, self._process = socket, process
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._reader = asyncio.create_task(self._read())
        self._session = 0
        self.feeds: dict[str, dict[int, str]] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    async def open(self) -> None:
        """Opens the session."""
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]

    async def close(self) -> None:
        """Ends the session."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    async def room(self, name: str) -> int:
        """The number of a room, made when it is new."""
        number = int(name.rpartition("-")[2]) + 1
        if name not in self.feeds:
            self.feeds[name] = {}
            handle = await self.attach()
            room = {"request": "create", "room": number, "publishers": 100, "bitrate": 0, "audiocodec": "opus"}
            await self.say(handle, {**room, "videocodec": "vp8", "fir_freq": 0})
        return number

    async def attach(self) -> int:
        """A new handle of the videoroom plugin."""
        asked = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        return int((await self._ask(asked))["data"]["id"])

    async def say(self, handle: int, body: Message, jsep: Message | None = None) -> Message:
        """Sends a request to the plugin; its answer."""
        message = {"janus": "message", "handle_id": handle, "body": body, **({"jsep": jsep} if jsep else {})}
        answer = await self._ask(message)
        data = answer["plugindata"]["data"]
        if "error" in data:
            raise RuntimeError(f"janus: {data['error']}")
        return answer

    async def keep_alive(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            alive = {"janus": "keepalive", "session_id": self._session, "transaction": "alive"}
            await self._socket.send(json.dumps(alive))

    def party(self, room: str, certificate: Certificate, profile: Profile) -> Party:
        return JanusParty(self, room, certificate, profile)

    async def tracks(self, room: str) -> list[RemoteTrack]:
        return [
            {"id": f"{feed}/{mid}", "peer": peer, "kind": kind}
            for feed, peer in self.feeds[room].items()
            for mid, kind in MIDS.items()
        ]

    async def _ask(self, message: Message) -> Message:
        transaction = str(next(self._ids))
        waiting = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        session = {"session_id": self._session} if self._session else {}
        await self._socket.send(json.dumps({"transaction": transaction, **session, **message}))
        try:
            async with asyncio.timeout(10):
                answer: Message = await waiting
        finally:
            del self._waiting[transaction]
        if answer["janus"] == "error":
            raise RuntimeError(f"janus: {answer['error']}")
        return answer

    async def _read(self) -> None:
        keeping = asyncio.create_task(self.keep_alive())
        try:
            async for text in self._socket:
                message = json.loads(text)
                waiting = self._waiting.get(message.get("transaction", ""))
                # An "ack" says that the answer comes later, except to a keepalive.
                if waiting is not None and not waiting.done() and message["janus"] != "ack":
                    waiting.set_result(message)
        finally:
            keeping.cancel()


class JanusParty(Party):
    """A participant of a videoroom: one handle publishes, one subscribes to all the others."""

    def __init__(self, janus: Janus, room: str, certificate: Certificate, profile: Profile) -> None:
        super().__init__(SiteEnd(""), room, certificate, profile)
        self._janus = janus

    async def join(self) -> None:
        await self._janus.room(self.room)

    async def publish(self) -> None:
        number, handle = await self._janus.room(self.room), await self._janus.attach()
        join = {"request": "join", "ptype": "publisher", "room": number, "display": self.peer}
        feed = (await self._janus.say(handle, join))["plugindata"]["data"]["id"]
        sdp = _with_ssrcs(self.pub.offer("sendonly", list(MIDS.values()), "active", numbered=True), self)
        answer = await self._janus.say(handle, {"request": "publish"}, {"type": "offer", "sdp": sdp})
        self._janus.feeds[self.room][feed] = self.peer
        await self.pub.connect(answer["jsep"]["sdp"])

    async def subscribe(self, tracks: Sequence[RemoteTrack]) -> None:
        number, handle = await self._janus.room(self.room), await self._janus.attach()
        streams = [
            dict(zip(("feed", "mid"), (int(t["id"].split("/")[0]), t["id"].split("/")[1]), strict=True)) for t in tracks
        ]
        join = {"request": "join", "ptype": "subscriber", "room": number, "streams": streams}
        offered = await self._janus.say(handle, join)
        offer: str = offered["jsep"]["sdp"]
        numbered = re.search(rf"a=extmap:(\d+)\S* {re.escape(twcc.URI)}", offer)
        self.number_id = int(numbered[1]) if numbered else 0
        by_place = {s["mid"]: f"{s['feed_id']}/{s['feed_mid']}" for s in offered["plugindata"]["data"]["streams"]}
        for section in offer.split("\r\nm=")[1:]:
            mid = _line(section, r"a=mid:(\S+)")
            ssrc = int(_line(section, r"a=ssrc:(\d+)"))
            sink = self.sinks[by_place[mid]] = Sink(by_place[mid])
            self._by_ssrc[ssrc] = sink
        answer = self.sub.answer(offer, _candidate(self.sub))
        await self._janus.say(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        await self.sub.connect(offer)


def _with_ssrcs(sdp: str, party: Party) -> str:
    """The offer with a candidate and the SSRC of each m-line, as Janus wants it."""
    head, *sections = sdp.split("\r\nm=")
    for position, kind in enumerate(MIDS.values()):
        ssrc = f"a=ssrc:{party.sources[kind].ssrc} cname:{party.peer}"
        sections[position] = "\r\n".join([sections[position].rstrip(), ssrc, *_candidate(party.pub)])
    return "\r\nm=".join([head, *sections]) + "\r\n"


def _candidate(connection: PacketConnection) -> list[str]:
    return [f"a=candidate:1 1 udp 2130706431 {machine.own_address()} {connection.port} typ host", "a=end-of-candidates"]


def _line(section: str, pattern: str) -> str:
    found = re.search(pattern, section)
    if found is None:
        raise ValueError(f"janus' offer has no {pattern}")
    return found[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configure(folder: Path, port: int, address: str, loops: int) -> None:
    def others(kind: str, wanted: str) -> str:
        return ",".join(path.name for path in (PARTS / kind).glob("*.so") if wanted not in path.name)

    general = GENERAL.format(
        folder=folder,
        address=address,
        loops=f", event_loops = {loops}" if loops else "",
        plugins=others("plugins", "videoroom"),
        transports=others("transports", "websockets"),
    )
    (folder / "janus.jcfg").write_text(general)
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
    (folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS.format(port=port))


@contextlib.asynccontextmanager
async def janus_server(parties: int, loops: int = 0) -> AsyncIterator[Server]:
    """A Janus of its own with an open session; `loops` threads for all its connections, one for each when 0 (its
    default). Raises JanusMissing."""
    binary = shutil.which("janus")
    if binary is None:
        raise JanusMissing("Janus is not installed. On Debian: sudo apt install --no-install-recommends janus")
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        _configure(Path(folder), port, machine.own_address(), loops)
        arguments = ["-F", folder, "-N", "-L", f"{folder}/log", "-o"]
        process = await asyncio.create_subprocess_exec(
            binary, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            socket = await _dial(port, process, Path(folder, "log"))
            janus = Janus(socket, process)
            await janus.open()
            yield janus
            await janus.close()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _dial(port: int, process: asyncio.subprocess.Process, log: Path) -> ClientConnection:
    for _ in range(100):
        if process.returncode is not None:
            break
        try:
            return await connect(
                f"ws://127.0.0.1:{port}", subprotocols=[Subprotocol("janus-protocol")], proxy=None, max_size=1 << 22
            )
        except OSError:
            await asyncio.sleep(0.1)
    said = await asyncio.to_thread(log.read_text)
    raise RuntimeError(f"janus did not start:\n{said[-2000:]}")
