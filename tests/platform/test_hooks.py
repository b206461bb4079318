"""Contracts of the private hooks that telemed/launcher.py uses: a new version of a package that changes one fails
here, by name, before it fails under load."""

import inspect
from importlib.metadata import version

from autobahn.twisted.websocket import WebSocketServerProtocol
from daphne import http_protocol, server, ws_protocol
from django.core.handlers.asgi import ASGIHandler
from twisted.protocols.basic import LineReceiver
from twisted.web import http

from telemed import launcher


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def source(function: object) -> str:
    return inspect.getsource(function)  # type: ignore[arg-type]


def test_the_versions_these_contracts_were_read_from() -> None:
    assert {name: version(name) for name in ("daphne", "twisted", "autobahn")} == {
        "daphne": "4.2.3",
        "twisted": "26.10.0",
        "autobahn": "26.10.2",
    }


def test_twisted_tells_the_length_before_the_body_and_every_chunk() -> None:
    assert parameters(http.Request.gotLength) == ["self", "length"]
    assert parameters(http.Request.handleContentChunk) == ["self", "data"]
    assert "req.gotLength(self.length)" in source(http.HTTPChannel.allHeadersReceived)
    assert source(http.HTTPChannel._maybeChooseTransferDecoder).count("handleContentChunk") == 2
    assert "parsePOSTFormSubmission" in parameters(http.Request.__init__)


def test_twisted_asks_for_a_100_continue_only_with_the_header_that_a_refusal_removes() -> None:
    assert 'requestHeaders.getRawHeaders(b"Expect")' in source(http.HTTPChannel.allHeadersReceived)


def test_twisted_renews_the_deadline_in_one_place_that_the_channel_replaces() -> None:
    assert source(http.HTTPChannel).count("self.resetTimeout()") == 1
    assert "self.resetTimeout()" in source(http.HTTPChannel.dataReceived)
    assert "LineReceiver.dataReceived(self, data)" in source(http.HTTPChannel.dataReceived)
    assert LineReceiver.line_mode == 1


def test_twisted_pauses_and_resumes_the_producer_of_an_answer() -> None:
    assert "self._requestProducer.pauseProducing()" in source(http.HTTPChannel.pauseProducing)
    assert "self._requestProducer.resumeProducing()" in source(http.HTTPChannel.resumeProducing)
    assert http.HTTPChannel._waitingForTransport is False
    assert parameters(http.HTTPChannel.forceAbortClient) == ["self"]


def test_daphne_makes_its_factory_by_a_name_of_its_module_and_requests_by_the_factory() -> None:
    assert "self.http_factory = HTTPFactory(self)" in source(server.Server.run)
    assert server.HTTPFactory in {http_protocol.HTTPFactory, launcher.Factory}
    assert "protocol.requestFactory = WebRequest" in source(http_protocol.HTTPFactory.buildProtocol)


def test_daphne_passes_every_message_through_handle_reply_and_checks_every_connection() -> None:
    assert parameters(server.Server.handle_reply) == ["self", "protocol", "message"]
    assert "send=partial(self.handle_reply, protocol)" in source(server.Server.create_application)
    assert "protocol.check_timeouts()" in source(server.Server.timeout_checker)
    assert "self.kill_all_applications" in source(server.Server.run)


def test_what_a_streamed_request_stands_on() -> None:
    """Started at its headers: the first line is known, Daphne reads an empty body and puts one message."""
    received = source(http.HTTPChannel.allContentReceived)
    assert received.index("del self._command, self._path, self._version") < received.index("req.requestReceived(")
    assert "self._savedTimeOut = self.setTimeout(None)" in received
    assert "if self._savedTimeOut:" in source(http.HTTPChannel.requestDone)
    assert "self._networkProducer = interfaces.IPushProducer(" in source(http.HTTPChannel.connectionMade)
    process = source(http_protocol.WebRequest.process.__wrapped__)
    assert process.count("self.application_queue.put_nowait(payload)") == 1
    assert "more_body = not (len(chunk) < buffer_size)" in process
    assert parameters(server.Server.create_application) == ["self", "protocol", "scope"]
    assert "asyncio.ensure_future(" in source(server.Server.create_application)


def test_django_reads_the_body_and_listens_in_two_methods_that_the_handler_replaces() -> None:
    handle = source(ASGIHandler.handle)
    assert "body_file = await self.read_body(receive)" in handle
    assert "self.listen_for_disconnect(receive)" in handle


def test_daphne_registers_a_request_at_its_first_line_and_dates_it_when_complete() -> None:
    assert "self.server.protocol_connected(self)" in source(http_protocol.WebRequest.__init__)
    assert "self.request_start = time.time()" in source(http_protocol.WebRequest.process.__wrapped__)


def test_daphne_hands_an_upgraded_connection_to_a_protocol_of_the_ws_factory() -> None:
    process = source(http_protocol.WebRequest.process.__wrapped__)
    assert "self.server.ws_factory.buildProtocol" in process
    assert "transport.protocol = protocol" in process
    assert parameters(ws_protocol.WebSocketProtocol.serverClose) == ["self", "code"]


def test_autobahn_refuses_the_codes_that_the_socket_sends_by_the_frame_itself() -> None:
    assert "if code != 1000 and not (3000 <= code <= 4999):" in source(WebSocketServerProtocol.sendClose)
    assert parameters(WebSocketServerProtocol.sendCloseFrame)[:2] == ["self", "code"]
