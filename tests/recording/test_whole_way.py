"""A call through the real site and relay, recorded: asked, agreed, killed in the middle, stopped, played."""

import asyncio
import contextlib
import http.client
import io
import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import av
import pytest
from aiortc.mediastreams import VideoStreamTrack

from tests.live.test_call import Page, cookie_of, page, room_of
from tests.platform.site import Site, wait_until
from tests.relay.clients import Client, Tone, allow_loopback

CONSENT = """
from consult.models import Consultation, User
from consult.services import consent
from tests.cast import signature
thing = Consultation.objects.get(pk={pk})
consent.record(consultation=thing, by=thing.asker, text=consent.current("recording"), signer_name="x",
               relation="self", method="drawn", content=signature())
"""
STATE = "SELECT id, state, incomplete, seconds FROM consult_recording WHERE consultation_id = ? ORDER BY id DESC"
LOGS = "SELECT size, arrived_at IS NOT NULL FROM consult_recordinglog WHERE recording_id = ? ORDER BY id"
VIEWS = "SELECT actor FROM consult_auditentry WHERE action = 'recording.view'"


class Doctor:
    """One person: a page in the room and a signed-in browser's requests."""

    def __init__(self, site: Site, room: int, username: str, socket: Page) -> None:
        self.site, self.room, self.socket = site, room, socket
        self.cookie = cookie_of(site.url, username)
        self.client = Client(socket, str(room))  # type: ignore[arg-type]

    async def talk(self) -> None:
        await self.client.join()
        await self.client.publish((Tone(), "mic"), (VideoStreamTrack(), "camera"))

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self._send("GET", path, None, headers)

    def post(self, path: str, **form: str) -> int:
        token = re.search(r"csrftoken=([^;]+)", self.cookie)
        assert token
        headers = {"X-CSRFToken": token[1], "HX-Request": "true", "Referer": self.site.url}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self._send("POST", path, urllib.parse.urlencode(form).encode(), headers)[0]

    def _send(self, verb: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        wire = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        address = path if path.startswith("/") else f"/consultations/{self.room}/recordings/{path}"
        wire.request(verb, address, body, {"Cookie": self.cookie, **headers})
        answer = wire.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@contextlib.asynccontextmanager
async def doctor(site: Site, room: int, username: str) -> AsyncIterator[Doctor]:
    async with page(site.url, room, username) as socket:
        one = await asyncio.to_thread(Doctor, site, room, username, socket)
        await one.talk()
        yield one
        await one.client.close()


def rows(site: Site, question: str, *values: int) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"file:{site.data_dir}/telemed.sqlite3?mode=ro", uri=True)) as database:
        return database.execute(question, values).fetchall()


def logs(site: Site, number: int) -> list[tuple[int, bool]]:
    """Bytes of each log that are at the site, and whether that is all of it."""
    return [(size, bool(arrived)) for size, arrived in rows(site, LOGS, number)]


async def until(question: Any, what: str, seconds: float = 60) -> Any:
    return await asyncio.to_thread(wait_until, question, what, seconds)


def whole(one: Doctor, address: str) -> bytes:
    """A film as a browser fetches it: range after range."""
    content, size = b"", 1
    while len(content) < size:
        status, headers, part = one.get(address, Range=f"bytes={len(content)}-")
        assert status == 206
        size = int(headers["Content-Range"].rsplit("/", 1)[1])
        content += part
    return content


def decoded(film: bytes, kind: str) -> int:
    with av.open(io.BytesIO(film)) as container:
        return sum(1 for _ in container.decode(**{kind: 0}))


@pytest.mark.slow
@pytest.mark.small
@pytest.mark.lab
async def test_a_call_is_recorded_and_survives_the_death_of_its_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_loopback(monkeypatch)
    with Site() as site:
        room = room_of(site)
        site.python(CONSENT.format(pk=room))
        async with doctor(site, room, "doctor.nitun") as one, doctor(site, room, "expert.provincial") as two:
            assert await asyncio.to_thread(one.post, "ask/") == 200
            [(number, state, _, _)] = rows(site, STATE, room)
            assert state == "ASKED"
            assert not list(site.data_dir.glob("relay/*.log"))  # not a byte before everybody agreed
            assert await asyncio.to_thread(two.post, f"{number}/answer/", agrees="yes") == 200
            strip = lambda: b'data-recording="running"' in two.get("room/")[2]  # noqa: E731
            await until(strip, "the strip says so")
            await until(lambda: sum(size for size, _ in logs(site, number)) > 60_000, "media arrive at the site")
            site.kill9("relay")
            await until(lambda: logs(site, number)[0][1], "the rest of the log arrives")
            assert await asyncio.to_thread(one.post, f"{number}/stop/") == 200
        await until(lambda: rows(site, STATE, room)[0][1] == "READY", "the films are cut")
        _, _, incomplete, seconds = rows(site, STATE, room)[0]
        assert incomplete
        assert seconds > 1
        await asyncio.to_thread(check_playing, site, one, two, number, seconds)


def check_playing(site: Site, one: Doctor, two: Doctor, number: int, seconds: float) -> None:
    status, _, html = one.get(f"{number}/")
    assert status == 200
    assert rows(site, VIEWS) == [("doctor.nitun",)]
    films = [each.replace("&amp;", "&") for each in re.findall(r'src="([^"]+view=[^"]+)"', html.decode())]
    assert len(films) == 2
    for address in films:
        film = whole(one, address)
        assert decoded(film, "video") > 10 * (seconds - 1.5)
        assert decoded(film, "audio") > 30 * (seconds - 1.5)
        assert one.get(address.split("?")[0])[0] == 403  # not from an opened page
        assert two.get(address)[0] == 403  # nor from somebody else's
