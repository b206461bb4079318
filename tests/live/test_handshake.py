"""Who gets through the door of each socket, and how those inside are put out."""

import asyncio

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client

from consult import events
from consult.models import Consultation, Role
from consult.services import consent
from telemed.asgi import application
from tests.cast import Cast, draft
from tests.live.conftest import Socket, cookie_of, in_room, relay_end, socket

pytestmark = pytest.mark.django_db(transaction=True)
HOST = (b"host", b"testserver")


async def code_at(path: str, user: object = None, *headers: tuple[bytes, bytes]) -> int:
    """0 when let in, else the close code."""
    async with socket(path, user, *headers) as door:  # type: ignore[arg-type]
        return 0 if await door.opens() else door.code


BAD_ORIGINS = [
    [HOST],
    [HOST, (b"origin", b"null")],
    [HOST, (b"origin", b"")],
    [HOST, (b"origin", b"http://evil.example")],
    [HOST, (b"origin", b"http://testserver.evil.example")],
    [HOST, (b"origin", b"http://eviltestserver")],
    [HOST, (b"origin", b"http://testserver@evil.example")],
    [HOST, (b"origin", b"http://user@testserver")],
    [HOST, (b"origin", b"http://testserver:8443")],
    [HOST, (b"origin", b"http://testserver/")],
    [HOST, (b"origin", b"file://testserver")],
    [HOST, (b"origin", b"http://testserver"), (b"origin", b"http://evil.example")],
    [(b"host", b"evil.example"), (b"origin", b"http://evil.example")],
    [(b"origin", b"http://testserver")],
]


@pytest.mark.parametrize("headers", BAD_ORIGINS)
async def test_a_foreign_page_opens_nothing(
    headers: list[tuple[bytes, bytes]], live_cast: Cast, consultation: Consultation
) -> None:
    for path in ("/ws/inbox/", f"/ws/consultations/{consultation.pk}/room/"):
        assert await code_at(path, live_cast.doctor, *headers) == 4400


async def test_any_host_does_not_mean_any_origin(settings: object, live_cast: Cast) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    evil = [HOST, (b"origin", b"http://evil.example")]
    assert await code_at("/ws/inbox/", live_cast.doctor, *evil) == 4400
    assert await code_at("/ws/inbox/", live_cast.doctor) == 0


async def test_each_person_at_each_door(live_cast: Cast, consultation: Consultation) -> None:
    room = f"/ws/consultations/{consultation.pk}/room/"
    doors = {
        "doctor": await code_at(room, live_cast.doctor),
        "colleague": await code_at(room, live_cast.colleague),
        "expert": await code_at(room, live_cast.expert),
        "outsider": await code_at(room, live_cast.outsider),
        "other expert": await code_at(room, live_cast.other_expert),
        "scheduler": await code_at(room, live_cast.scheduler),
        "regulator": await code_at(room, live_cast.regulator),
        "nobody": await code_at(room),
        "no such room": await code_at("/ws/consultations/999999/room/", live_cast.doctor),
        "no such socket": await code_at("/ws/else/", live_cast.doctor),
        "inbox": await code_at("/ws/inbox/", live_cast.outsider),
        "inbox, nobody": await code_at("/ws/inbox/"),
    }
    assert doors == {
        "doctor": 0,
        "colleague": 0,
        "expert": 0,
        "outsider": 4404,
        "other expert": 4404,
        "scheduler": 4403,
        "regulator": 4403,
        "nobody": 4401,
        "no such room": 4404,
        "no such socket": 4404,
        "inbox": 0,
        "inbox, nobody": 4401,
    }


async def test_no_call_before_it_is_accepted(live_cast: Cast) -> None:
    thing = await database_sync_to_async(draft)(live_cast)
    assert await code_at(f"/ws/consultations/{thing.pk}/room/", live_cast.doctor) == 4403


@pytest.mark.parametrize("header", [None, b"", b"Bearer ", b"Bearer wrong", b"Basic x", "Bearer é".encode()])
async def test_a_relay_needs_the_secret(header: bytes | None, live_cast: Cast) -> None:
    given = [] if header is None else [(b"authorization", header)]
    async with socket("/ws/relay/", None, *(given or [HOST])) as link:
        assert not await link.opens()


async def test_a_page_is_no_relay(live_cast: Cast) -> None:
    secret = (b"authorization", f"Bearer {settings.RELAY_SECRET}".encode())
    async with socket("/ws/relay/", live_cast.doctor, secret, (b"origin", b"http://testserver")) as link:
        assert not await link.opens()


async def test_who_signs_out_is_out_of_every_socket(live_cast: Cast, consultation: Consultation) -> None:
    cookie = await cookie_of(live_cast.doctor)
    headers = [HOST, (b"origin", b"http://testserver"), (b"cookie", cookie)]
    paths = [f"/ws/consultations/{consultation.pk}/room/", "/ws/inbox/"]
    opened = [Socket(application, path, headers=headers) for path in paths]
    for each in opened:
        assert await each.opens()

    def sign_out() -> int:
        client = Client()
        client.cookies["sessionid"] = cookie.decode().split("=")[1]
        return client.post("/accounts/logout/").status_code

    assert await database_sync_to_async(sign_out)() == 302
    assert [await each.ends() for each in opened] == [4401, 4401]
    for each in opened:
        await each.disconnect()


async def test_a_lost_role_and_a_locked_account_end_the_call(live_cast: Cast, consultation: Consultation) -> None:
    def lose_role() -> None:
        Role.objects.filter(person=live_cast.expert).update(active=False)
        events.revoke(person=live_cast.expert.pk)

    def lock() -> None:
        type(live_cast.doctor).objects.filter(pk=live_cast.doctor.pk).update(is_active=False)
        events.revoke(person=live_cast.doctor.pk)

    async with relay_end() as relay:
        asyncio_tasks = asyncio.create_task(_answer_all(relay))
        async with in_room(consultation, live_cast.expert) as there, in_room(consultation, live_cast.doctor) as here:
            await database_sync_to_async(lose_role)()
            assert await there.ends() == 4404
            await database_sync_to_async(lock)()
            assert await here.ends() == 4401
            await asyncio.sleep(0.2)
        asyncio_tasks.cancel()
        left = {each["peer"] for each in relay.asked if each["t"] == "leave"}
    assert left == {"page-of-expert-provincial", "page-of-doctor-nitun"}


async def test_withdrawn_consent_ends_the_call(live_cast: Cast, consultation: Consultation) -> None:
    def withdraw() -> None:
        consent.withdraw(consent=consultation.consents.get(), by=live_cast.doctor)

    async with in_room(consultation, live_cast.expert, join=False) as there:
        await database_sync_to_async(withdraw)()
        assert await there.ends() == 4403


async def _answer_all(relay: object) -> None:
    while True:
        await relay.answers()  # type: ignore[attr-defined]
