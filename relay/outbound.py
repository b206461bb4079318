"""One track on its way to one viewer: renumbers packets, repeats lost ones, reports the sender's clock.

Whatever happens at the publisher, the viewer sees one SSRC with continuous numbers and timestamps.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from relay import rtcp, rtp
from relay.limits import TokenBucket
from relay.track import CLOCK_RATES, VIDEO, Track
from relay.vp8 import starts_keyframe

RESEND_PER_SECOND, RESEND_BURST = 1000, 400
MIN_RESEND_INTERVAL = 0.02
MAX_CLOCK_AGE = 30.0
"""Seconds after which a publisher's sender report is too old to be extrapolated."""
_ORIGINAL_SEQUENCE = struct.Struct("!H")


class Sender(Protocol):
    """What an outbound track needs of its transport."""

    @property
    def connected(self) -> bool: ...

    def send_rtp(
        self, second: int, sequence: int, timestamp: int, ssrc: int, extension: bytes, payload: bytes
    ) -> bool: ...


@dataclass(frozen=True, slots=True)
class Format:
    """What was negotiated for a viewer's m-line. `rtx` is the payload type of RFC 4588, `mid_extension` the id of
    the MID header extension; either may be missing."""

    payload_type: int
    rtx: int | None
    mid_extension: int | None


class OutboundTrack:
    """One m-line of a viewer. Sequence numbers are unwrapped until they are sent; times are monotonic seconds."""

    def __init__(
        self, sender: Sender, kind: str, mid: str, form: Format, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sender, self._clock = sender, clock
        self.kind, self.mid = kind, mid
        self._rate = CLOCK_RATES[kind]
        self._is_video = kind == VIDEO
        self.ssrc, self.rtx_ssrc = secrets.randbits(31) | 1, secrets.randbits(31) | 1
        self.track: Track | None = None
        self._running = False
        self._first_index = 0
        self._sequence_offset = self._timestamp_offset = 0
        self._highest = 0x10000 + secrets.randbits(15)
        self._last_timestamp = secrets.randbits(31)
        self._paused_at = 0.0
        self._rtx_sequence = secrets.randbits(15)
        self._resent: dict[int, float] = {}
        self._resend_budget = TokenBucket(RESEND_PER_SECOND, RESEND_BURST)
        self._reports: deque[tuple[int, float]] = deque(maxlen=8)
        self.rtt = 0.1
        self.packets = self.octets = self.resends = 0
        self.negotiate(form)

    def negotiate(self, form: Format) -> None:
        """Sends with the payload types and extension ids of the latest offer."""
        self._payload_type, self._rtx = form.payload_type, form.rtx
        self._extension = rtp.mid_extension(form.mid_extension, self.mid)

    def attach(self, track: Track) -> None:
        """Sends `track` from now on, instead of what it sent before."""
        if self.track is track:
            return
        self.detach()
        self.track = track
        track.add(self)
        self.restart()

    def detach(self) -> None:
        """Sends nothing from now on."""
        if self.track is not None:
            self.track.remove(self)
        self.track = None
        self._pause()

    def _pause(self) -> None:
        if self._running:
            self._running = False
            self._paused_at = self._clock()

    def restart(self) -> None:
        """The packets to come do not continue those before: begin again at the next keyframe."""
        self._pause()
        self._resent.clear()
        self.request_keyframe()

    def request_keyframe(self) -> None:
        """The viewer needs a whole picture."""
        if self._is_video and self.track is not None and self._sender.connected:
            self.track.request_keyframe()

    def forward(self, index: int, marker: int, timestamp: int, payload: bytes) -> None:
        """Sends a packet of the track; `index` is its unwrapped number, `marker` 0 or 0x80."""
        if not self._running:
            if not self._begin(index, timestamp, payload):
                return
        elif index < self._first_index:
            return
        number = index + self._sequence_offset
        if self._sender.send_rtp(
            marker | self._payload_type,
            number & 0xFFFF,
            (timestamp + self._timestamp_offset) & 0xFFFFFFFF,
            self.ssrc,
            self._extension,
            payload,
        ):
            self.packets += 1
            self.octets += len(payload)
            if number > self._highest:
                self._highest = number
                self._last_timestamp = timestamp + self._timestamp_offset

    def _begin(self, index: int, timestamp: int, payload: bytes) -> bool:
        """Fixes the offsets so that this packet follows the last one sent. Video begins with a keyframe."""
        if not self._sender.connected or (self._is_video and not starts_keyframe(payload)):
            return False
        now = self._clock()
        passed = int((now - self._paused_at) * self._rate) if self.packets else 0
        self._first_index = index
        self._sequence_offset = self._highest + 1 - index
        self._timestamp_offset = self._last_timestamp + max(passed, 1) - timestamp
        self._running = True
        return True

    def on_nack(self, sequences: tuple[int, ...], now: float) -> None:
        """The viewer misses packets: repeats those still remembered, none more often than once a round trip."""
        stream = self.track.stream if self.track is not None else None
        if stream is None or not self._running:
            return
        interval = max(self.rtt * 0.8, MIN_RESEND_INTERVAL)
        for sequence in sequences:
            number = rtp.extend(sequence, self._highest)
            index = number - self._sequence_offset
            if number > self._highest or index < self._first_index:
                continue
            if now - self._resent.get(number, float("-inf")) < interval:
                continue
            packet = stream.packet(index)
            if packet is None or not self._resend_budget.take(now):
                continue
            self._remember_resend(number, now)
            self._resend(number & 0xFFFF, packet[1], packet[2] + self._timestamp_offset, packet[3])

    def _remember_resend(self, number: int, now: float) -> None:
        self._resent.pop(number, None)
        self._resent[number] = now
        if len(self._resent) > 1024:
            del self._resent[next(iter(self._resent))]

    def _resend(self, sequence: int, marker: int, timestamp: int, payload: bytes) -> None:
        self.resends += 1
        timestamp &= 0xFFFFFFFF
        if self._rtx is None:
            second = marker | self._payload_type
            self._sender.send_rtp(second, sequence, timestamp, self.ssrc, self._extension, payload)
            return
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        wrapped = _ORIGINAL_SEQUENCE.pack(sequence) + payload
        second = marker | self._rtx
        self._sender.send_rtp(second, self._rtx_sequence, timestamp, self.rtx_ssrc, self._extension, wrapped)

    def on_report(self, report: rtcp.ReceptionReport, now: float) -> None:
        """The viewer's report: the round trip time follows from it (RFC 3550 section 6.4.1)."""
        for stamp, at in self._reports:
            if report.lsr and stamp == report.lsr:
                self.rtt = min(max(now - at - report.dlsr / 65536, 0.001), 2.0)

    def report(self, now: float) -> bytes | None:
        """A sender report in the publisher's wall clock, which keeps its tracks in step; None before it sent one."""
        stream = self.track.stream if self.track is not None else None
        clock = stream.sender_clock if stream is not None else None
        if clock is None or not self._running or now - clock.at > MAX_CLOCK_AGE:
            return None
        passed = now - clock.at
        ntp = (clock.ntp + int(passed * (1 << 32))) & 0xFFFFFFFFFFFFFFFF
        timestamp = (clock.rtp + int(passed * self._rate) + self._timestamp_offset) & 0xFFFFFFFF
        self._reports.append((ntp >> 16 & 0xFFFFFFFF, now))
        return rtcp.pack_sender_report(rtcp.SenderReport(self.ssrc, ntp, timestamp, self.packets, self.octets))
