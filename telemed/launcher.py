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
from contextvars import Context
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
STREAM_MOST, STREAM_LEAST = 1024 * 1024, 256 * 1024  # bytes of a streamed body that wait for the application
DRAIN_SECONDS = 10
PROXY_HEADERS = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-real-ip",
)
Streamed = Callable[[str, str], bool]
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


class Inflow:
    """What of a streamed body waits for the application: the connection is not read while that is too much."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.waiting = 0
        self.is_whole = False
        self._shut_at = 0.0
        self._was_shut = 0.0

    def came(self, size: int) -> None:
        self.waiting += size
        if self.waiting > STREAM_MOST and not self._shut_at:
            self._shut_at = time.monotonic()
            self.connection.pauseProducing()

    def took(self, size: int) -> None:
        self.waiting -= size
        if self._shut_at and self.waiting <= STREAM_LEAST:
            self._was_shut = self.shut_for()
            self._shut_at = 0.0
            self.connection.resumeProducing()

    def shut_for(self) -> float:
        """Seconds in all that the sender was kept waiting."""
        return self._was_shut + (time.monotonic() - self._shut_at if self._shut_at else 0.0)


class Channel(http.HTTPChannel):
    """One connection. The time-out runs over the whole of the headers: a dripped byte does not renew it."""

    def dataReceived(self, data: bytes) -> None:
        if not self.line_mode:
            self.resetTimeout()
        LineReceiver.dataReceived(self, data)


class Request(http_protocol.WebRequest):
    """A request that is refused as soon as it is known to be too large, and an answer that waits for its reader."""

    content: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django reads forms; Twisted would read them once more, whole.
        super().__init__(*args, **kwargs, parsePOSTFormSubmission=False)
        self.began = time.monotonic()
        self.received = 0
        self.refused_at = 0.0
        self.gate = Gate()
        self.inflow: Inflow | None = None

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        method, uri = self.channel._command.decode("latin1"), self.channel._path.decode("latin1")
        upgrades = self.requestHeaders.hasHeader(b"upgrade")
        if not upgrades and self.server.is_streamed(method, uri.split("?", 1)[0]):
            self._begin()
        elif length is not None and length > MAX_BODY:
            self._refuse()

    def _begin(self) -> None:
        """Start the application before the body: it judges the headers, then takes the body as it arrives."""
        self.method, self.uri, self.clientproto = self.channel._command, self.channel._path, self.channel._version
        self.path = self.uri.split(b"?", 1)[0]
        self.content.close()
        self.content = io.BytesIO()
        self.channel.setTimeout(None)  # check_timeouts knows when it is the application that waits
        self.inflow = Inflow(self.channel._networkProducer)
        self.process()
        if self.application_queue:
            self.application_queue.get_nowait()  # the end of an empty body, which Daphne put there

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.inflow is None and not self.refused_at and self.received > MAX_BODY:
            self._refuse()
        if self.refused_at:
            return
        if self.inflow is None:
            super().handleContentChunk(data)
        elif self.application_queue:
            self.inflow.came(len(data))
            self.application_queue.put_nowait({"type": "http.request", "body": data, "more_body": True})

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.inflow is None:
            super().requestReceived(command, path, version)
        elif self.refused_at:
            self.channel.loseConnection()
        elif self.application_queue:
            self.inflow.is_whole = True
            self.channel._savedTimeOut = HEADER_SECONDS
            self.application_queue.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def _refuse(self) -> None:
        """Answer 413 now; what still comes is thrown away, so that the client reads the answer and not a reset."""
        self.refused_at = time.monotonic()
        self.content.close()
        self.content = io.BytesIO()
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
        if self.inflow is not None and not self.inflow.is_whole:
            self.refused_at = time.monotonic()  # answered: what still comes is thrown away, as in _refuse
            self.inflow.took(self.inflow.waiting)
        else:
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
        elif self.inflow is not None and not self.inflow.is_whole:
            late = self.received < (age - self.inflow.shut_for() - BODY_GRACE_SECONDS) * BODY_BYTES_PER_SECOND
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

    def __init__(
        self, application: Any, *, behind_proxy: bool = False, is_streamed: Streamed | None = None, **options: Any
    ) -> None:
        super().__init__(
            self._run,
            signal_handlers=False,
            websocket_max_message_size=MAX_SOCKET_MESSAGE,
            websocket_max_frame_size=MAX_SOCKET_MESSAGE,
            server_name="",
            **options,
        )
        self.inner = application
        self.behind_proxy = behind_proxy
        self.is_streamed = is_streamed or (lambda method, path: False)
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

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """In a context of its own: a connection that was resumed by one request hands its context to the next."""
        scope = {**scope, "inflow": getattr(protocol, "inflow", None)}
        return Context().run(super().create_application, protocol, scope)

    async def _run(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The application; what it takes of a streamed body makes room for more."""
        inflow: Inflow | None = scope.pop("inflow")

        async def take() -> dict[str, Any]:
            message: dict[str, Any] = await receive()
            if inflow is not None:
                inflow.took(len(message.get("body", b"")))
            return message

        await self.inner(scope, take, send)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "http.response.start" and isinstance(protocol, Request):
            is_early = protocol.inflow is not None and not protocol.inflow.is_whole
            if (self.draining or is_early) and protocol.channel is not None:
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
    is_streamed: Streamed | None = None,
) -> int:
    """Serve `application` at a Twisted `endpoint` until SIGTERM; the exit code is 1 when it could not listen.

    `is_streamed(method, path)` names requests whose body the application takes while it arrives, without our limit.
    """
    site = Server(
        application, behind_proxy=behind_proxy, is_streamed=is_streamed, endpoints=[endpoint], ready_callable=ready
    )
    site.run()
    return 0 if site.ports else 1
