"""A negotiated connection of a participant: what publishing and subscribing ones have in common."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from relay.answer import AnswerWriter, Endpoint, MediaAnswer
from relay.dtls import Certificate, Fingerprint
from relay.keyframes import Schedule
from relay.sdp import Offer
from relay.transport import Registry, Transport

log = logging.getLogger("relay.connection")


@dataclass(frozen=True, slots=True)
class Context:
    """What connections need of the process they live in. `on_ended` is told (connection, reason)."""

    registry: Registry
    certificate: Certificate
    candidates: tuple[str, ...]
    schedule: Schedule
    on_ended: Callable[[Connection, str], None]
    clock: Callable[[], float] = time.monotonic


class Connection:
    """One peer connection of a browser, `label` names it in the log. Subclasses handle its media."""

    def __init__(self, context: Context, offer: Offer, label: str) -> None:
        self._context = context
        self.label = label
        self._fingerprints: frozenset[Fingerprint] = frozenset(offer.fingerprints)
        self._remote_ufrag = offer.ufrag
        self._writer = AnswerWriter()
        self.transport = Transport(context.registry, context.certificate, self, label)
        self.transport.start(offer.fingerprints)

    def continues(self, offer: Offer) -> bool:
        """Whether `offer` comes from this same peer connection: it has the same certificate."""
        return not self.transport.closed and frozenset(offer.fingerprints) == self._fingerprints

    def _answer(self, offer: Offer, accepted: dict[str, MediaAnswer]) -> str:
        if offer.ufrag != self._remote_ufrag:
            self._remote_ufrag = offer.ufrag
            self.transport.new_credentials()
            log.info("%s ice restart", self.label)
        endpoint = Endpoint(
            self.transport.ufrag,
            self.transport.password,
            self._context.certificate.fingerprint,
            self._context.candidates,
        )
        return self._writer.write(offer, endpoint, accepted)

    def report(self, now: float) -> None:
        """Sends the RTCP due every second."""
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Called ten times a second."""

    def on_rtp(self, packet: memoryview, length: int, now: float) -> None:
        """A verified RTP packet arrived; see `transport.Sink`."""

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """A verified RTCP packet arrived."""

    def on_connected(self) -> None:
        """Media flow from now on."""

    def on_ended(self, reason: str) -> None:
        """The browser ended it ("closed"), or its handshake failed ("failed")."""
        self._context.on_ended(self, reason)

    def close(self) -> None:
        """Ends the connection."""
        self.transport.close()
