"""Daphne with what it lacks: limits before buffering, back-pressure, deadlines for slow clients, a quiet end.

Plain Daphne keeps a whole request and a whole answer in memory (django/daphne#483). Every private hook of Daphne,
Twisted and autobahn used here has a contract test in tests/platform/test_hooks.py.
"""

import asyncio
import io
import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from daphne import http_protocol, server  # first: installs the asyncio reactor
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor
from twisted.internet.interfaces import IPushProducer
from twisted.protocols.basic import LineReceiver
from twisted.web import http
from zope.interface import implementer

log = logging.getLogger("telemed.launcher")

MAX_BODY = 8 * 1024 * 1024
MAX_SOCKET_MESSAGE = 64 * 1024
HEADER_SECONDS = 20  # from the connection, or the last answer, to the end of the headers
BODY_GRACE_SECONDS = 20
BODY_BYTES_PER_SECOND = 4096  # a body slower than this after the grace is given up
STALL_SECONDS = 120  # a reader that takes nothing for so long is dropped
REFUSED_SECONDS = 30  # how long the rest of a refused body is read and thrown away
SOCKET_STALL_SECONDS = 10
DRAIN_SECONDS = 10
PROXY_HEADERS = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-real-ip",
)
TOO_LARGE = b"The request is larger than 8 MiB.\n"


@implementer(IPushProducer)
class Gate:
    """Open while the transport takes more bytes; the application waits at it after every part."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.closed_at = 0.0

    def pauseProducing(self) -> None:
        if self._open.is_set():
            self.closed_at = time.monotonic()
        self._open.clear()

    def resumeProducing(self) -> None:
        self.closed_at = 0.0
        self._open.set()

    def stopProducing(self) -> None:
        self.resumeProducing()

    async def passed(self) -> None:
        await self._open.wait()

    def shut_for(self) -> float:
        """Seconds since the transport took its last byte, 0 while it takes them."""
        return time.monotonic() - self.closed_at if self.closed_at else 0.0


class Channel(http.HTTPChannel):
    """One connection. The time-out runs over the whole of the headers: a dripped byte does not renew it."""

    def dataReceived(self, data: bytes) -> None:
        if not self.line_mode:
            self.resetTimeout()
        LineReceiver.dataReceived(self, data)


class Request(http_protocol.WebRequest):
    """A request that is refused as soon as it is known to be too large, and an answer that waits for its reader."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django reads forms; Twisted would read them once more, whole.
        super().__init__(*args, **kwargs, parsePOSTFormSubmission=False)
        self.began = time.monotonic()
        self.received = 0
        self.refused_at = 0.0
        self.gate = Gate()

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > MAX_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if not self.refused_at and self.received > MAX_BODY:
            self._refuse()
        if not self.refused_at:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        """Answer 413 now; what still comes is thrown away, so that the client reads the answer and not a reset."""
        self.refused_at = time.monotonic()
        self.content.close()
        self.content: Any = io.BytesIO()
        self.requestHeaders.removeHeader(b"expect")
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(TOO_LARGE), TOO_LARGE)
        )

    def process(self) -> Any:
        if self.refused_at:
            self.channel.loseConnection()
            return None
        self.requestHeaders.removeHeader(b"daphne-root-path")
        if not self.server.behind_proxy:
            for name in PROXY_HEADERS:
                self.requestHeaders.removeHeader(name)
        channel = self.channel
        processed = super().process()
        upgraded = getattr(channel.transport, "protocol", None)
        if isinstance(upgraded, Socket):
            upgraded.gate = self.gate
            channel.setTimeout(None)
            channel.registerProducer(self.gate, True)
        return processed

    def wait_for_reader(self) -> None:
        """Let the transport close and open the gate of this answer."""
        if self.channel is not None and self.producer is None:
            self.registerProducer(self.gate, True)
            if self.channel._waitingForTransport:
                self.gate.pauseProducing()

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self.gate.stopProducing()
        super().connectionLost(reason)

    def check_timeouts(self) -> None:
        if self.channel is None:
            return
        age = time.monotonic() - self.began
        if self.refused_at:
            late = time.monotonic() - self.refused_at > REFUSED_SECONDS
        elif hasattr(self, "request_start"):  # complete: being answered
            late = self.gate.shut_for() > STALL_SECONDS
        else:
            late = self.received < (age - BODY_GRACE_SECONDS) * BODY_BYTES_PER_SECOND
        if late:
            self.channel.forceAbortClient()
        else:
            super().check_timeouts()


class Socket(WebSocketProtocol):
    """A WebSocket that may be closed with every code of RFC 6455: autobahn keeps 1008 and 1012 to itself."""

    gate: Gate | None = None

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)


class Factory(http_protocol.HTTPFactory):
    """Makes our channels and requests."""

    protocol = Channel

    def __init__(self, owner: "Server") -> None:
        super().__init__(owner)
        self.timeOut = HEADER_SECONDS

    def buildProtocol(self, addr: Any) -> Any:
        channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel


class Server(server.Server):
    """Daphne's server with our requests, back-pressure on every answer and an end that fails nobody."""

    def __init__(self, application: Any, *, behind_proxy: bool = False, **options: Any) -> None:
        super().__init__(
            application,
            signal_handlers=False,
            websocket_max_message_size=MAX_SOCKET_MESSAGE,
            websocket_max_frame_size=MAX_SOCKET_MESSAGE,
            server_name="",
            **options,
        )
        self.behind_proxy = behind_proxy
        self.draining = False
        self.ports: list[Any] = []

    def run(self) -> None:
        # Daphne makes its factory by this module-wide name.
        server.HTTPFactory = Factory
        reactor.callWhenRunning(self._set_up)
        super().run()

    def _set_up(self) -> None:
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(failByDrop=False)  # who sends too much is told 1009
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "http.response.start" and isinstance(protocol, Request):
            if self.draining and protocol.channel is not None:
                protocol.channel.persistent = 0
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            protocol.wait_for_reader()
        await super().handle_reply(protocol, message)
        if kind == "http.response.body" and message.get("more_body"):
            await protocol.gate.passed()
        elif kind == "websocket.send":
            await self._pass_or_drop(protocol)

    async def _pass_or_drop(self, protocol: Any) -> None:
        """A socket whose reader takes nothing is closed: its client comes back and catches up from the rows."""
        if protocol.gate is None:
            return
        try:
            async with asyncio.timeout(SOCKET_STALL_SECONDS):
                await protocol.gate.passed()
        except TimeoutError:
            log.warning("socket dropped: its reader took nothing for %s s", SOCKET_STALL_SECONDS)
            protocol.transport.abortConnection()

    def kill_all_applications(self) -> Any:
        # Daphne's own fails on a request whose body is still coming: it has no application yet.
        running = [
            entry["application_instance"]
            for entry in self.connections.values()
            if "application_instance" in entry and not entry["application_instance"].done()
        ]
        for task in running:
            task.cancel()
        return defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))

    def drain(self) -> None:
        """Accept nobody new, finish what runs, close the sockets with 1012 (restart). A second call ends at once."""
        if self.draining:
            self._end()
            return
        self.draining = True
        for port in self.ports:
            port.stopListening()
        for protocol in list(self.connections):
            if isinstance(protocol, Socket) and protocol.state == protocol.STATE_OPEN:
                protocol.serverClose(code=1012)
        self._drained(time.monotonic() + DRAIN_SECONDS)

    def _drained(self, deadline: float) -> None:
        busy = [
            protocol
            for protocol, entry in self.connections.items()
            if not entry.get("disconnected") and not getattr(protocol, "refused_at", 0)
        ]
        if time.monotonic() > deadline or not busy:
            self._end()
        else:
            reactor.callLater(0.1, lambda: self._drained(deadline))  # type: ignore[call-arg, arg-type]

    def _end(self) -> None:
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[misc]


def run(
    application: Any,
    *,
    endpoint: str,
    behind_proxy: bool = False,
    ready: Callable[[], None] | None = None,
) -> int:
    """Serve `application` at a Twisted `endpoint` until SIGTERM; the exit code is 1 when it could not listen."""
    site = Server(application, behind_proxy=behind_proxy, endpoints=[endpoint], ready_callable=ready)
    site.run()
    return 0 if site.ports else 1
