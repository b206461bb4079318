"""Many datagrams at once: what they hold, whose they are, and when they came."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from relay import ingress
from relay.ingress import SLOTS, Ingress
from relay.mmsg import unpack_address
from relay.mux import open_socket
from relay.srtp import PacketBuffer

LATE = 0.05
"""Seconds the reader sleeps; what is read then came before."""


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    with open_socket("127.0.0.1", 0) as sock:
        yield sock


@pytest.fixture
def peer(ours: socket.socket) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(ours.getsockname())
        yield sock


def read(reader: Ingress, now: float) -> list[tuple[bytes, float]]:
    """What each datagram holds and when it came."""
    return [(bytes(buffer.view[:length]), came) for buffer, length, _, came in reader.receive(now)]


def wait_for_stamps(reader: Ingress, peer: socket.socket) -> None:
    """The kernel begins to stamp a moment after it was asked to; until then a datagram came when it was read."""
    for _ in range(1000):
        peer.send(b"is it stamped?")
        time.sleep(0.002)
        now = time.monotonic()
        if any(now - came > 0.001 for _, came in read(reader, now)):
            return
    raise AssertionError("the kernel stamps nothing")


def test_who_reads_late_knows_when_it_came(ours: socket.socket, peer: socket.socket) -> None:
    reader = Ingress(ours, {}, [PacketBuffer() for _ in range(SLOTS)])
    wait_for_stamps(reader, peer)
    peer.send(b"first")
    sent = time.monotonic()
    time.sleep(LATE)
    peer.send(b"second")
    now = time.monotonic()
    (first, came), (second, later) = read(reader, now)
    assert (first, second) == (b"first", b"second")
    assert came <= sent + LATE / 2, "as late as it was read"
    assert LATE * 0.9 < later - came < now - sent + LATE / 2
    assert later <= now


def test_the_address_it_came_from(ours: socket.socket, peer: socket.socket) -> None:
    reader = Ingress(ours, {}, [PacketBuffer() for _ in range(SLOTS)])
    peer.send(b"who")
    [(_, _, name, _)] = reader.receive(time.monotonic())
    assert unpack_address(name) == peer.getsockname()


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_wall_clock_that_is_set_does_not_turn_time_back(
    ours: socket.socket, peer: socket.socket, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    reader = Ingress(ours, {}, [PacketBuffer() for _ in range(SLOTS)])
    peer.send(b"before")
    before = time.monotonic()
    [(_, first)] = read(reader, before)
    peer.send(b"after")
    monkeypatch.setattr(ingress.time, "time", lambda clock=time.time: clock() + step)
    now = time.monotonic()
    [(_, second)] = read(reader, now)
    assert first <= second <= now


def test_nothing_there_is_no_error(ours: socket.socket) -> None:
    assert read(Ingress(ours, {}, [PacketBuffer() for _ in range(SLOTS)]), time.monotonic()) == []
