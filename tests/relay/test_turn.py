"""Calls that may use nothing but the TURN server: a real coturn with the deployed configuration, a real Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator

import pytest
from aioice import stun, turn

from relay.bench.process import running_relay
from relay.bench.site import site_end
from tests.platform.turn import Turn, coturn, credentials
from tests.relay.browser import Background, BrowserStage, chromium, served_page, until
from tests.relay.conftest import SECRET

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Turn]:
    with coturn() as running:
        yield running


async def reach(server: Turn, way: str, seconds: int, peer: str = "127.0.0.1") -> None:
    """Allocates an address and sends a datagram to `peer` through it. Raises stun.TransactionFailed."""
    username, password = credentials(seconds)
    context = None
    if way == "tls":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        ("127.0.0.1", server.tls_port if way == "tls" else server.port),
        username,
        password,
        transport="udp" if way == "udp" else "tcp",
        ssl=context,
    )
    try:
        await transport._TurnTransport__inner_protocol.send_data(b"x", (peer, 9))  # type: ignore[attr-defined]
    finally:
        transport.close()


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_the_server_lets_in_who_has_a_pass_and_nobody_whose_pass_expired(server: Turn, way: str) -> None:
    await reach(server, way, 60)
    with pytest.raises(stun.TransactionFailed, match="401"):
        await reach(server, way, -1)


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.2", "8.8.8.8"])
async def test_nobody_but_a_relay_is_reached_through_the_server(server: Turn, peer: str) -> None:
    with pytest.raises(stun.TransactionFailed, match="403"):
        await reach(server, "udp", 60, peer)


@pytest.fixture(scope="module")
def stage() -> Iterator[BrowserStage]:
    background = Background()
    stack = contextlib.AsyncExitStack()
    try:
        site, port = background.run(stack.enter_async_context(site_end(SECRET)))
        relay = background.run(stack.enter_async_context(running_relay(port, SECRET)))
        background.run(site.connected())
        with chromium("--ignore-certificate-errors") as browser, served_page() as url:
            yield BrowserStage(background, site, relay, browser, url)
    finally:
        background.run(stack.aclose())
        background.stop()


def only_by(server: Turn, way: str, seconds: int = 60) -> dict[str, object]:
    username, password = credentials(seconds)
    servers = [{"urls": server.urls[way], "username": username, "credential": password}]
    return {"iceServers": servers, "iceTransportPolicy": "relay", "bundlePolicy": "max-bundle"}


@pytest.mark.browser
@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_a_relay_only_call_through_coturn(stage: BrowserStage, server: Turn, way: str) -> None:
    room = f"turn-{way}"
    ann = stage.guest(room, "ann")
    ann.page.evaluate("given => Object.assign(configuration, given)", only_by(server, way))
    ben = stage.guest(room, "ben")
    for guest in (ann, ben):
        guest.join()
        guest.publish()
    for guest in (ann, ben):
        guest.subscribe(stage.tracks(room, 4, besides=guest.peer))
    for guest in (ann, ben):
        until(lambda guest=guest: len(guest.frames()) == 1 and guest.frames()[0] > 10)
        until(lambda guest=guest: len(guest.energy()) == 1 and guest.energy()[0] > 0)
    for name in ("pub", "sub"):
        local = ann.page.evaluate("name => localCandidate(name)", name)
        assert (local["candidateType"], local["relayProtocol"]) == ("relay", way)
    for guest in (ann, ben):
        guest.page.context.close()


@pytest.mark.browser
def test_a_browser_with_expired_credentials_gets_no_way(stage: BrowserStage, server: Turn) -> None:
    ann = stage.guest("expired", "ann")
    ann.page.evaluate("given => Object.assign(configuration, given)", only_by(server, "udp", -1))
    ann.join()
    ann.publish()
    until(lambda: ann.page.evaluate("errors.pub?.some((code) => code === 401 || code === 701)"))
    assert ann.page.evaluate("localCandidate('pub')") is None
    ann.page.context.close()
