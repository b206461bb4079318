"""What the load generator wants of a media server under test, and our relay as one."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Protocol

from relay.bench.canned import Profile
from relay.bench.party import Party, RemoteTrack
from relay.bench.process import RelayProcess, running_relay
from relay.bench.site import SiteEnd, site_end
from relay.dtls import Certificate


class Server(Protocol):
    """A running server; `pid` is the process that is measured."""

    @property
    def pid(self) -> int: ...

    def party(self, room: str, certificate: Certificate, profile: Profile) -> Party:
        """Somebody new, not connected yet."""

    async def tracks(self, room: str) -> list[RemoteTrack]:
        """What is published in `room`."""


class RelayServer:
    """Our relay, driven over its own link."""

    def __init__(self, site: SiteEnd, relay: RelayProcess) -> None:
        self._site, self._relay = site, relay

    @property
    def pid(self) -> int:
        return self._relay.pid

    def party(self, room: str, certificate: Certificate, profile: Profile) -> Party:
        return Party(self._site, room, certificate, profile)

    @property
    def is_native(self) -> bool:
        """Whether compiled code carries its packets."""
        return any("packets are carried by compiled code" in line for line in self._relay.log)

    async def tracks(self, room: str) -> list[RemoteTrack]:
        event = [e for e in self._site.events if e["t"] == "room" and e["room"] == room][-1]
        tracks: list[RemoteTrack] = event["tracks"]
        return tracks


@contextlib.asynccontextmanager
async def relay_server(parties: int, pure: bool = False) -> AsyncIterator[Server]:
    """Our relay, for rooms of `parties`; `pure`: without compiled code."""
    secret = secrets.token_hex(16)
    async with site_end(secret) as (site, site_port):
        environment = {"RELAY_ROOM_SIZE": str(max(parties, 8)), "RELAY_CAPACITY": "10000"}
        if pure:
            environment["RELAY_NATIVE"] = "0"
        async with running_relay(site_port, secret, **environment) as relay:
            await site.connected()
            yield RelayServer(site, relay)
