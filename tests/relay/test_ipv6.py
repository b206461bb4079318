"""Both families on one port: candidates of both, one client on IPv6 and one on IPv4 in a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aioice.ice
import pytest
import pytest_asyncio

from relay.bench.process import running_relay
from relay.bench.site import site_end
from tests.relay.clients import Client, tracks_of
from tests.relay.conftest import SECRET, Stage

pytestmark = pytest.mark.slow

BOTH = "::1,127.0.0.1"


@pytest_asyncio.fixture
async def both() -> AsyncIterator[Stage]:
    async with site_end(SECRET) as (site, port), running_relay(port, SECRET, RELAY_PUBLIC_ADDRESS=BOTH) as relay:
        hello = await site.connected()
        yield Stage(site, relay, hello["port"])
        await asyncio.sleep(0)


async def test_one_over_ipv6_and_one_over_ipv4_see_and_hear_each_other(
    both: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    six, four = Client(both.site, "room"), Client(both.site, "room")
    for client, address in ((six, "::1"), (four, "127.0.0.1")):
        monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda address=address, **kwargs: [address])
        await client.join()
        await client.publish()
        candidates = [line for line in client.pub.remoteDescription.sdp.splitlines() if "candidate:" in line]
        assert {line.split()[4] for line in candidates} == {"::1", "127.0.0.1"}
    tracks = await tracks_of(both.site, "room", 4)
    for client, address in ((six, "::1"), (four, "127.0.0.1")):
        monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda address=address, **kwargs: [address])
        await client.subscribe([track for track in tracks if track["peer"] != client.peer])
    for client in (six, four):
        await asyncio.gather(*(received.more(5) for received in client.received.values()))
    for client in (six, four):
        await client.close()
