"""Figures for Prometheus over a small HTTP endpoint of this process. Knows names and numbers, no person and no room.

Text exposition format 0.0.4. Nothing is counted here: figures are read when somebody asks, so an unread endpoint costs
nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.tally import tally

log = logging.getLogger("relay.metrics")

PREFIX = "telemed_relay"
MAX_REQUEST = 8192
PATIENCE = 5.0
"""Seconds a scraper may take for its request."""

TALLIED = {
    "nacks_sent": "Packets asked again of publishers",
    "nacks_received": "Packets viewers asked for again",
    "resent": "Packets repeated to viewers",
    "lost": "Packets of publishers given up after every repeat",
    "plis_sent": "Keyframe requests to publishers",
    "plis_received": "Keyframe requests of viewers",
    "keyframes": "Keyframes that answered a request",
    "dtls_connected": "DTLS handshakes completed",
    "dtls_failed": "DTLS handshakes failed",
    "rejected": "Packets that failed authentication, were replayed or unreadable",
    "joins": "Sessions let into a room",
    "refusals": "Commands of the site refused",
}

Family = Mapping[str, tuple[float, str]]
"""Name to value and what it is."""
Figures = Callable[[], tuple[Family, Family]]
"""Gauges and counters of the node."""


class Node(Collector):
    """What the node says of itself, and the tally."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        gauges, counters = self._figures()
        for name, (value, text) in gauges.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
        for name, (value, text) in counters.items():
            yield CounterMetricFamily(f"{PREFIX}_{name}", text, value)
        for name, value in asdict(tally).items():
            yield CounterMetricFamily(f"{PREFIX}_{name}", TALLIED[name], value)


@asynccontextmanager
async def served(bind: str, port: int, figures: Figures) -> AsyncIterator[int]:
    """Answers GET /metrics on `bind`:`port` (0: any free one); the port. Raises OSError when it is taken."""
    registry = CollectorRegistry()
    registry.register(Node(figures))
    ProcessCollector(PREFIX, registry=registry)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head, registry))
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            log.debug("metrics: request broken off")
        finally:
            writer.close()

    server = await asyncio.start_server(answer, bind, port, limit=MAX_REQUEST)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


def _response(head: bytes, registry: CollectorRegistry) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    status, body = b"200 OK", b""
    if path != b"/metrics":
        status = b"404 Not Found"
    elif method not in (b"GET", b"HEAD"):
        status = b"405 Method Not Allowed"
    else:
        body = generate_latest(registry)
    headers = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    answer = headers % (status, CONTENT_TYPE_LATEST.encode(), len(body))
    return answer if method == b"HEAD" else answer + body
