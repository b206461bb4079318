"""DTLS-SRTP (RFC 5763, RFC 5764) by means of aiortc; the only file touching its privates.

aiortc does the handshake, the fingerprint check and the key export. Media never enter its queue: `srtp()` hands out
the two sessions, packets are decrypted where they arrive. `tests/relay/test_contract.py` holds every private used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from relay.codecless import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from relay.srtp import SrtpCipher

log = logging.getLogger("relay.dtls")

QUEUE_SIZE = 64
"""Handshake datagrams waiting for their task; more are dropped, DTLS repeats them."""
FINGERPRINT_ALGORITHMS = ("sha-256", "sha-384", "sha-512")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's digest as in `a=fingerprint` (RFC 8122 section 5); `value` is upper case."""

    algorithm: str
    value: str


class Certificate:
    """The self-signed certificate of this process."""

    def __init__(self) -> None:
        self.rtc = RTCCertificate.generateCertificate()
        digests = {digest.algorithm: digest.value for digest in self.rtc.getFingerprints()}
        self.fingerprint = Fingerprint("sha-256", digests["sha-256"])


class _Wire:
    """What RTCDtlsTransport wants of an ICE transport: a role, something to read and something to write."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_SIZE)
        self._send_datagram = send

    async def _recv(self) -> bytes:
        datagram = await self.queue.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._send_datagram(datagram)


class DtlsAssociation:
    """One association with one peer. The relay is the server of all of them; the load generator's clients are not.

    `on_change` is called with "connected", "closed" or "failed"; after the last two nothing more happens here.
    """

    def __init__(
        self,
        certificate: Certificate,
        send: Callable[[bytes], None],
        on_change: Callable[[str], None],
        role: Literal["server", "client"] = "server",
    ) -> None:
        self._wire = _Wire(send)
        self._dtls = RTCDtlsTransport(self._wire, [certificate.rtc])  # type: ignore[arg-type]
        self._dtls._set_role(role)
        self._on_change = on_change
        self._dtls.on("statechange", self._changed)
        self._handshake: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    def start(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Waits for the peer's handshake; it must present a certificate with one of `fingerprints`."""
        parameters = RTCDtlsParameters([RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints])
        self._handshake = asyncio.create_task(self._run(parameters))

    def feed(self, datagram: bytes) -> None:
        """A DTLS datagram from the peer."""
        if not self._wire.queue.full():
            self._wire.queue.put_nowait(datagram)

    def ciphers(self) -> tuple[SrtpCipher, SrtpCipher]:
        """The ciphers for packets received and sent; only once "connected"."""
        return SrtpCipher(self._dtls._rx_srtp), SrtpCipher(self._dtls._tx_srtp)

    def close(self) -> None:
        """Tells the peer (close_notify) and stops; `on_change` is not called for it."""
        self._on_change = _ignore
        if self._handshake is not None:
            self._handshake.cancel()
        self._stopping = asyncio.create_task(self._stop())

    async def _run(self, parameters: RTCDtlsParameters) -> None:
        try:
            await self._dtls.start(parameters)
        except asyncio.CancelledError:
            raise
        except Exception:
            # aiortc turns what a peer may do wrong into the state "failed"; this is what it overlooked.
            log.warning("dtls handshake broke off", exc_info=True)
            self._on_change("failed")

    async def _stop(self) -> None:
        task: asyncio.Future[Any] | None = self._dtls._task
        await self._dtls.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _changed(self) -> None:
        if self._dtls.state in ("connected", "closed", "failed"):
            # The state is announced from inside aiortc: leave its stack before acting on it.
            asyncio.get_running_loop().call_soon(self._announce, self._dtls.state)

    def _announce(self, state: str) -> None:
        self._on_change(state)


def _ignore(state: str) -> None:
    pass
