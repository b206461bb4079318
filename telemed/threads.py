"""Where requests run: threads that stay, each with its database connection.

Django's own handler makes a thread for each request, and with it a connection, whose opening costs more than most
questions do; and it changes threads for every middleware. Here a request borrows one of the threads that wait, or a
new one when none does, and everything but the outermost middleware runs in it at one go.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import AsyncToSync, ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections

WAITING = 8
"""Threads kept for the next request; more may be at work."""


class Threads:
    """Borrowed one at a time, latest used first. What they keep open ends with them."""

    def __init__(self, waiting: int = WAITING) -> None:
        self.idle: list[ThreadPoolExecutor] = []
        self._waiting = waiting

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[None]:
        """Thread-sensitive work of this block runs in one thread, which nobody else uses meanwhile."""
        thread = self.idle.pop() if self.idle else ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            thread.submit(self._give_back, thread)

    def _give_back(self, thread: ThreadPoolExecutor) -> None:
        """Runs in the thread itself: not before a view is through whose reader has left."""
        if len(self.idle) < self._waiting:
            self.idle.append(thread)
        else:
            connections.close_all()
            thread.shutdown(wait=False)


class Handler(ASGIHandler):
    """Django on such threads."""

    _middleware_chain: Callable[[Any], Awaitable[Any]]

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads()

    def load_middleware(self, is_async: bool = False) -> None:
        """As Django's, but middleware and view below the first that must be asynchronous stay in one thread."""
        super().load_middleware(is_async=False)
        chain: Any = self._middleware_chain
        self._middleware_chain = chain.awaitable if isinstance(chain, AsyncToSync) else sync_to_async(chain)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"HTTP only, not {scope['type']}")
        async with self._threads.borrowed():
            await self.handle(scope, receive, send)
