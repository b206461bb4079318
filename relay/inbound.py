"""One incoming RTP stream: duplicates, losses, reports, keyframe requests; hands every packet to the viewers.

The packets of the last second or more stay here, once for all viewers, for whoever lost one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from relay import rtcp
from relay.codecs import Codec
from relay.keyframes import KeyframeRequester, Schedule
from relay.nack import NackList
from relay.native import Intake
from relay.reception import Reception
from relay.tally import tally
from relay.track import VIDEO, Track

HISTORY = {"video": 1024, "audio": 128}
"""Packets kept: 1,024 are 2 s of 1080p at 6 Mbit/s, 128 are 2.5 s of Opus. Powers of two."""
MEASURE_INTERVAL = 0.5
"""Seconds over which a bit rate is measured; twice as long without a packet and the layer is not active."""
OVERHEAD = 60
"""Bytes of a packet on the wire besides its payload: IP, UDP, RTP with an extension, the SRTP tag."""

MAX_DROPOUT = 3000
"""Packets by which a number may be ahead of the last one; beyond it, or further behind than the history, it counts
only when the next packet follows it (RFC 3550 appendix A.1)."""


def _at_once(call: Callable[[], None]) -> None:
    call()


@dataclass(frozen=True, slots=True)
class SenderClock:
    """A publisher's sender report and when it came (monotonic seconds)."""

    ntp: int
    rtp: int
    at: float


class InboundStream(Intake):
    """One SSRC of a publisher: one layer of a track, at `position` in the publisher's order. `send` sends RTCP to it.
    Times are monotonic seconds, `height` is pixels (0: not known), `bitrate` bit/s on the wire, retransmissions not
    counted. `defer` calls back when what arrived with a packet has been received too: all of it is then handed on
    together."""

    def __init__(
        self,
        track: Track,
        ssrc: int,
        codec: Codec,
        payload_type: int,
        nack: bool,
        send: Callable[[bytes], None],
        schedule: Schedule,
        clock: Callable[[], float] = time.monotonic,
        position: int = 0,
        defer: Callable[[Callable[[], None]], None] = _at_once,
    ) -> None:
        super().__init__(payload_type, track.kind == VIDEO, HISTORY[track.kind], defer)
        self.track, self.ssrc, self.codec, self.position = track, ssrc, codec, position
        self._starts_keyframe = codec.starts_keyframe
        self._send, self._schedule, self._clock = send, schedule, clock
        self._nacks = NackList() if nack else None
        self._nack_armed = False
        self._reception: Reception | None = None
        self._after_jump = -1
        self._keyframes = KeyframeRequester(self, self._send_pli, schedule, clock)
        # Nothing is asked for yet, but the first keyframe tells the height.
        self.wants_keyframe = self._is_video
        self.duplicates = self.recovered = 0
        self.sender_clock: SenderClock | None = None
        self.height, self.bitrate, self.active = 0, 0.0, True
        self.arrived = clock()
        self._measured_octets = 0
        self._measured_at = self.arrived

    def receive(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """A packet on the stream's own SSRC; `second` is the header's second byte."""
        if second & 0x7F != self._payload_type or self._stopped:
            return
        reception = self._reception
        if reception is None:
            # Starts one cycle up, so that packets overtaken by the first one have positive numbers.
            reception = self._reception = Reception(self.ssrc, self.track.clock, sequence + 0x10000)
            index = sequence + 0x10000
        else:
            highest = reception.highest
            index = highest + ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000
            if index == highest + 1:
                reception.highest = index
            elif not highest - self._mask <= index <= highest + MAX_DROPOUT:
                index = self._jumped(reception, sequence)
                if index < 0:
                    return
            elif index > highest:
                reception.highest = index
                self._on_gap(highest + 1, index, now)
            elif not self._is_news(index, now):
                return
        self.arrived = now
        reception.received += 1
        if timestamp != reception.timestamp:
            reception.time(timestamp, now)
        self._accept(index, second & 0x80, timestamp, payload)

    def receive_again(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """A packet from the retransmission stream (RFC 4588 section 4), already unwrapped."""
        reception = self._reception
        if reception is None or self._stopped:
            return
        highest = reception.highest
        index = highest + ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000
        # Repeats of what was never missed are a sender probing the path.
        if index > highest or not self._is_news(index, now):
            return
        self.recovered += 1
        self._accept(index, second & 0x80, timestamp, payload)

    def _accept(self, index: int, marker: int, timestamp: int, payload: bytes) -> None:
        self.keep(index, marker, timestamp, payload)
        if self._is_video:
            if self.wants_keyframe and self._starts_keyframe(payload):
                self._on_keyframe(index, timestamp, payload)
        elif self.waiting:
            self._begin(index, timestamp, payload)
        self.pass_on(index)

    def _on_keyframe(self, index: int, timestamp: int, payload: bytes) -> None:
        self._keyframes.satisfied()
        height = self.codec.height(payload)
        if height and height != self.height:
            self.height = height
            self.track.rearrange()
        self._begin(index, timestamp, payload)

    def _begin(self, index: int, timestamp: int, payload: bytes) -> None:
        self.hand_on()
        for viewer in self.waiting:
            viewer.begin(self, index, timestamp, payload)

    def _is_news(self, index: int, now: float) -> bool:
        """Whether an overtaken packet is new and recent enough to pass on."""
        reception = self._reception
        if reception is None or reception.highest - index > self._mask:
            return False
        if self.packet(index) is not None:
            self.duplicates += 1
            return False
        if self._nacks is not None:
            self._nacks.arrived(index, now)
        return True

    def _jumped(self, reception: Reception, sequence: int) -> int:
        """The unwrapped number after a jump that a second packet confirms, from which viewers begin anew; -1 for the
        first one, which may be a stray."""
        if sequence != self._after_jump:
            self._after_jump = (sequence + 1) & 0xFFFF
            return -1
        self._after_jump = -1
        index = reception.highest + 1 + ((sequence - reception.highest - 1) & 0xFFFF)
        reception.restart(index)
        self.recovered = 0
        if self._nacks is not None:
            self._nacks.clear()
        for viewer in self.viewers:
            viewer.lost(self)
        self.track.rearrange()
        return index

    def _on_gap(self, first: int, end: int, now: float) -> None:
        if self._nacks is None:
            return
        if not self._nacks.gap(first, end, now):
            self.request_keyframe()
        self._arm_nack(now)

    def _arm_nack(self, now: float) -> None:
        due = self._nacks.next_due() if self._nacks is not None else None
        if due is not None and not self._nack_armed:
            self._nack_armed = True
            self._schedule(max(due - now, 0.001), self._ask_again)

    def _ask_again(self) -> None:
        self._nack_armed = False
        if self._nacks is None or self._stopped:
            return
        now = self._clock()
        missing = self._nacks.due(now)
        if missing:
            tally.nacks_sent += len(missing)
            request = rtcp.pack_nack(1, self.ssrc, missing)
            # A lost request costs a round trip more, and often a frozen picture; a second one costs 16 bytes.
            self._send(request)
            self._send(request)
        self._arm_nack(now)

    def request_keyframe(self) -> None:
        """A viewer needs a whole picture; audio has none."""
        if self._is_video and not self._stopped:
            self._keyframes.request()

    def _send_pli(self) -> None:
        tally.plis_sent += 1
        self._send(rtcp.pack_pli(1, self.ssrc))

    def on_sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """The publisher's own report about this stream."""
        self.sender_clock = SenderClock(report.ntp, report.rtp, now)
        if self._reception is not None:
            self._reception.on_sender_report(report.ntp, now)

    def report(self, now: float) -> rtcp.ReceptionReport | None:
        """The block for the next receiver report; None before the first packet."""
        return self._reception.report(now) if self._reception is not None else None

    @property
    def received(self) -> int:
        """Packets that came, also those that came again."""
        return self._reception.received + self.recovered if self._reception is not None else 0

    @property
    def jitter(self) -> float:
        """Seconds (RFC 3550 section A.8)."""
        return self._reception.jitter if self._reception is not None else 0.0

    @property
    def lost(self) -> int:
        """Packets that never came, not even again."""
        return max(self._reception.lost - self.recovered, 0) if self._reception is not None else 0

    def measure(self, now: float) -> bool:
        """Brings `bitrate` and `active` up to date; whether the stream stopped or came back."""
        passed = now - self._measured_at
        if passed >= MEASURE_INTERVAL:
            packets = self._reception.received if self._reception is not None else 0
            octets = self.octets + OVERHEAD * packets
            rate = (octets - self._measured_octets) * 8 / passed
            self.bitrate += (rate - self.bitrate) / (2 if self.bitrate else 1)
            self._measured_octets, self._measured_at = octets, now
        was, self.active = self.active, now - self.arrived < 2 * MEASURE_INTERVAL
        return was != self.active

    def stop(self) -> None:
        """No more requests to the publisher, nothing more to the viewers."""
        for viewer in (*self.viewers, *self.waiting):
            viewer.lost(self)
        self._stopped = True
        self._keyframes.stop()
        self.forget()


class RetransmissionStream:
    """The RTX SSRC of a stream (RFC 4588)."""

    level_extension = 0

    def __init__(self, media: InboundStream, payload_type: int) -> None:
        self.media, self._payload_type = media, payload_type

    def receive(self, second: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Unwraps the original sequence number and hands the packet on; padding-only probes are dropped."""
        if second & 0x7F == self._payload_type and len(payload) > 2:
            original = payload[0] << 8 | payload[1]
            self.media.receive_again(second, original, timestamp, payload[2:], now)
