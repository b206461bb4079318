"""Requests whose body is read while it arrives: which they are, and Django's handler that reads them so.

Django keeps a whole body before it asks who sent it. For the few addresses of `is_streamed` the view, and everything
that judges before it, runs as soon as the headers are there; `request.read()` fetches what has arrived.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from telemed import threads

Receive = Callable[[], Awaitable[dict[str, Any]]]

ADDRESS = re.compile(r"/dicomweb/[0-9]+/studies(/[0-9.]+)?/?")


def is_streamed(method: str, path: str) -> bool:
    """Storing over DICOMweb (PS3.18 section 10.5): a body as large as a study."""
    return method == "POST" and ADDRESS.fullmatch(path) is not None


class Incoming:
    """The body as a file for the view's thread, and what is left of `receive` for the handler."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._held = b""
        self._is_whole = False
        self.whole = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        return await self._receive()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, b"" at the end; waits in the calling thread. OSError when the sender has left."""
        while not self._held and not self._is_whole:
            asyncio.run_coroutine_threadsafe(self._fetch(), self._loop).result()
        if size < 0:
            raise ValueError("a streamed body is read in pieces")
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    async def _fetch(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the sender left")
        self._held = message.get("body", b"")
        self._is_whole = not message.get("more_body", False)
        if self._is_whole:
            self.whole.set()

    def close(self) -> None:
        """Nothing is kept."""


class Handler(threads.Handler):
    """Django, but for the moment at which it begins."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        if is_streamed(scope["method"], scope["path"]):
            receive = Incoming(receive)
        await super().handle(scope, receive, send)

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, Incoming) else await super().read_body(receive)

    async def listen_for_disconnect(self, receive: Any) -> None:
        """Whoever reads the body is told of its sender's leaving; only then is it listened for here."""
        if isinstance(receive, Incoming):
            await receive.whole.wait()
        await super().listen_for_disconnect(receive)
