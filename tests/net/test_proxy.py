"""The proxy between real sockets: each direction on its own, and both kinds of changed address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tests.net.line import Line
from tests.net.proxy import proxy

Address = tuple[str, int]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket and a relay's."""
    with socket.socket(type=socket.SOCK_DGRAM) as client, socket.socket(type=socket.SOCK_DGRAM) as relay:
        for sock in (client, relay):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        yield client, relay


async def receive(sock: socket.socket, within: float = 5) -> tuple[bytes, Address]:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recvfrom(sock, 2048), within)


async def test_both_ways_and_each_direction_on_its_own(ends: tuple[socket.socket, socket.socket]) -> None:
    client, relay = ends
    async with proxy(relay.getsockname(), down=Line(cut=True)) as network:
        client.sendto(b"up", ("127.0.0.1", network.port))
        datagram, seen = await receive(relay)
        assert datagram == b"up"
        relay.sendto(b"lost", seen)
        await asyncio.sleep(0.05)
        network.use(down=Line(delay=0.01))
        relay.sendto(b"down", seen)
        assert await receive(client) == (b"down", ("127.0.0.1", network.port))
        assert (network.up.count.passed, network.down.count.lost, network.down.count.passed) == (1, 1, 1)


async def test_the_relay_sees_another_address_after_a_move(ends: tuple[socket.socket, socket.socket]) -> None:
    client, relay = ends
    async with proxy(relay.getsockname()) as network:
        client.sendto(b"1", ("127.0.0.1", network.port))
        _, before = await receive(relay)
        network.move_clients()
        relay.sendto(b"to nobody", before)
        client.sendto(b"2", ("127.0.0.1", network.port))
        _, after = await receive(relay)
        assert after != before
        relay.sendto(b"found", after)
        assert (await receive(client))[0] == b"found"


async def test_the_client_sees_another_address_when_the_relay_moves(ends: tuple[socket.socket, socket.socket]) -> None:
    client, relay = ends
    async with proxy(relay.getsockname()) as network:
        client.sendto(b"1", ("127.0.0.1", network.port))
        _, seen = await receive(relay)
        network.move_relay()
        relay.sendto(b"from elsewhere", seen)
        datagram, source = await receive(client)
        assert (datagram, source != ("127.0.0.1", network.port)) == (b"from elsewhere", True)
        network.return_relay()
        relay.sendto(b"from home", seen)
        assert await receive(client) == (b"from home", ("127.0.0.1", network.port))


async def test_an_answer_names_the_proxy(ends: tuple[socket.socket, socket.socket]) -> None:
    answer = "a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.7 10000 typ host\r\na=end-of-candidates\r\n"
    async with proxy(ends[1].getsockname()) as network:
        port = network.port
        assert network.place(answer) == (
            f"a=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\n"
        )
