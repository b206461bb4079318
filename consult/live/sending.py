"""The bounded queue between a consumer and its socket. This module is the one that drops."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

LIMIT = 256


class Sender:
    """Sends in order, never lets its consumer wait.

    A message with a `key` (pointer, view, typing, quality) replaces a waiting one of the same key: the older is
    dropped. When LIMIT messages still wait, the reader is too slow: `full` is called once, and the socket is closed by
    its owner; it comes back and reads everything anew.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]], full: Callable[[], None]) -> None:
        self._send, self._full = send, full
        self._waiting: OrderedDict[object, str] = OrderedDict()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._closed = False

    def put(self, text: str, key: object = None) -> None:
        if self._closed:
            return
        name = object() if key is None else key
        if key is not None:
            self._waiting.pop(key, None)
        elif len(self._waiting) >= LIMIT:
            self._closed = True
            self._full()
            return
        self._waiting[name] = text
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            while self._waiting:
                _, text = self._waiting.popitem(last=False)
                await self._send(text)
            self._wake.clear()

    async def drain(self) -> None:
        """Send what waits, then stop: the last words before a close."""
        await self.stop()
        while self._waiting:
            _, text = self._waiting.popitem(last=False)
            await self._send(text)

    async def stop(self) -> None:
        self._closed = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
