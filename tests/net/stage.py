"""Two Chromium pages and a stock aiortc client around one relay process, each with a network of its own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from playwright.sync_api import Browser

from relay.bench.process import RelayProcess, running_relay
from relay.bench.site import SiteEnd, site_end
from tests.net.line import CLEAR, Line
from tests.net.proxy import Proxy, proxy
from tests.relay.browser import Background, BrowserStage, Guest, chromium, served_page
from tests.relay.clients import Client

SECRET = "laboratory-secret"


class Complaints(logging.Handler):
    """Counts what aiortc's decoders could not decode."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "failed to decode" in record.getMessage()


class Laboratory(BrowserStage):
    """The stage with networks. `seed` decides every loss."""

    def __init__(
        self,
        background: Background,
        stack: contextlib.AsyncExitStack,
        site: SiteEnd,
        relay: RelayProcess,
        browser: Browser,
        url: str,
    ) -> None:
        super().__init__(background, site, relay, browser, url)
        self._stack = stack
        self.seed = 1

    def network(self, up: Line = CLEAR, down: Line = CLEAR) -> Proxy:
        """A person's line to this relay."""

        async def make() -> Proxy:
            return await self._stack.enter_async_context(proxy(("127.0.0.1", self.relay.port), up, down, self.seed))

        self.seed += 2
        return self.background.run(make())

    def change(self, network: Proxy, up: Line | None = None, down: Line | None = None) -> None:
        """Changes a line while it is in use."""

        async def act() -> None:
            network.use(up, down)

        self.background.run(act())

    def move(self, network: Proxy) -> None:
        """Its people get another address."""

        async def act() -> None:
            network.move_clients()

        self.background.run(act())

    def person(self, room: str, peer: str) -> Guest:
        """A page with a network of its own that has joined."""
        guest = self.guest(room, peer, self.network())
        guest.join()
        return guest

    def client(self, room: str, peer: str) -> Client:
        """A stock aiortc client with a network of its own; it has not joined."""
        network = self.network()

        async def make() -> Client:
            return Client(self.site, room, peer, network)

        return self.background.run(make())


@contextlib.contextmanager
def laboratory(**env: str) -> Iterator[Laboratory]:
    """Relay, site's end and Chromium; `env` is for the relay."""
    background = Background()
    stack = contextlib.AsyncExitStack()
    try:
        site, port = background.run(stack.enter_async_context(site_end(SECRET)))
        relay = background.run(stack.enter_async_context(running_relay(port, SECRET, **env)))
        background.run(site.connected())
        with chromium() as browser, served_page() as url:
            yield Laboratory(background, stack, site, relay, browser, url)
    finally:
        background.run(stack.aclose())
        background.stop()
