"""Pages about the installation itself: its health, and its pieces of interface while developing."""

import asyncio
import contextlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consult.services import relay
from telemed.metrics import exposition
from telemed.models import Beacon

PART_SECONDS = 2
WORKER_ALIVE = timedelta(seconds=30)

# A dead database holds a thread for as long as its own time-out: the answer does not wait for it.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="healthz")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Which parts are up. 503 when one is down; says nothing about people, needs no account and no session."""
    rows = _in_time(_rows)
    parts = {
        "database": "up" if rows is not None else "down",
        "channel_layer": "up" if _channel_layer() else "down",
        "worker": "up" if rows is not None and rows["worker"] else "down",
    }
    relays = rows["relays"] if rows is not None else []
    well = bool(relays) and set(parts.values()) == {"up"}
    answer = {"status": "ok" if well else "down", "version": settings.VERSION, **parts, "relays": relays}
    response = JsonResponse(answer, status=200 if well else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # asked every few seconds, not an error of ours
    return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """This process's figures for Prometheus: with the token, or without one from this machine. 404 for others."""
    if not _may_scrape(request):
        raise Http404
    body, kind = exposition()
    return HttpResponse(body, content_type=kind)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _rows() -> dict[str, Any]:
    now = timezone.now()
    try:
        return {
            "worker": Beacon.objects.filter(name="worker", seen_at__gte=now - WORKER_ALIVE).exists(),
            "relays": list(relay.live(now).values("name", "rooms", "participants", "load")),
        }
    finally:
        connection.close()


def _in_time(question: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """The answer, or None when it fails or takes longer than PART_SECONDS."""
    try:
        return _threads.submit(question).result(timeout=PART_SECONDS)
    except Exception:  # down is down, whatever the driver calls it
        return None


@async_to_sync
async def _channel_layer() -> bool:
    """Whether a message comes back through the channel layer."""
    layer = get_channel_layer()
    if layer is None:
        return False
    token = secrets.token_hex(8)
    try:
        async with asyncio.timeout(PART_SECONDS):
            channel = await layer.new_channel("healthz.")
            await layer.send(channel, {"type": "healthz", "token": token})
            answer = await layer.receive(channel)
            await _forget(layer, channel)
            return bool(answer["token"] == token)
    except Exception:  # down is down, whatever the driver calls it
        return False


async def _forget(layer: Any, channel: str) -> None:
    """Give the channel back: the layers know no other way than a receive that is cancelled."""
    waiting = asyncio.ensure_future(layer.receive(channel))
    await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
