"""The socket's guards, counted: what is nonsense, what is nobody's, what is answered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aioice import stun
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.dtls import Certificate, DtlsAssociation
from relay.egress import Destination, Egress
from relay.mmsg import pack_address, unpack_address
from relay.mux import Counters, Mux, PortInUse, open_socket
from relay.srtp import PacketBuffer
from relay.transport import Transport

STRANGER = ("192.0.2.9", 4000)


class Nobody:
    """Takes what a transport decrypts."""

    def on_rtp(self, packet: memoryview, length: int, now: float) -> None: ...
    def on_rtcp(self, packet: bytes, now: float) -> None: ...
    def on_connected(self) -> None: ...
    def on_ended(self, reason: str) -> None: ...


@pytest_asyncio.fixture
async def mux() -> AsyncIterator[Mux]:
    mux = Mux(open_socket("127.0.0.1", 0))
    yield mux
    mux.close(asyncio.get_running_loop())


def arrive(mux: Mux, datagram: bytes, address: tuple[str, int] = STRANGER, now: float = 1.0) -> None:
    buffer = PacketBuffer()
    buffer.view[: len(datagram)] = datagram
    mux._dispatch(buffer, len(datagram), pack_address(address), now)


def check(transport: Transport, nominate: bool = True, password: str | None = None) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{transport.ufrag}:theirs"
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((password or transport.password).encode())
    return bytes(message)


async def test_nonsense_is_counted_and_never_answered(mux: Mux) -> None:
    for datagram in (b"", b"\x80" * 1600, b"\x80" * 1501, b"\x40" * 20, b"\xff" * 20):
        arrive(mux, datagram)
    assert mux.counters == Counters(media=0, malformed=5, stray=0)
    for datagram in (b"\x80" * 1500, b"\x80", b"\x16" * 50, b"\x00\x01" + bytes(18)):
        arrive(mux, datagram)
    assert (mux.counters, mux.egress.sent, mux.egress.dropped) == (Counters(media=0, malformed=5, stray=4), 0, 0)


async def test_what_is_dropped_is_said_at_once_and_then_once_a_minute(
    mux: Mux, caplog: pytest.LogCaptureFixture
) -> None:
    for datagram in (b"", b"\x80" * 1600, b"\xff\xff", b"\x00\x01cut off", b"\x16" * 40):
        arrive(mux, datagram)
    mux.complain(100.0)
    assert caplog.messages == ["dropped 3 malformed and 2 stray datagrams"]
    mux.complain(200.0)
    assert len(caplog.messages) == 1, "nothing new, nothing said"
    arrive(mux, b"")
    mux.complain(201.0)
    arrive(mux, b"")
    mux.complain(202.0)
    mux.complain(270.0)
    assert caplog.messages[1:] == [
        "dropped 1 malformed and 0 stray datagrams",
        "dropped 1 malformed and 0 stray datagrams",
    ]


@pytest.mark.asyncio
async def test_addresses_follow_nominated_checks_only(mux: Mux) -> None:
    transport = Transport(mux, Certificate(), Nobody(), "x")
    first, second = ("127.0.0.1", 4001), ("127.0.0.1", 4002)
    arrive(mux, check(transport, nominate=False), first)
    assert transport.address == first
    arrive(mux, check(transport, nominate=False), second)
    assert transport.address == first
    nominated = check(transport)
    arrive(mux, nominated, second)
    assert transport.address == second
    arrive(mux, nominated, first)
    arrive(mux, check(transport, password="wrong"), first)
    assert transport.address == second
    assert mux.egress.sent == 4
    transport.close()
    assert (mux._by_address, mux._by_ufrag) == ({}, {})


async def test_a_transport_has_eight_addresses_and_three_credentials_at_most(mux: Mux) -> None:
    transport = Transport(mux, Certificate(), Nobody(), "x")
    for port in range(4001, 4021):
        arrive(mux, check(transport), ("127.0.0.1", port))
    assert sorted(unpack_address(name)[1] for name in mux._by_address) == list(range(4013, 4021))
    for _ in range(5):
        transport.new_credentials()
    assert len(mux._by_ufrag) == 3
    transport.close()


async def test_a_handshake_is_answered_where_it_came_from(mux: Mux) -> None:
    """The pair first checked need not be the one the browser speaks on before it nominates one."""
    ours, theirs = Certificate(), Certificate()
    transport = Transport(mux, ours, Nobody(), "x")
    transport.start([theirs.fingerprint])
    said: list[bytes] = []
    spoken = asyncio.Event()

    def say(datagram: bytes) -> None:
        said.append(datagram)
        spoken.set()

    browser = DtlsAssociation(theirs, say, lambda state: None, role="client")
    browser.start([ours.fingerprint])
    first, second = udp(), udp()
    try:
        for pair in (first, second):
            arrive(mux, check(transport, nominate=False), pair.getsockname())
            pair.recv(1500)
        await asyncio.wait_for(spoken.wait(), 5)
        for datagram in said:
            arrive(mux, datagram, second.getsockname())
        await asyncio.sleep(0.05)
        assert transport.address == first.getsockname()
        assert second.recv(1500)[0] == 22  # a handshake record (RFC 6347 section 4.1)
        with pytest.raises(BlockingIOError):
            first.recv(1500)
    finally:
        first.close()
        second.close()
        transport.close()
        browser.close()


def udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


async def test_strangers_are_limited_and_forgotten(mux: Mux) -> None:
    transport = Transport(mux, Certificate(), Nobody(), "x")
    for _ in range(60):
        arrive(mux, check(transport, password="wrong"))
    arrive(mux, check(transport))
    assert transport.address is None
    arrive(mux, check(transport), now=2.0)
    assert transport.address == STRANGER
    for number in range(5000):
        arrive(mux, b"\x00\x01" + bytes(18), ("192.0.2.1", number))
    assert len(mux._strangers) == 4096
    transport.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=1600))
async def test_noise_from_a_known_address_raises_nothing(mux: Mux, noise: bytes) -> None:
    transport = Transport(mux, Certificate(), Nobody(), "x") if not mux._by_address else None
    if transport is not None:
        arrive(mux, check(transport), ("127.0.0.1", 4001))
    arrive(mux, noise, ("127.0.0.1", 4001))


def test_a_port_in_use() -> None:
    with contextlib.closing(open_socket("127.0.0.1", 0)) as taken, pytest.raises(PortInUse):
        open_socket("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_datagrams_are_sent_together_and_one_by_one(family: socket.AddressFamily) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.socket(family, socket.SOCK_DGRAM) as sink, socket.socket(family, socket.SOCK_DGRAM) as source:
        sink.bind((host, 0))
        sink.settimeout(1)
        egress = Egress(source)
        for sendmmsg in (egress._sendmmsg, None):
            egress._sendmmsg = sendmmsg
            for number in range(100):
                egress.slots(1)[0][0][0] = number
                egress.queue([1], Destination(sink.getsockname()))
            egress.flush()
            assert [sink.recv(10)[0] for _ in range(100)] == list(range(100))
        assert (egress.sent, egress.dropped) == (200, 0)


def test_one_address_without_a_route_does_not_hold_up_the_others() -> None:
    with socket.socket() as _, socket.socket(type=socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(1)
        with socket.socket(type=socket.SOCK_DGRAM) as source:
            egress = Egress(source)
            for address in (sink.getsockname(), ("255.255.255.255", 9), sink.getsockname()):
                egress.slots(1)
                egress.queue([1], Destination(address))
            egress.flush()
        assert [len(sink.recv(10)) for _ in range(2)] == [1, 1]
        assert (egress.sent, egress.dropped) == (2, 1)


def test_pictures_go_as_one_and_arrive_as_they_were() -> None:
    lengths = [1000] * 5 + [400] + [900, 1000, 1000, 300]
    with socket.socket(type=socket.SOCK_DGRAM) as sink, socket.socket(type=socket.SOCK_DGRAM) as source:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(1)
        egress, destination = Egress(source), Destination(sink.getsockname())
        calls: list[int] = []
        send = egress._sendmmsg

        def counted(descriptor: int, messages: object, count: int, flags: int) -> int:
            calls.append(count)
            return int(send(descriptor, messages, count, flags))

        egress._sendmmsg = counted
        for number, (view, _) in enumerate(egress.slots(len(lengths))):
            view[:2] = bytes([number, 7])
        egress.queue(lengths, destination)
        egress.flush()
        arrived = [sink.recv(2000) for _ in lengths]
    assert [(len(each), each[0]) for each in arrived] == [(length, n) for n, length in enumerate(lengths)]
    assert (calls, egress.sent, egress.dropped) == ([3], len(lengths), 0)  # a picture, one alone, another picture


def test_where_nothing_can_be_segmented_each_goes_alone() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sink, socket.socket(type=socket.SOCK_DGRAM) as source:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(1)
        egress, destination = Egress(source), Destination(sink.getsockname())
        source.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK: the kernel segments nothing without checksums
        for lengths in ([1100] * 3, [1000] * 3):
            egress.slots(3)
            egress.queue(lengths, destination)
            egress.flush()
            assert [len(sink.recv(3000)) for _ in lengths] == lengths
        assert (egress.sent, egress.dropped, egress._segments) == (6, 0, False)
