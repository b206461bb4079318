"""Where requests run: threads that stay, each with its database connection.

Django's own handler makes a thread for each request, and with it a connection, whose opening costs more than most
questions do; and it changes threads for every middleware, for its signals and for the answer's end. Here a request
borrows one of the threads that wait, or a new one when none does, and all of it runs there at one go.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import set_script_prefix
from servestatic.middleware import ServeStaticMiddleware

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


async def _missing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404)


class Handler(ASGIHandler):
    """Django on such threads: what an ordinary request needs of them is one visit, from its start to its answer."""

    chunk_size = 1024 * 1024
    """Of a body that is there whole: each part costs a turn of the loop, and Daphne keeps the body anyway."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads()
        self._static = ServeStaticMiddleware(_missing)
        self._guarded: Any = SecurityMiddleware(self._static)

    def load_middleware(self, is_async: bool = False) -> None:
        """Middleware and view are asked in the thread."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"HTTP only, not {scope['type']}")
        if scope["path"] in self._static.files:
            await self._serve(scope, receive, send)
            return
        async with self._threads.borrowed():
            await self.handle(scope, receive, send)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """A static file, on the loop: neither session nor database is asked for it."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        request, refused = self.create_request(scope, body)
        response: Any = refused if request is None else await self._guarded(request)
        await self._stream(response, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            response = await sync_to_async(self._answered)(scope, body)
            await (self._stream(response, receive, send) if response.streaming else self.send_response(response, send))
        finally:
            body.close()

    def _answered(self, scope: Any, body: Any) -> HttpResponseBase:
        """The answer; one that is there whole is through with its request."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        response: Any = refused if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if not response.streaming:
            response.close()
        return response

    async def _stream(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        """Until all is sent, or its reader has left."""
        sending = asyncio.ensure_future(self.send_response(response, send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await sync_to_async(response.close)()
        if not sending.cancelled() and (error := sending.exception()):
            raise error
