"""A relay in a process of its own, the site's end of its link, and stock aiortc clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from relay.bench.process import RelayProcess, running_relay
from relay.bench.site import SiteEnd, site_end
from tests.relay.clients import allow_loopback

SECRET = "relay-tests-secret"


@dataclass
class Stage:
    """One relay and the site it has dialled."""

    site: SiteEnd
    relay: RelayProcess
    port: int


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_loopback(monkeypatch)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    async with site_end(SECRET) as (site, site_port), running_relay(site_port, SECRET) as relay:
        hello = await site.connected()
        yield Stage(site, relay, hello["port"])
        await asyncio.sleep(0)
