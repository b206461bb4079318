"""One track on its way to one viewer: renumbers packets, repeats lost ones, reports the sender's clock.

Whatever happens at the publisher, and whichever layer is sent, the viewer sees one SSRC with continuous sequence
numbers, timestamps and picture numbers.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay import rtcp, rtp, vp8
from relay.allocate import CLINICAL, OTHERS, SOUND, SPEAKER
from relay.follow import Follower
from relay.limits import TokenBucket
from relay.pacer import OVERHEAD, SendRtp
from relay.tally import tally
from relay.track import AUDIO, CLOCK_RATES

if TYPE_CHECKING:
    from relay.inbound import InboundStream
    from relay.sdp import Format

RESEND_PER_SECOND, RESEND_BURST = 1000, 400
MIN_RESEND_INTERVAL = 0.02
MAX_CLOCK_AGE = 30.0
"""Seconds after which a publisher's sender report is too old to be extrapolated."""
MAX_DISAGREEMENT = 1.0
"""Seconds by which sender reports and arrival may differ on how long a switch took; beyond it arrival counts."""
STRETCHES = 4
"""Stretches of layers remembered for repeats."""
_ORIGINAL_SEQUENCE = struct.Struct("!H")
_PADDING = bytes(254) + b"\xff"
"""The most padding a packet can have: 255 bytes, the last says how many (RFC 3550 section 5.1)."""


class Sender(Protocol):
    """What an outbound track needs of its transport."""

    @property
    def connected(self) -> bool: ...

    @property
    def send_rtp(self) -> SendRtp: ...


@dataclass(slots=True)
class Stretch:
    """Packets sent of one layer, from a keyframe to the next switch: what is added to its numbers. `slip` is by how
    much timestamps are later than the publisher's clock says, so that they never go back."""

    layer: InboundStream
    first_index: int
    first_number: int
    sequence_offset: int
    timestamp_offset: int
    slip: int
    pictures: int
    levels: int
    shifts: bool
    payload_type: int
    rtx: int | None


class OutboundTrack(Follower):
    """One m-line of a viewer. Sequence numbers are unwrapped until they are sent; times are monotonic seconds.

    `on_layers` is called when another layer may suit; whoever decides looks at `track.usable()`, `shown` (pixel
    height on the viewer's page, 0 for not visible, None for not told) and `rank`, and calls `aim`."""

    def __init__(
        self,
        sender: Sender,
        kind: str,
        mid: str,
        on_layers: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._sender, self._clock, self._on_layers = sender, clock, on_layers
        self._send = sender.send_rtp
        self.kind, self.mid = kind, mid
        self._rate = CLOCK_RATES[kind]
        self.ssrc, self.rtx_ssrc = secrets.randbits(31) | 1, secrets.randbits(31) | 1
        self.shown: int | None = None
        self._formats: Mapping[str, Format] = {}
        self._extension: bytes | bytearray = b""
        self._padding_type: int | None = None
        self.numbered = False
        self._stretch: Stretch
        self._stretches: deque[Stretch] = deque(maxlen=STRETCHES)
        self._highest = 0x10000 + secrets.randbits(15)
        self._last_timestamp = secrets.randbits(31)
        self._last_pictures: tuple[int | None, int | None] = (None, None)
        self._left_at = 0.0
        self._rtx_sequence = secrets.randbits(15)
        self._resent: dict[int, float] = {}
        self._resend_budget = TokenBucket(RESEND_PER_SECOND, RESEND_BURST)
        self._reports: deque[tuple[int, float]] = deque(maxlen=8)
        self.rtt = 0.1
        self.packets = self.octets = self.resends = 0

    def negotiate(
        self, formats: Mapping[str, Format], mid_extension: int | None, number_extension: int | None = None
    ) -> None:
        """Sends with the payload types (by name of the codec) and the extensions' ids of the latest offer: MID and the
        transport-wide number."""
        self._formats = formats
        self._padding_type = next((form.rtx for form in formats.values() if form.rtx is not None), None)
        self.numbered = number_extension is not None
        if number_extension is None:
            self._extension = rtp.mid_extension(mid_extension, self.mid)
        else:
            self._extension = rtp.numbered_extension(number_extension, mid_extension, self.mid)

    def route(self, send: SendRtp) -> None:
        """Sends packets by `send` from now on."""
        self._send = send

    @property
    def rank(self) -> int:
        """Its priority class."""
        if self.kind == AUDIO:
            return SOUND
        if self.track is None:
            return OTHERS
        if self.track.source != "camera":
            return CLINICAL
        return SPEAKER if self.track.speaking else OTHERS

    def layers_changed(self) -> None:
        """Has another layer chosen."""
        self._on_layers()

    def is_ready(self, layer: InboundStream) -> bool:
        """Whether the viewer is connected and can read the layer's codec."""
        return self._sender.connected and layer.codec.name in self._formats

    def forward(self, index: int, marker: int, timestamp: int, payload: bytes) -> None:
        """Sends a packet of the layer; `index` is its unwrapped number, `marker` 0 or 0x80."""
        stretch = self._stretch
        if index < stretch.first_index:
            return
        if stretch.shifts:
            payload = vp8.shifted(payload, stretch.pictures, stretch.levels)
        number = index + stretch.sequence_offset
        timestamp += stretch.timestamp_offset
        if number < self._highest and stretch.rtx is not None:
            # What the publisher had to repeat is a repeat here too: on its own SSRC it would look overtaken, and
            # Chromium then waits for up to 9 packets before it asks for anything that this viewer's line loses.
            self._remember_resend(number, self._clock())
            self._resend(stretch, number & 0xFFFF, marker, timestamp, payload)
            return
        if self._send(
            marker | stretch.payload_type,
            number & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            self.ssrc,
            self._extension,
            payload,
        ):
            self.packets += 1
            self.octets += len(payload)
            if number > self._highest:
                self._highest = number
                self._last_timestamp = timestamp

    def on_begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """Fixes what is added to the layer's numbers, so that this packet follows the last one sent."""
        form = self._formats[layer.codec.name]
        number = self._highest + 1
        timestamp_offset, slip = self._continue_time(layer, timestamp)
        pictures, levels = self._continue_pictures(layer, payload)
        self._stretch = Stretch(
            layer=layer,
            first_index=index,
            first_number=number,
            sequence_offset=number - index,
            timestamp_offset=timestamp_offset,
            slip=slip,
            pictures=pictures,
            levels=levels,
            shifts=bool(pictures or levels),
            payload_type=form.payload_type,
            rtx=form.rtx,
        )
        self._stretches.appendleft(self._stretch)

    def on_leave(self, layer: InboundStream) -> None:
        """Remembers where the layer ended."""
        self._left_at = layer.arrived
        if layer.codec.numbered:
            stretch = self._stretch
            last = layer.packet(self._highest - stretch.sequence_offset)
            if last is not None:
                self._last_pictures = vp8.numbers(vp8.shifted(last[3], stretch.pictures, stretch.levels))

    def _continue_time(self, layer: InboundStream, timestamp: int) -> tuple[int, int]:
        """What to add to the layer's timestamps, and how much of it keeps them from going back."""
        if not self._stretches:
            return self._last_timestamp - timestamp, 0
        before = self._stretches[0]
        passed = int((self._clock() - self._left_at) * self._rate)
        offset = self._last_timestamp + passed - timestamp
        known = _clock_distance(before.layer, layer)
        if known is not None:
            exact = before.timestamp_offset - before.slip + known
            difference = _signed(exact - offset)
            if abs(difference) < MAX_DISAGREEMENT * self._rate:
                offset += difference
        ahead = _signed(timestamp + offset - self._last_timestamp)
        slip = max(1 - ahead, 0)
        return offset + slip, slip

    def _continue_pictures(self, layer: InboundStream, payload: bytes) -> tuple[int, int]:
        """What to add to picture ids and TL0PICIDX of a VP8 layer (RFC 7741 section 4.2)."""
        if not layer.codec.numbered:
            return 0, 0
        (picture, level), (last_picture, last_level) = vp8.numbers(payload), self._last_pictures
        pictures = 0 if picture is None or last_picture is None else (last_picture + 1 - picture) & 0x7FFF
        levels = 0 if level is None or last_level is None else (last_level + 1 - level) & 0xFF
        return pictures, levels

    def on_nack(self, sequences: tuple[int, ...], now: float) -> None:
        """The viewer misses packets: repeats those still remembered, none more often than once a round trip."""
        interval = max(self.rtt * 0.8, MIN_RESEND_INTERVAL)
        for sequence in sequences:
            number = rtp.extend(sequence, self._highest)
            stretch = self._stretch_of(number)
            if stretch is None or now - self._resent.get(number, float("-inf")) < interval:
                continue
            packet = stretch.layer.packet(number - stretch.sequence_offset)
            if packet is None or not self._resend_budget.take(now):
                continue
            self._remember_resend(number, now)
            payload = packet[3]
            if stretch.shifts:
                payload = vp8.shifted(payload, stretch.pictures, stretch.levels)
            self._resend(stretch, number & 0xFFFF, packet[1], packet[2] + stretch.timestamp_offset, payload)

    def _stretch_of(self, number: int) -> Stretch | None:
        """What was sent when `number` was; None for what was never sent, or too long ago."""
        if number > self._highest:
            return None
        return next((stretch for stretch in self._stretches if number >= stretch.first_number), None)

    def _remember_resend(self, number: int, now: float) -> None:
        self._resent.pop(number, None)
        self._resent[number] = now
        if len(self._resent) > 1024:
            del self._resent[next(iter(self._resent))]

    def _resend(self, stretch: Stretch, sequence: int, marker: int, timestamp: int, payload: bytes) -> None:
        self.resends += 1
        tally.resent += 1
        timestamp &= 0xFFFFFFFF
        if stretch.rtx is None:
            second = marker | stretch.payload_type
            self._send(second, sequence, timestamp, self.ssrc, self._extension, payload)
            return
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        wrapped = _ORIGINAL_SEQUENCE.pack(sequence) + payload
        second = marker | stretch.rtx
        self._send(second, self._rtx_sequence, timestamp, self.rtx_ssrc, self._extension, wrapped)

    def pad(self, send: SendRtp) -> int:
        """Sends one packet of padding on the retransmission stream (RFC 4588 section 4) by `send`; its bytes on the
        wire, 0 when that cannot be."""
        if self._padding_type is None:
            return 0
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        timestamp = self._last_timestamp & 0xFFFFFFFF
        sequence = self._rtx_sequence
        if not send(self._padding_type, sequence, timestamp, self.rtx_ssrc, self._extension, _PADDING, 0xA0):
            return 0
        return len(_PADDING) + OVERHEAD

    def restart(self) -> None:
        """What was to be sent next is lost: begins again at a keyframe."""
        layer = self.awaited or self.layer
        self.aim(None)
        self.aim(layer)

    def on_report(self, report: rtcp.ReceptionReport, now: float) -> None:
        """The viewer's report: the round trip time follows from it (RFC 3550 section 6.4.1)."""
        for stamp, at in self._reports:
            if report.lsr and stamp == report.lsr:
                self.rtt = min(max(now - at - report.dlsr / 65536, 0.001), 2.0)

    def report(self, now: float) -> bytes | None:
        """A sender report in the publisher's wall clock, which keeps its tracks in step; None before it sent one."""
        clock = self.layer.sender_clock if self.layer is not None else None
        if clock is None or now - clock.at > MAX_CLOCK_AGE:
            return None
        passed = now - clock.at
        ntp = (clock.ntp + int(passed * (1 << 32))) & 0xFFFFFFFFFFFFFFFF
        timestamp = (clock.rtp + int(passed * self._rate) + self._stretch.timestamp_offset) & 0xFFFFFFFF
        self._reports.append((ntp >> 16 & 0xFFFFFFFF, now))
        return rtcp.pack_sender_report(rtcp.SenderReport(self.ssrc, ntp, timestamp, self.packets, self.octets))


def _clock_distance(before: InboundStream, after: InboundStream) -> int | None:
    """What turns timestamps of `after` into those of `before` for the same instant, from the sender reports of both
    (RFC 3550 section 6.4.1); None without them, and for tracks of different senders."""
    first, second = before.sender_clock, after.sender_clock
    if first is None or second is None or before.track is not after.track:
        return None
    return first.rtp - second.rtp + ((second.ntp - first.ntp) * before.track.clock >> 32)


def _signed(difference: int) -> int:
    """A difference of 32-bit timestamps, between -2^31 and 2^31."""
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000
