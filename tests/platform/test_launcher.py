"""The launcher in a real process: limits before buffering, back-pressure, deadlines, a quiet end."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import websockets.exceptions
from websockets.sync.client import connect

from telemed.launcher import MAX_BODY
from tests.platform.servers import free_port
from tests.platform.site import ROOT, environment, wait_until

MIB = 1024 * 1024
pytestmark = pytest.mark.slow


class Running:
    """A process of stream_app and the memory it had when it was idle."""

    def __init__(self, *flags: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.platform.stream_app", str(self.port), *flags], cwd=ROOT, env=environment()
        )
        wait_until(lambda: self.get("/")[0] == 200, "stream_app answers", 30)
        self.idle = self.rss()

    def rss(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def grown(self) -> int:
        return self.rss() - self.idle

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture(scope="module")
def app() -> Iterator[Running]:
    running = Running()
    yield running
    assert running.end() == 0


def _send_all(connection: socket.socket, parts: Iterator[bytes]) -> bytes:
    """Send until the server has had enough, then all it answered."""
    with contextlib.suppress(OSError):
        for part in parts:
            connection.sendall(part)
    answer = b""
    with contextlib.suppress(OSError):
        while more := connection.recv(65536):
            answer += more
    return answer


def _zeros(total: int) -> Iterator[bytes]:
    for _ in range(total // MIB):
        yield bytes(MIB)


def test_a_body_of_300_mb_is_refused_before_it_is_buffered(app: Running) -> None:
    with app.raw() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (300 * MIB))
        answer = _send_all(connection, _zeros(300 * MIB))
    assert answer.split(b"\r\n")[0] == b"HTTP/1.1 413 Content Too Large"
    assert app.grown() < 20 * MIB


def test_a_chunked_body_of_300_mb_is_refused_at_the_limit(app: Running) -> None:
    def chunks() -> Iterator[bytes]:
        for part in _zeros(300 * MIB):
            yield b"%x\r\n%s\r\n" % (len(part), part)
        yield b"0\r\n\r\n"

    with app.raw() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = _send_all(connection, chunks())
    assert answer.split(b"\r\n")[0] == b"HTTP/1.1 413 Content Too Large"
    assert app.grown() < 20 * MIB


def test_a_body_at_the_limit_arrives_whole_and_one_byte_more_does_not(app: Running) -> None:
    answers = []
    for size in (MAX_BODY, MAX_BODY + 1):
        connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
        connection.request("POST", "/", body=bytes(size))
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
        connection.close()
    assert answers[0][0] == 200
    assert json.loads(answers[0][1])["body"] == MAX_BODY
    assert answers[1] == (413, b"The request is larger than 8 MiB.\n")


def test_who_asks_before_sending_too_much_is_told_at_once(app: Running) -> None:
    with app.raw() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (9 * MIB)
        )
        assert connection.recv(4096).split(b"\r\n")[0] == b"HTTP/1.1 413 Content Too Large"


def test_a_slow_reader_of_200_mb_costs_little_memory(app: Running) -> None:
    with app.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /stream?n=3200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        most, received = 0, 0
        for _ in range(40):
            received += len(connection.recv(65536))
            time.sleep(0.05)
            most = max(most, app.grown())
        while more := connection.recv(1 << 20):
            received += len(more)
            most = max(most, app.grown())
    assert received > 200 * MIB
    assert most < 40 * MIB


def test_a_reader_that_leaves_in_the_middle_leaves_nothing_behind(app: Running) -> None:
    for _ in range(5):
        with app.raw() as connection:
            connection.sendall(b"GET /stream?n=3200 HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(65536)
    own = psutil.Process(app.process.pid)
    wait_until(lambda: not [c for c in own.net_connections() if c.status == "ESTABLISHED"], "connections closed", 20)
    assert app.get("/")[0] == 200


def test_a_socket_message_above_64_kib_closes_the_socket(app: Running) -> None:
    with connect(f"ws://127.0.0.1:{app.port}/", max_size=None) as client:
        client.send("x" * 65536)
        assert len(client.recv(timeout=20)) == 65536
        client.send("x" * 65537)
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            client.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_socket_that_reads_nothing_is_dropped_and_costs_little(app: Running) -> None:
    with app.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert connection.recv(4096).split(b"\r\n")[0].startswith(b"HTTP/1.1 101")
        text = b"flood 4000"
        connection.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
        peer = connection.getsockname()[1]
        own = psutil.Process(app.process.pid)
        wait_until(lambda: peer not in [c.raddr.port for c in own.net_connections() if c.raddr], "dropped", 30)
        assert app.grown() < 40 * MIB


def test_headers_that_a_client_may_not_set_are_gone(app: Running) -> None:
    sent = {"Daphne-Root-Path": "/evil", "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Kept": "1"}
    seen = json.loads(app.get("/", sent)[1])
    assert seen["root_path"] == ""
    assert {"x-forwarded-for", "x-forwarded-proto", "daphne-root-path"} & set(seen["headers"]) == set()
    assert seen["headers"]["x-kept"] == "1"


def test_behind_a_proxy_its_headers_count_and_root_path_still_does_not() -> None:
    running = Running("--proxy")
    try:
        seen = json.loads(running.get("/", {"X-Forwarded-For": "1.2.3.4", "Daphne-Root-Path": "/evil"})[1])
    finally:
        running.end()
    assert seen["headers"]["x-forwarded-for"] == "1.2.3.4"
    assert seen["root_path"] == ""


def test_many_clients_that_drip_their_headers_keep_nobody_waiting(app: Running) -> None:
    dripping = [app.raw() for _ in range(200)]
    try:
        for connection in dripping:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        for _ in range(5):
            for connection in dripping:
                connection.sendall(b"a")
            assert app.get("/")[0] == 200
    finally:
        for connection in dripping:
            connection.close()


def test_dripped_headers_and_bodies_are_given_up() -> None:
    """With shorter deadlines than the real ones, in a process of its own."""
    port = free_port()
    code = (
        "from telemed import launcher as l; from tests.platform.stream_app import application as a;"
        "l.HEADER_SECONDS = l.BODY_GRACE_SECONDS = 2;"
        f"l.run(a, endpoint='tcp:port={port}:interface=127.0.0.1')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment())
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "listens", 30)
        starts = (
            b"GET / HTTP/1.1\r\nX-Drip: ",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
        )
        for start in starts:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(start)
                wait_until(lambda c=connection: _closed_after_drip(c), f"closed: {start!r}", 30)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def _closed_after_drip(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        connection.sendall(b"a")
        return connection.recv(100) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_sigterm_finishes_what_runs_and_closes_sockets_with_restart() -> None:
    running = Running()
    with running.raw() as connection, connect(f"ws://127.0.0.1:{running.port}/") as client:
        client.send("hello")
        assert client.recv(timeout=20) == "hello"
        connection.sendall(b"GET /slow?n=10 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        os.kill(running.process.pid, signal.SIGTERM)
        answer = _send_all(connection, iter(()))
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            client.recv(timeout=20)
    assert answer.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert answer.endswith(b"done\r\n0\r\n\r\n")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert running.process.wait(15) == 0
