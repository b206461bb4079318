"""Stock aiortc clients in a call through the real site: its room socket, its relay link, its relay."""

import asyncio
import contextlib
import http.cookiejar
import json
import re
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiortc.mediastreams import VideoStreamTrack
from websockets.asyncio.client import ClientConnection, connect

from tests.cast import PASSWORD
from tests.platform.site import LargeSite, Site
from tests.relay.clients import Client, Tone, allow_loopback, eventually

ACCEPTED = """
from consult.models import Consultation
mine = Consultation.objects.filter(asker__username="doctor.nitun", expert__username="expert.provincial")
print("room", mine.filter(state="ACCEPTED").values_list("pk", flat=True)[0])
"""


def cookie_of(url: str, username: str) -> str:
    """Sign in by the login page; the Cookie header of that session."""
    jar = http.cookiejar.CookieJar()
    web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = web.open(f"{url}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    web.open(f"{url}/accounts/login/", urllib.parse.urlencode(form).encode())
    return "; ".join(f"{each.name}={each.value}" for each in jar)


class Page:
    """A page in the room, as `tests.relay.clients.Client` asks its site."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []
        self.rev = 0
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for text in self.socket:
            self.heard.append(json.loads(text))

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        wanted = {"join": "joined", "offer": "answer"}[kind]
        before = len(self.heard)
        if kind == "join":
            message = {"session": fields["peer"], "mic": fields["mic"], "cam": fields["cam"]}
        else:
            self.rev += 1
            message = {key: fields[key] for key in ("pc", "sdp", "tracks", "want") if key in fields} | {"rev": self.rev}
        await self.socket.send(json.dumps({"t": kind, **message}))
        await eventually(lambda: any(each["t"] in (wanted, "refused") for each in self.heard[before:]))
        answer = next(each for each in self.heard[before:] if each["t"] in (wanted, "refused"))
        assert answer["t"] == wanted, answer
        return answer

    def tracks(self) -> list[dict[str, str]]:
        told = [each["tracks"] for each in self.heard if each["t"] in ("tracks", "joined")]
        return list(told[-1]) if told else []


@contextlib.asynccontextmanager
async def page(url: str, number: int, username: str) -> AsyncIterator[Page]:
    cookie = await asyncio.to_thread(cookie_of, url, username)
    address = f"{url.replace('http', 'ws', 1)}/ws/consultations/{number}/room/"
    async with connect(address, origin=url, additional_headers={"Cookie": cookie}, proxy=None) as socket:  # type: ignore[arg-type]
        opened = Page(socket)
        yield opened
        opened.task.cancel()


async def talk(urls: list[str], number: int) -> None:
    """Both publish, both receive the other's moving picture and loud tone."""
    async with page(urls[0], number, "doctor.nitun") as one, page(urls[-1], number, "expert.provincial") as two:
        clients = [Client(end, str(number)) for end in (one, two)]  # type: ignore[arg-type]
        for client in clients:
            assert (await client.join())["fresh"] is True
        for client in clients:
            await client.publish((Tone(), "mic"), (VideoStreamTrack(), "camera"))
        for end, client in zip((one, two), clients, strict=True):
            await eventually(lambda end=end: len(end.tracks()) == 2)  # type: ignore[misc]
            await client.subscribe(end.tracks())
        for client in clients:
            assert sorted(each.track.kind for each in client.received.values()) == ["audio", "video"]
            for received in client.received.values():
                await received.more(5)
                if received.track.kind == "audio":
                    await eventually(lambda received=received: received.loudest > 1000)  # type: ignore[misc]
        for client in clients:
            await client.close()


def room_of(site: Site) -> int:
    found = re.search(r"room (\d+)", site.manage("shell", "-c", ACCEPTED))
    assert found
    return int(found[1])


@pytest.fixture
def small() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def large(large_servers: tuple[str, str]) -> Iterator[LargeSite]:
    with LargeSite(*large_servers) as running:
        yield running


@pytest.mark.slow
@pytest.mark.small
async def test_stock_clients_talk_through_the_site(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_loopback(monkeypatch)
    await talk([small.url], await asyncio.to_thread(room_of, small))


@pytest.mark.slow
@pytest.mark.large
async def test_stock_clients_talk_through_two_site_processes(large: LargeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page's site holds the relay's link, the second's asks it over Redis."""
    allow_loopback(monkeypatch)
    await talk(large.urls, await asyncio.to_thread(room_of, large))
