"""One UDP socket for everybody (RFC 7983, RFC 9443): tells STUN, DTLS and SRTP apart and finds whose they are.

Strangers reach nothing behind this file: a datagram gets through only with a signed connectivity check, or from
an address that sent one.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from relay import stun
from relay.ingress import SLOTS
from relay.limits import RateTable, TokenBucket
from relay.mmsg import Address, pack_address, unpack_address
from relay.native import Egress, Ingress
from relay.srtp import BUFFER_SIZE, PacketBuffer
from relay.transport import Transport

log = logging.getLogger("relay.mux")

MAX_DATAGRAM = 1500
MIN_MEDIA = 12
SOCKET_BUFFER = 4 << 20
ADDRESS_IN_USE = 5.0
"""Seconds for which an address that sent something valid cannot be claimed for another transport."""


class PortInUse(OSError):
    """Another program has the UDP port."""


@dataclass(slots=True)
class Counters:
    """Datagrams that Python looked at, since the start: accepted as media, dropped as nonsense, dropped as nobody's."""

    media: int = 0
    malformed: int = 0
    stray: int = 0


def open_socket(bind: str, port: int) -> socket.socket:
    """A non-blocking UDP socket on `bind`:`port`; `::` takes IPv4 too (RFC 3493 section 5.3). Raises PortInUse."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, bind != "::")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        sock.bind((bind, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"UDP port {port} on {bind} is in use") from None
        raise
    sock.setblocking(False)
    return sock


class Mux:
    """See the module. `attach` starts reading."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.egress = Egress(sock)
        self.port: int = sock.getsockname()[1]
        self.counters = Counters()
        self._deferred: list[Callable[[], None]] = []
        self._by_ufrag: dict[str, Transport] = {}
        self._by_address: dict[bytes, Transport] = {}
        self._ingress = Ingress(sock, self._by_address, [PacketBuffer() for _ in range(SLOTS)])
        self._strangers = RateTable(rate=20, burst=40, size=4096)
        self._complaints = TokenBucket(rate=0.2, burst=5)
        self._summaries = TokenBucket(rate=1 / 60, burst=1)
        self._told = Counters()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts reading the socket in `loop`."""
        loop.add_reader(self._socket.fileno(), self._drain)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stops reading and closes the socket."""
        loop.remove_reader(self._socket.fileno())
        self._socket.close()

    @property
    def received(self) -> int:
        """RTP and RTCP datagrams from known addresses."""
        return self.counters.media + self._ingress.passed

    def complain(self, now: float) -> None:
        """Says how much was dropped since it last said so: at once, then at most once a minute."""
        malformed = self.counters.malformed - self._told.malformed
        stray = self.counters.stray - self._told.stray
        if (malformed or stray) and self._summaries.take(now):
            self._told = replace(self.counters)
            log.warning("dropped %d malformed and %d stray datagrams", malformed, stray)

    def add_credentials(self, ufrag: str, transport: Transport) -> None:
        """Connectivity checks for `ufrag` are for `transport` from now on."""
        self._by_ufrag[ufrag] = transport

    def remove_credentials(self, ufrag: str) -> None:
        """Forgets `ufrag`."""
        self._by_ufrag.pop(ufrag, None)

    def release(self, address: Address, transport: Transport) -> None:
        """Forgets that `address` belongs to `transport`."""
        name = pack_address(address)
        if self._by_address.get(name) is transport:
            del self._by_address[name]

    def defer(self, call: Callable[[], None]) -> None:
        """Calls back when all that has arrived is read: what belongs together is then handed on together."""
        self._deferred.append(call)

    def _drain(self) -> None:
        """Reads what has arrived, a batch at a time so that timers and the link get their turn."""
        now = time.monotonic()
        self.egress.gathers = True
        try:
            for buffer, length, name, came in self._ingress.receive(now):
                try:
                    self._dispatch(buffer, length, name, came)
                except Exception:
                    # One peer's packet found a hole in our parsing: it must not cost the others their call.
                    self._spoilt(now, f"datagram of {length} bytes dropped")
        except OSError:
            self.counters.malformed += 1
        deferred, self._deferred = self._deferred, []
        for call in deferred:
            try:
                call()
            except Exception:
                self._spoilt(now, "packets not handed on")
        self.egress.gathers = False
        self.egress.flush()

    def _spoilt(self, now: float, what: str) -> None:
        self.counters.malformed += 1
        if self._complaints.take(now):
            log.exception(what)

    def _dispatch(self, buffer: PacketBuffer, length: int, name: bytes, now: float) -> None:
        first = buffer.view[0]
        if length == 0 or length > MAX_DATAGRAM:
            self.counters.malformed += 1
        elif 128 <= first <= 191:
            transport = self._by_address.get(name)
            if transport is None:
                self.counters.stray += 1
            elif length < MIN_MEDIA:
                self.counters.malformed += 1
            else:
                self.counters.media += 1
                transport.receive(buffer, length, now)
        elif first <= 3:
            self._on_stun(bytes(buffer.view[:length]), name, now)
        elif 20 <= first <= 63:
            self._on_dtls(bytes(buffer.view[:length]), name, now)
        else:
            self.counters.malformed += 1

    def _on_stun(self, datagram: bytes, name: bytes, now: float) -> None:
        owner, address = self._by_address.get(name), unpack_address(name)
        if owner is None and not self._strangers.take(address, now):
            self.counters.stray += 1
            return
        request = stun.parse_request(datagram)
        transport = self._by_ufrag.get(request.ufrag) if request else None
        if request is None or transport is None:
            self.counters.stray += 1
            return
        password = transport.password_of(request.ufrag)
        if not request.is_from(password):
            self.counters.stray += 1
            return
        if owner is not None and owner is not transport and now - owner.last_valid < ADDRESS_IN_USE:
            # A participant who forges somebody's source address would otherwise take over their media.
            self.counters.stray += 1
            return
        if not transport.checked(address, request.transaction, request.use_candidate, now):
            self.counters.stray += 1
            return
        self._by_address[name] = transport
        response = stun.binding_response(request.transaction, address[0], address[1], password)
        self.egress.send(response, address)

    def _on_dtls(self, datagram: bytes, name: bytes, now: float) -> None:
        transport = self._by_address.get(name)
        if transport is None or not transport.dtls_budget.take(now):
            self.counters.stray += 1
            return
        transport.receive_dtls(datagram, unpack_address(name))


assert BUFFER_SIZE > MAX_DATAGRAM  # noqa: S101 - longer datagrams must be recognisable as such
