"""A bad network: a seeded UDP proxy that loses and delays datagrams, placed in the relay's candidate."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator


class LossyProxy:
    """Forwards between clients and one relay. `loss` is a share, `delay` seconds one way; both may change."""

    def __init__(self, loss: float, delay: float, seed: int) -> None:
        self.loss, self.delay = loss, delay
        self.target: tuple[str, int] = ("127.0.0.1", 0)
        self._random = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._front = self._open()
        self._loop.add_reader(self._front, self._from_clients)
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self.lost = self.passed = 0

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    def close(self) -> None:
        for sock in (self._front, *self._backs.values()):
            self._loop.remove_reader(sock)
            sock.close()

    def _open(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    def _from_clients(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                datagram, client = self._front.recvfrom(2048)
                back = self._backs.get(client)
                if back is None:
                    back = self._backs[client] = self._open()
                    self._loop.add_reader(back, self._from_relay, back, client)
                self._pass(back, datagram, self.target)

    def _from_relay(self, back: socket.socket, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._pass(self._front, back.recv(2048), client)

    def _pass(self, sock: socket.socket, datagram: bytes, to: tuple[str, int]) -> None:
        if self._random.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        self._loop.call_later(self.delay, self._send, sock, datagram, to)

    def _send(self, sock: socket.socket, datagram: bytes, to: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            sock.sendto(datagram, to)


@contextlib.asynccontextmanager
async def lossy_proxy(loss: float, delay: float, seed: int = 1) -> AsyncIterator[LossyProxy]:
    proxy = LossyProxy(loss, delay, seed)
    try:
        yield proxy
    finally:
        proxy.close()
