"""Sockets as browsers and relays open them, against the real application; the relay's end is played by the test."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from consult.models import Consultation, User
from telemed.asgi import application
from tests import cast as people

NOTHING_ELSE = {"screen": False, "clinical": "", "stethoscope": False}
ORIGIN = b"http://testserver"
SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"


@pytest.fixture(autouse=True)
def _quiet_layer(settings: Any) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["testserver"]
    yield
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):  # one for the whole run, and for no loop in particular
        layer.groups.clear()
        layer.channels.clear()


@pytest.fixture
def consultation(live_cast: people.Cast) -> Consultation:
    return people.accepted(live_cast)


class Socket(WebsocketCommunicator):
    """One end of a socket that speaks JSON."""

    async def opens(self) -> bool:
        """True when it is let in; a refused one is accepted and closed at once, with `code`."""
        connected, code = await self.connect(timeout=10)
        if not connected:
            self.code = code
            return False
        if not await self.receive_nothing(timeout=0.05):
            first = self.output_queue._queue[0]  # type: ignore[attr-defined]
            if first["type"] == "websocket.close":
                self.code = first["code"]
                return False
        return True

    async def says(self, t: str, **fields: Any) -> None:
        await self.send_to(text_data=json.dumps({"t": t, **fields}))

    async def hears(self, *names: str, within: float = 5) -> dict[str, Any]:
        """The next message of one of these names; what comes before is passed over."""
        while True:
            message = json.loads(await self.receive_from(within))
            if not names or message.get("t") in names:
                return dict(message)

    async def ends(self, within: float = 5) -> int:
        """The close code; what comes before is passed over."""
        while True:
            event = await self.receive_output(within)
            if event["type"] == "websocket.close":
                return int(event["code"])


@database_sync_to_async
def cookie_of(user: User) -> bytes:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"sessionid={client.cookies['sessionid'].value}".encode()


@contextlib.asynccontextmanager
async def socket(path: str, user: User | None = None, *headers: tuple[bytes, bytes]) -> AsyncIterator[Socket]:
    """A socket of that person's page; `headers` replace Origin and Host when given."""
    given = list(headers) or [(b"origin", ORIGIN), (b"host", b"testserver")]
    if user:
        given.append((b"cookie", await cookie_of(user)))
    opened = Socket(application, path, headers=given)
    try:
        yield opened
    finally:
        await opened.disconnect()


@contextlib.asynccontextmanager
async def in_room(consultation: Consultation, user: User, *, join: bool = True) -> AsyncIterator[Socket]:
    async with socket(f"/ws/consultations/{consultation.pk}/room/", user) as room:
        assert await room.opens()
        if join:
            await room.says("join", session=f"page-of-{user.username}"[:64].replace(".", "-"), mic=True, cam=True)
            joined = await room.hears("joined")
            assert joined["you"] == user.username
        yield room


class RelayEnd:
    """A relay as the site sees it: answers every request, keeps a room's peers, tells `room` after each change."""

    def __init__(self, link: Socket, name: str) -> None:
        self.link, self.name = link, name
        self.asked: list[dict[str, Any]] = []
        self.rooms: dict[str, dict[str, dict[str, Any]]] = {}

    async def hello(self, **fields: Any) -> None:
        rooms = {
            room: [{"peer": peer, "username": each["username"]} for peer, each in peers.items()]
            for room, peers in self.rooms.items()
        }
        told = {
            "name": self.name,
            "address": "127.0.0.1",
            "port": 10000,
            "capacity": 10,
            "version": "t",
            "rooms": rooms,
        }
        await self.link.says("hello", **{**told, **fields})

    async def load(self, **fields: Any) -> None:
        told = {"rooms": 0, "participants": 0, "load": 0.1, "packets_in": 0, "packets_out": 0, "lost": 0}
        await self.link.says("load", **{**told, **fields})

    async def answers(self, *kinds: str) -> dict[str, Any]:
        """Take requests and answer them until one of `kinds` was answered; that request."""
        while True:
            request = json.loads(await self.link.receive_from(5))
            self.asked.append(request)
            await self._answer(request)
            if not kinds or request["t"] in kinds:
                return dict(request)

    async def _answer(self, request: dict[str, Any]) -> None:
        kind, body = request["t"], {}
        peers = self.rooms.setdefault(request["room"], {}) if "room" in request else {}
        if kind == "join":
            body = {"fresh": request["peer"] not in peers, "tracks": []}
            peers[request["peer"]] = {k: request[k] for k in ("peer", "username", "mic", "cam")} | NOTHING_ELSE
        elif kind == "state":
            peers[request["peer"]] |= {k: request[k] for k in ("mic", "cam", *NOTHING_ELSE)}
        elif kind == "leave":
            peers.pop(request["peer"], None)
        elif kind in ("offer", "probe"):
            body = {"sdp": SDP}
        await self.link.send_to(text_data=json.dumps({"re": request["id"], "ok": True, **body}))
        if kind in ("join", "state", "leave"):
            await self.tells(request["room"])

    async def tells(
        self, room: str, tracks: list[dict[str, str]] | None = None, paused: dict[str, list[str]] | None = None
    ) -> None:
        peers = list(self.rooms[room].values())
        await self.link.says("room", room=room, peers=peers, tracks=tracks or [], paused=paused or {})


@contextlib.asynccontextmanager
async def relay_end(name: str = "one", **hello: Any) -> AsyncIterator[RelayEnd]:
    link = Socket(application, "/ws/relay/", headers=[(b"authorization", f"Bearer {settings.RELAY_SECRET}".encode())])
    assert await link.opens()
    relay = RelayEnd(link, name)
    await relay.hello(**hello)
    try:
        yield relay
    finally:
        await link.disconnect()
