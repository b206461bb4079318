"""The socket on which relays bring their logs: who gets in, what is taken, what a full disk and nonsense are told."""

import contextlib
import os
import resource
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection

from consult.models import Recording, RecordingLog
from consult.services import recording, recording_keys
from tests import cast as walk
from tests.cast import Cast
from tests.live.conftest import ORIGIN, Socket, _quiet_layer, socket  # noqa: F401 - a fixture
from tests.recording import scene

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/ws/relay/recordings/"
HEAD = struct.Struct("!32sQ")
UNKNOWN = "f" * 32


def secret(value: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {value}".encode()


@contextlib.asynccontextmanager
async def door(*headers: tuple[bytes, bytes]) -> AsyncIterator[Socket]:
    given = headers or (secret(settings.RELAY_SECRET),)
    async with socket(PATH, None, (b"host", b"testserver"), *given) as opened:
        yield opened


@database_sync_to_async
def begun(cast: Cast) -> str:
    """A running recording's log, ordered."""
    scene.running(cast, walk.in_session(cast))
    return scene.orders()[0].log


async def piece(link: Socket, name: str, offset: int, content: bytes) -> dict[str, Any]:
    await link.send_to(bytes_data=HEAD.pack(name.encode(), offset) + content)
    return await link.hears()


def wrong_doors() -> list[list[tuple[bytes, bytes]]]:
    right = settings.RELAY_SECRET
    return [
        [(b"user-agent", b"x")],
        [secret("")],
        [secret(right[:-1])],
        [secret(f"{right}x")],
        [(b"authorization", right.encode())],
        [secret(right), (b"origin", ORIGIN)],
    ]


async def test_without_the_secret_or_from_a_page_nobody_gets_in(live_cast: Cast) -> None:
    codes = []
    for headers in wrong_doors():
        async with door(*headers) as link:
            codes.append(0 if await link.opens() else link.code)
    assert codes == [4401] * len(codes)
    async with door() as link:
        assert await link.opens()


async def test_a_log_is_taken_piece_by_piece_from_where_it_ended(live_cast: Cast) -> None:
    name = await begun(live_cast)
    async with door() as link:
        assert await link.opens()
        await link.says("have", log=name, size=10, whole=False)
        assert await link.hears() == {"t": "at", "log": name, "offset": 0}
        assert (await piece(link, name, 0, b"12345"))["offset"] == 5
        assert (await piece(link, name, 0, b"again"))["offset"] == 5  # it is there already
        assert (await piece(link, name, 9, b"beyond"))["offset"] == 5
    async with door() as link:  # the relay dials again
        assert await link.opens()
        await link.says("have", log=name, size=10, whole=True)
        assert await link.hears() == {"t": "at", "log": name, "offset": 5}
        assert (await piece(link, name, 5, b"67890"))["offset"] == 10
        await link.says("have", log=name, size=10, whole=True)
        assert await link.hears() == {"t": "kept", "log": name}
    row = await RecordingLog.objects.select_related("recording").aget(name=name)
    assert (row.size, row.arrived_at is not None) == (10, True)
    path = settings.RECORDINGS_ROOT / row.recording.token.hex / f"{name}.log"
    assert path.read_bytes() == b"1234567890"


async def test_what_nobody_ordered_is_not_kept(live_cast: Cast) -> None:
    async with door() as link:
        assert await link.opens()
        await link.says("have", log=UNKNOWN, size=10, whole=False)
        assert await link.hears() == {"t": "unknown", "log": UNKNOWN}
        assert await piece(link, UNKNOWN, 0, b"x") == {"t": "unknown", "log": UNKNOWN}
    assert not settings.RECORDINGS_ROOT.exists()


@pytest.mark.parametrize(
    "message",
    [b"short", HEAD.pack(b"\xff" * 32, 0) + b"x", "{", '{"t":"have"}', '{"t":"take"}', '{"t":"have","log":"../x"}'],
)
async def test_nonsense_closes_the_link(live_cast: Cast, message: bytes | str) -> None:
    async with door() as link:
        assert await link.opens()
        await link.send_to(**{"bytes_data" if isinstance(message, bytes) else "text_data": message})  # type: ignore[arg-type]
        assert await link.ends() == 4400


async def test_a_full_disk_keeps_what_is_there_and_goes_on_when_there_is_room(live_cast: Cast) -> None:
    """The kernel refuses to write beyond 64 MiB, as a full disk does; then there is room."""
    name, content, full = await begun(live_cast), b"x" * 48_000, 64 << 20
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with door() as link:
        assert await link.opens()
        await piece(link, name, 0, content)
        [path] = settings.RECORDINGS_ROOT.glob(f"*/{name}.log")
        os.truncate(path, full - 1000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
        try:
            await link.send_to(bytes_data=HEAD.pack(name.encode(), full - 1000) + content)
            assert await link.ends() == 4507
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == full - 1000
    async with door() as link:
        assert await link.opens()
        assert (await piece(link, name, full - 1000, content))["offset"] == full + 47_000


def test_the_key_is_nowhere_but_wrapped(live_cast: Cast) -> None:
    """Neither a recording's key nor the one that wraps it is in any row."""
    row = scene.running(live_cast, walk.in_session(live_cast))
    key = recording_keys.key_of(row)
    assert len(key) == 32
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [bytes(v) if isinstance(v, memoryview) else v for line in cursor.fetchall() for v in line]
    held = [value for value in found if isinstance(value, bytes)]
    assert bytes(row.wrapped_key) in held
    wanted = (key, settings.RECORDING_KEY.encode())
    assert not [value for value in held if any(each in value for each in wanted)]
    texts = [value for value in found if isinstance(value, str)]
    assert not [value for value in texts if settings.RECORDING_KEY in value or key.hex() in value]


def test_a_class_decides_how_long_it_is_kept(live_cast: Cast) -> None:
    from django.core.management import call_command

    row = scene.running(live_cast, walk.in_session(live_cast))
    recording.stop(recording=row, by=live_cast.doctor)
    row.refresh_from_db()
    assert row.stopped_at is not None
    year = row.stopped_at.year
    assert row.delete_on is not None
    assert (row.retention, row.delete_on.year - year) == ("process", 3)
    for name, years in (("outpatient", 15), ("inpatient", 30)):
        call_command("recordings", "class", str(row.pk), name)
        row.refresh_from_db()
        assert (row.retention, row.delete_on.year - year) == (name, years)
    assert Recording.objects.filter(retention="inpatient").count() == 1
