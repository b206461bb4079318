"""The site's end of the relay link, as small as it can be: for the load generator and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

Message = dict[str, Any]


class RefusedByRelay(Exception):
    """The relay answered `ok: false`; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SiteEnd:
    """Accepts one relay at a time and asks it things. `events` holds what it said of itself, oldest first."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._server: Server | None = None
        self._socket: ServerConnection | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[object, asyncio.Future[Message]] = {}
        self._connected = asyncio.Event()
        self._news = asyncio.Condition()
        self.hello: Message = {}
        self.events: list[Message] = []
        self.unsolicited: list[Message] = []

    async def start(self, port: int = 0) -> int:
        """Listens on 127.0.0.1; the port."""
        self._server = await serve(self._serve, "127.0.0.1", port, max_size=1 << 20)
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Closes the link and stops listening."""
        if self._server is not None:
            self._server.close(close_connections=True)
            await self._server.wait_closed()
            self._server = None

    @property
    def is_connected(self) -> bool:
        """Whether a relay has said hello and is still there."""
        return self._connected.is_set()

    async def connected(self, within: float = 10) -> Message:
        """Waits for a relay that has said hello; the hello."""
        async with asyncio.timeout(within):
            await self._connected.wait()
        return self.hello

    async def ask(self, kind: str, **fields: Any) -> Message:
        """Sends a command and waits for its answer. Raises RefusedByRelay, TimeoutError."""
        await self.connected()
        request = next(self._ids)
        answer = self._waiting[request] = asyncio.get_running_loop().create_future()
        await self.send_raw(json.dumps({"id": request, "t": kind, **fields}))
        try:
            async with asyncio.timeout(10):
                message: Message = await answer
        finally:
            del self._waiting[request]
        if not message["ok"]:
            raise RefusedByRelay(message["code"], message["message"])
        return message

    async def send_raw(self, text: str | bytes) -> None:
        """Sends `text` as it is."""
        if self._socket is None:
            raise ConnectionError("no relay is connected")
        await self._socket.send(text)

    async def event(self, kind: str, within: float = 10, **fields: Any) -> Message:
        """Waits for an event of this kind with these fields; also one that came already."""
        async with asyncio.timeout(within), self._news:
            while True:
                for message in self.events:
                    if message["t"] == kind and all(message.get(k) == v for k, v in fields.items()):
                        return message
                await self._news.wait()

    async def _serve(self, socket: ServerConnection) -> None:
        request = socket.request
        if request is None or request.headers.get("Authorization") != f"Bearer {self._secret}":
            await socket.close(4401)
            return
        self._socket = socket
        try:
            async for text in socket:
                await self._take(json.loads(text))
        except ConnectionClosedError:
            pass  # killed, which tests do on purpose
        finally:
            if self._socket is socket:
                self._socket = None
                self._connected.clear()

    async def _take(self, message: Message) -> None:
        if "re" in message:
            waiting = self._waiting.get(message["re"])
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            else:
                self.unsolicited.append(message)
            return
        async with self._news:
            self.events.append(message)
            if message["t"] == "hello":
                self.hello = message
                self._connected.set()
            self._news.notify_all()


@contextlib.asynccontextmanager
async def site_end(secret: str) -> AsyncIterator[tuple[SiteEnd, int]]:
    """A listening SiteEnd and its port."""
    site = SiteEnd(secret)
    port = await site.start()
    try:
        yield site, port
    finally:
        await site.stop()
