"""One track on its way to one viewer: renumbers packets, repeats lost ones, reports the sender's clock.

Whatever happens at the publisher, and whichever layer is sent, the viewer sees one SSRC with continuous sequence
numbers, timestamps and picture numbers.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay import rtcp, rtp, vp8
from relay.allocate import CLINICAL, OTHERS, SOUND, SPEAKER
from relay.follow import Follower
from relay.lane import Send, SendNumbered
from relay.limits import TokenBucket
from relay.native import Lane, Leg
from relay.state import OVERHEAD
from relay.tally import tally
from relay.track import AUDIO, CLOCK_RATES, Packet

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
    def send_rtp(self) -> SendNumbered: ...


@dataclass(slots=True)
class Stretch:
    """Packets sent of one layer, from a keyframe to the next switch: what is added to its numbers. `slip` is by how
    much timestamps are later than the publisher's clock says, so that they never go back."""

    layer: InboundStream
    first_index: int
    first_number: int
    slip: int
    pictures: int
    levels: int
    shifts: bool
    lane: Lane
    repeats: Lane | None


class OutboundTrack(Follower, Leg):
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
        Follower.__init__(self)
        Leg.__init__(self)
        self._sender, self._clock, self._on_layers = sender, clock, on_layers
        self._send: Send = sender.send_rtp
        self.kind, self.mid = kind, mid
        self._rate = CLOCK_RATES[kind]
        self.ssrc, self.rtx_ssrc = secrets.randbits(31) | 1, secrets.randbits(31) | 1
        self.shown: int | None = None
        self._formats: Mapping[str, Format] = {}
        self._block = b""
        self._padding: Lane | None = None
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
        self.resends = 0

    def negotiate(
        self, formats: Mapping[str, Format], mid_extension: int | None, number_extension: int | None = None
    ) -> None:
        """Sends with the payload types (by name of the codec) and the extensions' ids of the latest offer: MID and the
        transport-wide number."""
        self._formats = formats
        self.numbered = number_extension is not None
        self._block = (
            rtp.mid_extension(mid_extension, self.mid)
            if number_extension is None
            else rtp.numbered_extension(number_extension, mid_extension, self.mid)
        )
        rtx = next((form.rtx for form in formats.values() if form.rtx is not None), None)
        self._padding = self._make_lane(self.rtx_ssrc, rtx, padded=True) if rtx is not None else None
        for stretch in self._stretches:
            lane = stretch.lane
            stretch.lane = self._make_lane(self.ssrc, lane.kind, add=lane.add, late=lane.late)
            if stretch.repeats is not None:
                stretch.repeats = self._make_lane(self.rtx_ssrc, stretch.repeats.kind, late=lane.late)
        self._lane = self._plain_lane()

    def _make_lane(self, ssrc: int, kind: int, *, add: int = 0, late: int = 0, padded: bool = False) -> Lane:
        return Lane(ssrc, kind, self._block, add=add, late=late, numbered=self.numbered, padded=padded)

    def _plain_lane(self) -> Lane | None:
        """The lane of what is sent now, when its payloads leave untouched."""
        return self._stretches[0].lane if self._stretches and not self._stretches[0].shifts else None

    def route(self, send: Send) -> None:
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

    def forward(self, packets: Sequence[Packet]) -> None:
        """Sends packets of the layer, which are in the order of their numbers."""
        stretch = self._stretch
        lane = stretch.lane
        highest = self._highest - lane.add
        if packets[0][0] <= highest:
            self._send_late(stretch, [packet for packet in packets if stretch.first_index <= packet[0] <= highest])
            packets = [packet for packet in packets if packet[0] > highest]
        if stretch.shifts:
            packets = [(i, m, t, vp8.shifted(p, stretch.pictures, stretch.levels)) for i, m, t, p in packets]
        sent = self._send(lane, packets)
        if sent:
            last = packets[sent - 1]
            self._highest, self._last_timestamp = last[0] + lane.add, last[2] + lane.late
            self.packets += sent
            self.octets += sum([len(packet[3]) for packet in packets[:sent]])

    def _send_late(self, stretch: Stretch, packets: Sequence[Packet]) -> None:
        """What the publisher had to repeat is a repeat here too: on its own SSRC it would look overtaken, and Chromium
        then waits for up to 9 packets before it asks for anything that this viewer's line loses."""
        for packet in packets:
            if stretch.repeats is not None:
                self._remember_resend(packet[0] + stretch.lane.add, self._clock())
            self._resend(stretch, packet)

    def on_begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """Fixes what is added to the layer's numbers, so that this packet follows the last one sent."""
        form = self._formats[layer.codec.name]
        number = self._highest + 1
        late, slip = self._continue_time(layer, timestamp)
        pictures, levels = self._continue_pictures(layer, payload)
        self._stretch = Stretch(
            layer=layer,
            first_index=index,
            first_number=number,
            slip=slip,
            pictures=pictures,
            levels=levels,
            shifts=bool(pictures or levels),
            lane=self._make_lane(self.ssrc, form.payload_type, add=number - index, late=late),
            repeats=None if form.rtx is None else self._make_lane(self.rtx_ssrc, form.rtx, late=late),
        )
        self._stretches.appendleft(self._stretch)
        self._lane = self._plain_lane()

    def on_leave(self, layer: InboundStream) -> None:
        """Remembers where the layer ended."""
        self._left_at = layer.arrived
        if layer.codec.numbered:
            stretch = self._stretch
            last = layer.packet(self._highest - stretch.lane.add)
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
            exact = before.lane.late - before.slip + known
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
            packet = stretch.layer.packet(number - stretch.lane.add)
            if packet is None or not self._resend_budget.take(now):
                continue
            self._remember_resend(number, now)
            self._resend(stretch, packet)

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

    def _resend(self, stretch: Stretch, packet: Packet) -> None:
        self.resends += 1
        tally.resent += 1
        index, marker, timestamp, payload = packet
        if stretch.shifts:
            payload = vp8.shifted(payload, stretch.pictures, stretch.levels)
        if stretch.repeats is None:
            self._send(stretch.lane, [(index, marker, timestamp, payload)])
            return
        wrapped = _ORIGINAL_SEQUENCE.pack(index + stretch.lane.add & 0xFFFF) + payload
        self._send(stretch.repeats, [(self._next_repeat(), marker, timestamp, wrapped)])

    def _next_repeat(self) -> int:
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return self._rtx_sequence

    def pad(self, send: Send) -> int:
        """Sends one packet of padding on the retransmission stream (RFC 4588 section 4) by `send`; its bytes on the
        wire, 0 when that cannot be."""
        if self._padding is None:
            return 0
        packet = (self._next_repeat(), 0, self._last_timestamp, _PADDING)
        return len(_PADDING) + OVERHEAD if send(self._padding, [packet]) else 0

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
        timestamp = (clock.rtp + int(passed * self._rate) + self._stretch.lane.late) & 0xFFFFFFFF
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
