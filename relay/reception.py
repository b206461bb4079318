"""What a receiver report says of one incoming stream (RFC 3550 sections 6.4.1, A.3 and A.8)."""

from __future__ import annotations

from relay import rtcp
from relay.native import Progress


class Reception(Progress):
    """Loss and jitter of one SSRC. Sequence numbers are unwrapped, times monotonic seconds. The owner counts `received`
    and keeps `highest`."""

    def __init__(self, ssrc: int, clock: int, first: int) -> None:
        super().__init__(clock, first)
        self._ssrc, self._rate, self._base = ssrc, clock, first
        self._expected_before = self._received_before = 0
        self._report_ntp = 0
        self._report_at: float | None = None

    def restart(self, first: int) -> None:
        """The sender goes on from another number: what lies between was never sent."""
        self._base = self.highest = first
        self.received = self._expected_before = self._received_before = 0

    def on_sender_report(self, ntp: int, now: float) -> None:
        """Remembers when the sender's last report came, for its round trip time."""
        self._report_ntp, self._report_at = ntp, now

    @property
    def jitter(self) -> float:
        """Seconds."""
        return self.deviation / self._rate

    @property
    def expected(self) -> int:
        """Packets the sender has sent up to the highest number seen."""
        return self.highest - self._base + 1

    @property
    def lost(self) -> int:
        """Packets that never arrived by themselves; retransmissions are another stream."""
        return self.expected - self.received

    def report(self, now: float) -> rtcp.ReceptionReport:
        """The block for the interval since the last call."""
        expected, received = self.expected - self._expected_before, self.received - self._received_before
        self._expected_before, self._received_before = self.expected, self.received
        lost = max(expected - received, 0)
        fraction = min(lost * 256 // expected, 255) if expected > 0 else 0
        delay = 0 if self._report_at is None else int((now - self._report_at) * 65536)
        return rtcp.ReceptionReport(
            ssrc=self._ssrc,
            fraction=fraction,
            lost=self.lost,
            highest=self.highest,
            jitter=int(self.deviation),
            lsr=self._report_ntp >> 16 & 0xFFFFFFFF,
            dlsr=min(delay, 0xFFFFFFFF),
        )
