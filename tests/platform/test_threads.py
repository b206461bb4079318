"""Requests run in threads that stay: one a request, none shared, none given back too early."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.templatetags.static import static
from django.urls import path

from telemed.threads import Handler, Threads
from tests.platform.site import wait_until

pytestmark = pytest.mark.small
seen: list[tuple[str, int]] = []


def looking(request: HttpRequest) -> HttpResponse:
    seen.append(("view", threading.get_ident()))
    return HttpResponse("here")


def middleware(get_response: Any) -> Any:
    def look(request: HttpRequest) -> HttpResponse:
        seen.append(("middleware", threading.get_ident()))
        return HttpResponse("") if request.path == "/none/" else get_response(request)

    return look


ended: list[bool] = []


async def on_and_on() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"on and on"
            await asyncio.sleep(0.01)
    finally:
        ended.append(True)


def endless(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(on_and_on())


urlpatterns = [path("look/", looking), path("endless/", endless)]
HERE = "tests.platform.test_threads"


async def asked(handler: Handler, at: str = "/look/") -> bytes:
    scope = {"type": "http", "method": "GET", "path": at, "query_string": b"", "headers": [], "http_version": "1.1"}
    reader = ApplicationCommunicator(handler, scope)
    await reader.send_input({"type": "http.request", "body": b""})
    start, body = await reader.receive_output(), await reader.receive_output()
    await reader.wait()
    assert start["status"] == 200
    return bytes(body["body"])


async def test_one_thread_runs_middleware_and_view_and_the_next_request_too(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = HERE, [f"{HERE}.middleware"]
    handler = Handler()
    seen.clear()
    for _ in range(3):
        assert await asked(handler) == b"here"
        await settled(handler._threads, 1)
    assert [what for what, _ in seen] == ["middleware", "view"] * 3
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


@pytest.mark.django_db  # its end, like every answer's, looks after the connections of its thread
async def test_a_static_file_is_served_on_the_loop_guarded_as_every_page(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{HERE}.middleware"]
    handler, name = Handler(), static("css/base.css")
    seen.clear()
    assert b"{" in await asked(handler, name)
    assert seen == []
    assert handler._threads.idle == []
    scope = {"type": "http", "method": "GET", "path": name, "query_string": b"", "headers": [], "http_version": "1.1"}
    reader = ApplicationCommunicator(handler, scope)
    await reader.send_input({"type": "http.request", "body": b""})
    headers = dict((await reader.receive_output())["headers"])
    await reader.wait()
    assert headers[b"X-Content-Type-Options"] == b"nosniff"
    assert b"immutable" in headers[b"Cache-Control"] or b"max-age=31536000" in headers[b"Cache-Control"]


async def test_who_reads_a_stream_no_longer_ends_it(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = HERE, [f"{HERE}.middleware"]
    handler = Handler()
    scope = {"type": "http", "method": "GET", "path": "/endless/", "query_string": b"", "headers": []}
    reader = ApplicationCommunicator(handler, scope)
    await reader.send_input({"type": "http.request", "body": b""})
    assert (await reader.receive_output())["status"] == 200
    assert (await reader.receive_output())["body"] == b"on and on"
    await reader.send_input({"type": "http.disconnect"})
    await reader.wait()
    assert ended == [True]
    await settled(handler._threads, 1)


async def settled(threads: Threads, count: int) -> None:
    await asyncio.to_thread(wait_until, lambda: len(threads.idle) == count, f"{count} threads wait", 10)


async def test_those_at_work_together_share_none_and_only_some_wait_afterwards() -> None:
    threads, meeting = Threads(waiting=2), threading.Barrier(5)

    def work() -> int:
        meeting.wait(10)  # all five are in their threads now
        return threading.get_ident()

    async def one() -> int:
        async with threads.borrowed():
            return await sync_to_async(work)()

    idents = await asyncio.gather(*(one() for _ in range(5)))
    assert len(set(idents)) == 5
    await settled(threads, 2)


async def test_a_thread_still_at_work_for_who_has_left_is_nobodys() -> None:
    threads, begun, may_end = Threads(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        may_end.wait(10)

    async def leaves() -> None:
        async with threads.borrowed():
            context = SyncToAsync.thread_sensitive_context.get()
            SyncToAsync.context_to_thread_executor[context].submit(slow)

    await leaves()
    assert await asyncio.to_thread(begun.wait, 10)
    assert threads.idle == []
    may_end.set()
    await settled(threads, 1)
