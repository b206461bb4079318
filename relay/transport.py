"""One ICE-lite + DTLS-SRTP association with a browser (RFC 8445 section 2.5, RFC 5764). Knows no tracks.

Its credentials may be several at a time (ICE restart, RFC 8445 section 9): the association, its keys and its media
live on while the browser moves to new credentials and a new address.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from relay.dtls import Certificate, DtlsAssociation, Fingerprint
from relay.egress import Destination
from relay.limits import TokenBucket
from relay.mmsg import Address
from relay.native import Egress, Gate, Outlet
from relay.srtp import PacketBuffer
from relay.tally import tally

log = logging.getLogger("relay.transport")

MAX_CREDENTIALS = 3
MAX_ADDRESSES = 8
MAX_TRANSACTIONS = 1024
MAX_PACKETS = 3000
"""SRTP and SRTCP packets taken from one connection between two refills, a second apart. Two cameras in three sizes, a
screen and two microphones are 1,100, with every packet repeated 2,200."""


class Sink(Protocol):
    """Who gets what a transport decrypts."""

    def on_rtp(self, packet: memoryview, length: int, now: float) -> None:
        """A verified RTP packet: the first `length` bytes of `packet`, valid during the call only."""

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """A verified RTCP compound packet."""

    def on_connected(self) -> None:
        """Media may be sent from now on."""

    def on_ended(self, reason: str) -> None:
        """The browser closed the association ("closed") or its handshake failed ("failed")."""


class Registry(Protocol):
    """Where a transport's credentials and addresses are looked up (the mux)."""

    egress: Egress

    def defer(self, call: Callable[[], None]) -> None: ...

    def add_credentials(self, ufrag: str, transport: Transport) -> None: ...
    def remove_credentials(self, ufrag: str) -> None: ...
    def release(self, address: Address, transport: Transport) -> None: ...


class Transport(Gate):
    """See the module. Times are monotonic seconds. `send_rtp` sends packets: `Outlet.__call__`."""

    def __init__(self, registry: Registry, certificate: Certificate, sink: Sink, label: str) -> None:
        super().__init__()
        self._registry = registry
        self._egress = registry.egress
        self._sink: Sink = sink
        self.send_rtp = Outlet(registry.egress)
        self.label = label
        self.dtls = DtlsAssociation(certificate, self._send_dtls, self._dtls_changed)
        self.dtls_budget = TokenBucket(100, 200)
        self._credentials: dict[str, str] = {}
        self._dtls_address: Address | None = None
        self._addresses: dict[Address, None] = {}
        self._transactions: dict[bytes, None] = {}
        self.closed = False
        self._allowance = MAX_PACKETS
        self.last_valid = time.monotonic()
        self.ufrag, self.password = self.new_credentials()

    @property
    def connected(self) -> bool:
        """Whether the handshake is done and keys are there."""
        return self.send_rtp.is_open

    def start(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Accepts the handshake of the peer with one of `fingerprints`."""
        self.dtls.start(fingerprints)

    def new_credentials(self) -> tuple[str, str]:
        """A fresh ufrag and password (RFC 8445 section 5.3); the two sets before it stay valid."""
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self._credentials[self.ufrag] = self.password
        self._registry.add_credentials(self.ufrag, self)
        while len(self._credentials) > MAX_CREDENTIALS:
            oldest = next(iter(self._credentials))
            del self._credentials[oldest]
            self._registry.remove_credentials(oldest)
        return self.ufrag, self.password

    def password_of(self, ufrag: str) -> str:
        """The password for one of this transport's ufrags."""
        return self._credentials[ufrag]

    def checked(self, address: Address, transaction: bytes, nominated: bool, now: float) -> bool:
        """A verified connectivity check came from `address`; moves there when the browser nominated it. False when
        it was a check seen before, from elsewhere: who replays one must not get the media.
        """
        if transaction in self._transactions:
            return address in self._addresses
        self._transactions[transaction] = None
        if len(self._transactions) > MAX_TRANSACTIONS:
            del self._transactions[next(iter(self._transactions))]
        self.last_valid = now
        self._remember(address)
        if (nominated or self.address is None) and self.address != address:
            moved = self.address is not None
            self.send_rtp.aim(Destination(address))
            log.info("%s %s", self.label, "address changed" if moved else "address known")
        return True

    @property
    def address(self) -> Address | None:
        """Where media go at the moment."""
        return self.send_rtp.address

    def _remember(self, address: Address) -> None:
        self._addresses[address] = None
        if len(self._addresses) > MAX_ADDRESSES:
            oldest = next(known for known in self._addresses if known not in (address, self.address))
            del self._addresses[oldest]
            self._registry.release(oldest, self)

    def receive(self, buffer: PacketBuffer, length: int, now: float) -> None:
        """An SRTP or SRTCP datagram in the first `length` bytes of `buffer`."""
        cipher = self._cipher
        if cipher is None:
            return
        self._allowance -= 1
        if self._allowance < 0:
            return
        view = buffer.view
        if 192 <= view[1] <= 223:
            size = cipher.unprotect_rtcp(buffer, length)
            if size > 0:
                self.last_valid = now
                self._sink.on_rtcp(bytes(view[:size]), now)
                return
        else:
            size = cipher.unprotect(buffer, length)
            if size > 0:
                self.last_valid = now
                self._sink.on_rtp(view, size, now)
                return
        self.reject()

    def reject(self) -> None:
        """A packet was not what it claimed."""
        self.rejected += 1
        tally.rejected += 1

    def refill(self) -> None:
        """Another second has passed: what comes in is taken again."""
        if self._allowance < 0:
            log.warning("%s sent %d packets too many in a second", self.label, -self._allowance)
        self._allowance = MAX_PACKETS

    def flush(self) -> None:
        """Hands what was sent to the kernel; what answers a datagram is handed over without it."""
        self._egress.flush()

    def send_rtcp(self, packet: bytes) -> None:
        """Sends one RTCP compound packet, at once or with all else that is gathered; nothing before the association is
        up."""
        self.send_rtp.send_rtcp(packet)

    def close(self) -> None:
        """Ends the association and forgets its credentials and addresses."""
        if self.closed:
            return
        self.closed = True
        self.dtls.close()
        self._cipher = None
        self.send_rtp.close()
        for ufrag in self._credentials:
            self._registry.remove_credentials(ufrag)
        for address in self._addresses:
            self._registry.release(address, self)

    def receive_dtls(self, datagram: bytes, address: Address) -> None:
        """A DTLS datagram from an address that passed a connectivity check.

        It is answered where it came from: the browser may speak on a pair it has not nominated yet, and the
        first pair checked need not reach it. Otherwise its hello is answered a second later, by repetition.
        """
        self._dtls_address = address
        self.dtls.feed(datagram)

    def _send_dtls(self, datagram: bytes) -> None:
        address = self.address if self.connected else self._dtls_address or self.address
        if address is not None:
            self._egress.send(datagram, address)

    def _dtls_changed(self, state: str) -> None:
        log.info("%s dtls %s", self.label, state)
        if state == "connected":
            tally.dtls_connected += 1
            self._cipher, sending = self.dtls.ciphers()
            self.send_rtp.open(sending)
            self._sink.on_connected()
        else:
            tally.dtls_failed += state == "failed"
            self._sink.on_ended(state)
