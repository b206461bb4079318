"""The way to one peer, in Python: encrypts packets into the slots of the `egress`. Knows no tracks and no handshake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from relay.egress import SLOTS, Destination, Egress

if TYPE_CHECKING:
    from relay.lane import Lane
    from relay.mmsg import Address
    from relay.srtp import SrtpCipher
    from relay.track import Packet


class Outlet:
    """See the module. Sends nothing before it has both a cipher and somewhere to send to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._cipher: SrtpCipher | None = None
        self._destination: Destination | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has a cipher."""
        return self._cipher is not None

    @property
    def address(self) -> Address | None:
        """Where it sends to."""
        return self._destination.address if self._destination is not None else None

    def open(self, cipher: SrtpCipher) -> None:
        """Encrypts with `cipher` from now on."""
        self._cipher = cipher

    def aim(self, destination: Destination) -> None:
        """Sends to `destination` from now on."""
        self._destination = destination

    def close(self) -> None:
        """Sends nothing any more."""
        self._cipher = None

    def __call__(self, lane: Lane, packets: Sequence[Packet], number: int = 0) -> int:
        """Sends RTP packets with all else that is gathered, those of a numbered lane from the transport-wide `number`
        on; how many of them."""
        cipher, destination, egress = self._cipher, self._destination, self._egress
        if cipher is None or destination is None:
            return 0
        count = len(packets)
        if count > SLOTS:
            sent = self(lane, packets[:SLOTS], number)
            return sent + self(lane, packets[SLOTS:], number + sent) if sent == SLOTS else sent
        lengths = cipher.protect_all(lane, packets, egress.slots(count), number)
        egress.queue(lengths, destination)
        return len(lengths)

    def send_rtcp(self, packet: bytes) -> None:
        """Sends one RTCP compound packet, at once or with all else that is gathered."""
        if self._cipher is None or self._destination is None:
            return
        egress = self._egress
        length = self._cipher.protect_rtcp(packet, egress.slots(1)[0])
        if length > 0:
            egress.queue([length], self._destination)
            if not egress.gathers:
                egress.flush()
