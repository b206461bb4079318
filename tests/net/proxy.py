"""The bad network as a program: a UDP proxy that stands in the relay's candidate, one for each person."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator

from tests.net.line import CLEAR, Line, Link

Address = tuple[str, int]
MAX_DATAGRAM = 2048
_CANDIDATE = re.compile(r"(?m)^(a=candidate:\S+ 1 udp \d+) \S+ \d+ typ host")


class Proxy:
    """Carries datagrams between whoever speaks to `port` and the relay at `target`; both `up` (to the relay) and
    `down` links may change during a run. Lives in the loop it was made in; its methods may only be called there."""

    def __init__(self, up: Line, down: Line, seed: int, target: Address, host: str = "127.0.0.1") -> None:
        self.up, self.down = Link(up, seed), Link(down, seed + 1)
        self.target, self._host = target, host
        self._loop = asyncio.get_running_loop()
        self._front = self._listen(self._from_clients)
        self.port: int = self._front.getsockname()[1]
        self._answering = self._front
        self._backs: dict[Address, socket.socket] = {}
        self._closed: list[socket.socket] = []

    def place(self, sdp: str) -> str:
        """An answer of the relay with this proxy in place of its candidates' addresses."""
        return _CANDIDATE.sub(rf"\1 {self._host} {self.port} typ host", sdp)

    def use(self, up: Line | None = None, down: Line | None = None) -> None:
        """Changes one direction or both."""
        self.up.line = up or self.up.line
        self.down.line = down or self.down.line

    def move_clients(self) -> None:
        """From now on the relay sees everybody here come from another address: a new network, a rebound NAT."""
        for back in self._backs.values():
            self._leave(back)
        self._backs.clear()

    def move_relay(self) -> None:
        """From now on clients get the relay's datagrams from another address than they were told."""
        self._answering = self._listen(self._from_clients)

    def return_relay(self) -> None:
        """The relay's datagrams come from the address in the candidate again."""
        self._answering = self._front

    def close(self) -> None:
        """Stops; what is on its way is lost."""
        for sock in {self._front, self._answering, *self._backs.values()}:
            self._leave(sock)
        for sock in self._closed:
            sock.close()

    def _listen(self, read: object, *args: object) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind((self._host, 0))
        sock.setblocking(False)
        self._loop.add_reader(sock, read, sock, *args)  # type: ignore[arg-type]
        return sock

    def _leave(self, sock: socket.socket) -> None:
        """Reads `sock` no more; it is closed at the end, so that nobody else gets its port meanwhile."""
        self._loop.remove_reader(sock)
        self._closed.append(sock)

    def _from_clients(self, front: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                datagram, client = front.recvfrom(MAX_DATAGRAM)
                back = self._backs.get(client)
                if back is None:
                    back = self._backs[client] = self._listen(self._from_relay, client)
                self._carry(self.up, back, datagram, self.target)

    def _from_relay(self, back: socket.socket, client: Address) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._carry(self.down, self._answering, back.recv(MAX_DATAGRAM), client)

    def _carry(self, link: Link, sock: socket.socket, datagram: bytes, to: Address) -> None:
        now = self._loop.time()
        out = link.departure(len(datagram), now)
        if out is None:
            return
        if out <= now:
            _send(sock, datagram, to)
        else:
            self._loop.call_at(out, _send, sock, datagram, to)


def _send(sock: socket.socket, datagram: bytes, to: Address) -> None:
    with contextlib.suppress(OSError):  # the socket closed while this was on its way
        sock.sendto(datagram, to)


@contextlib.asynccontextmanager
async def proxy(target: Address, up: Line = CLEAR, down: Line = CLEAR, seed: int = 1) -> AsyncIterator[Proxy]:
    """A proxy in front of `target`, closed at the end."""
    made = Proxy(up, down, seed, target)
    try:
        yield made
    finally:
        made.close()
