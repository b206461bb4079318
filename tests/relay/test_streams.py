"""One stream in, several out: losses, repeats, renumbering, reports. No network, no clock but ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from relay import codecs, rtcp
from relay.inbound import InboundStream, RetransmissionStream
from relay.lane import Lane
from relay.outbound import OutboundTrack
from relay.sdp import Format
from relay.track import Packet, Track
from tests.relay.fakes import Clock

KEY, INTER = b"\x10\x10\x02\x00", b"\x10\x11\x02\x00"
VP8, RTX = 96, 97


@dataclass
class Wire:
    """What an outbound track sent: (second byte, sequence, timestamp, ssrc, payload)."""

    connected: bool = True
    sent: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)

    def send_rtp(self, lane: Lane, packets: Sequence[Packet]) -> int:
        for index, marker, timestamp, payload in packets:
            sequence, at = index + lane.add & 0xFFFF, timestamp + lane.late & 0xFFFFFFFF
            self.sent.append((marker | lane.kind, sequence, at, lane.ssrc, payload))
        return len(packets)

    def numbers(self, since: int = 0) -> list[int]:
        """Sequence numbers counted from the first packet."""
        return [(packet[1] - self.sent[0][1]) & 0xFFFF for packet in self.sent[since:]]


class Scene:
    """A published track and what its publisher was asked."""

    def __init__(self, kind: str = "video") -> None:
        self.clock = Clock()
        self.track = Track("camera-1", "ann", kind, "camera")
        self.asked: list[rtcp.Feedback] = []
        self.stream = self.new_stream(5)

    def new_stream(self, ssrc: int) -> InboundStream:
        stream = InboundStream(
            self.track,
            ssrc,
            codecs.VP8 if self.track.kind == "video" else codecs.OPUS,
            VP8,
            True,
            lambda packet: self.asked.extend(rtcp.parse(packet)),
            self.clock.schedule,
            self.clock,
        )
        self.track.bind(stream)
        return stream

    def viewer(self, rtx: int | None = 121) -> tuple[OutboundTrack, Wire]:
        wire = Wire()
        out = OutboundTrack(wire, self.track.kind, "0", lambda: out.aim((*self.track.layers, None)[0]), self.clock)
        codec = codecs.VP8 if self.track.kind == "video" else codecs.OPUS
        out.negotiate({codec.name: Format(codec, 120, rtx)}, None)
        out.follow(self.track)
        return out, wire

    def packet(self, sequence: int, payload: bytes = INTER, timestamp: int = 9000, marker: int = 0) -> None:
        self.stream.receive(marker | VP8, sequence & 0xFFFF, timestamp, payload, self.clock.now)


def test_a_viewer_starts_with_a_keyframe_and_sees_no_gap() -> None:
    scene = Scene()
    _, wire = scene.viewer()
    scene.packet(65533)
    for sequence, payload in [(65534, KEY), (65535, INTER), (65536, INTER)]:
        scene.packet(sequence, payload, marker=0x80)
    assert [packet[0] for packet in wire.sent] == [0x80 | 120] * 3
    assert wire.numbers() == [0, 1, 2]
    assert scene.asked == [rtcp.KeyframeRequest(5)]


def test_audio_starts_at_once() -> None:
    scene = Scene("audio")
    _, wire = scene.viewer()
    scene.packet(7, b"opus")
    assert [packet[4] for packet in wire.sent] == [b"opus"]


def test_nothing_is_sent_before_the_viewer_is_connected() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    wire.connected = False
    scene.packet(1, KEY)
    wire.connected = True
    out.request_keyframe()
    scene.packet(2, KEY)
    assert len(wire.sent) == 1


def test_duplicates_are_dropped_and_late_packets_keep_their_number() -> None:
    scene = Scene()
    _, wire = scene.viewer(rtx=None)
    for sequence, payload in [(10, KEY), (12, b"c" * 3), (11, b"b" * 3), (11, b"b" * 3), (12, b"c" * 3)]:
        scene.packet(sequence, payload)
    assert wire.numbers() == [0, 2, 1]
    assert scene.stream.duplicates == 2


def test_a_lost_packet_is_asked_for_and_repaired_by_rtx() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    scene.packet(10, KEY)
    scene.packet(13)
    scene.clock.advance(0.011)
    assert scene.asked[1:] == [rtcp.Nack(5, (11, 12))] * 2  # a lost request would cost a round trip
    repeats = RetransmissionStream(scene.stream, RTX)
    repeats.receive(RTX, 900, 9000, b"\x00\x0bagain", scene.clock.now)
    repeats.receive(RTX, 901, 9000, b"\x00\x0bagain", scene.clock.now)
    repeats.receive(RTX, 902, 9000, b"\x00\x00", scene.clock.now)  # padding only: a probe
    # A repair is a repeat for the viewer too: on its own SSRC it would look overtaken, and its requests would wait.
    assert [(packet[0] & 0x7F, packet[4]) for packet in wire.sent[:2]] == [(120, KEY), (120, INTER)]
    repair = wire.sent[2]
    first = wire.sent[0][1]
    assert len(wire.sent) == 3
    assert (repair[0] & 0x7F, repair[3], repair[4][2:]) == (121, out.rtx_ssrc, b"again")
    assert int.from_bytes(repair[4][:2], "big") == (first + 1) & 0xFFFF
    assert (scene.stream.recovered, scene.stream.lost) == (1, 1)
    scene.clock.advance(5)
    later = [item for item in scene.asked if isinstance(item, rtcp.Nack)]
    assert {item.sequences for item in later[2:]} == {(12,)}
    assert len(later) == 10 * 2


def test_a_long_gap_asks_for_a_keyframe_instead() -> None:
    scene = Scene()
    scene.packet(10, KEY)
    scene.packet(1000)
    scene.clock.advance(0.5)
    assert scene.asked == [rtcp.KeyframeRequest(5)]


def test_a_viewers_nack_is_answered_on_rtx_once_a_round_trip() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    for sequence in range(10, 15):
        scene.packet(sequence, KEY if sequence == 10 else b"payload%d" % sequence, timestamp=9000 + sequence)
    lost = wire.sent[2]
    for _ in range(3):
        out.on_nack((lost[1],), scene.clock.now)
    again = wire.sent[5:]
    assert [(packet[0], packet[2], packet[3]) for packet in again] == [(121, lost[2], out.rtx_ssrc)]
    assert again[0][4] == lost[1].to_bytes(2, "big") + b"payload12"
    scene.clock.advance(0.1)
    out.on_nack((lost[1],), scene.clock.now)
    assert len(wire.sent) == 7


def test_without_rtx_the_packet_itself_is_repeated() -> None:
    scene = Scene()
    out, wire = scene.viewer(rtx=None)
    scene.packet(10, KEY)
    scene.packet(11)
    out.on_nack((wire.sent[1][1],), scene.clock.now)
    assert wire.sent[2] == wire.sent[1]


def test_packets_before_the_viewers_first_or_after_its_last_are_not_repeated() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    scene.packet(9)
    scene.packet(10, KEY)
    first = wire.sent[0][1]
    out.on_nack(((first - 1) & 0xFFFF, (first + 1) & 0xFFFF, (first + 30000) & 0xFFFF), scene.clock.now)
    assert len(wire.sent) == 1


def test_a_viewer_cannot_order_more_repeats_than_the_budget() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    scene.packet(0, KEY)
    for sequence in range(1, 1000):
        scene.packet(sequence)
    first = wire.sent[0][1]
    out.on_nack(tuple((first + number) & 0xFFFF for number in range(1000)), scene.clock.now)
    assert out.resends == 400


def test_a_publisher_that_comes_back_continues_numbers_and_time() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    scene.packet(10, KEY, timestamp=100)
    scene.packet(11, timestamp=3100)
    scene.stream = scene.new_stream(6)
    scene.clock.advance(1.0)
    scene.packet(40000, timestamp=777)
    scene.packet(40001, KEY, timestamp=3777)
    assert wire.numbers() == [0, 1, 2]
    assert [(packet[2] - wire.sent[0][2]) & 0xFFFFFFFF for packet in wire.sent] == [0, 3000, 93000]
    assert {packet[3] for packet in wire.sent} == {out.ssrc}


def test_receiver_report_counts_loss_and_jitter() -> None:
    scene = Scene()
    scene.packet(10, KEY, timestamp=0)
    scene.stream.on_sender_report(rtcp.SenderReport(5, 0xAAAA1111_2222BBBB, 0, 0, 0), scene.clock.now)
    for step in range(1, 10):
        scene.clock.advance(0.01)
        if step not in (3, 4, 5):
            scene.packet(10 + step, timestamp=900 * step)
    report = scene.stream.report(scene.clock.now)
    assert report is not None
    assert (report.ssrc, report.lost, report.fraction, report.highest & 0xFFFF) == (5, 3, 3 * 256 // 10, 19)
    assert (report.jitter, report.lsr, report.dlsr) == (0, 0x11112222, int(0.09 * 65536))
    again = scene.stream.report(scene.clock.now)
    assert again is not None
    assert (again.lost, again.fraction) == (3, 0)


def test_the_sender_report_maps_the_publishers_clock() -> None:
    scene = Scene()
    out, wire = scene.viewer()
    assert out.report(scene.clock.now) is None
    scene.packet(10, KEY, timestamp=1000)
    shift = (wire.sent[0][2] - 1000) & 0xFFFFFFFF
    scene.stream.on_sender_report(rtcp.SenderReport(5, 7 << 32, 1000, 0, 0), scene.clock.now)
    scene.clock.advance(0.5)
    packed = out.report(scene.clock.now)
    assert packed is not None
    assert rtcp.parse(packed) == [
        rtcp.SenderReport(out.ssrc, (7 << 32) + (1 << 31), (1000 + 45000 + shift) & 0xFFFFFFFF, 1, len(KEY))
    ]


def test_the_round_trip_time_follows_from_the_viewers_report() -> None:
    scene = Scene()
    out, _ = scene.viewer()
    scene.packet(10, KEY)
    scene.stream.on_sender_report(rtcp.SenderReport(5, 7 << 32, 1000, 0, 0), scene.clock.now)
    out.report(scene.clock.now)
    scene.clock.advance(0.25)
    out.on_report(rtcp.ReceptionReport(out.ssrc, 0, 0, 0, 0, (7 << 16) & 0xFFFFFFFF, 65536 // 20), scene.clock.now)
    assert round(out.rtt, 3) == 0.2


def test_packets_of_another_payload_type_are_not_forwarded() -> None:
    scene = Scene()
    _, wire = scene.viewer()
    scene.stream.receive(13, 10, 0, KEY, scene.clock.now)
    assert wire.sent == []


def test_a_number_far_ahead_counts_only_when_the_next_follows_it() -> None:
    """RFC 3550 appendix A.1: one stray packet must not make all that follow look old."""
    scene = Scene()
    _, wire = scene.viewer()
    scene.packet(10, KEY)
    scene.packet(30000, b"stray")
    scene.packet(50000, b"stray")
    scene.packet(11)
    assert (wire.numbers(), [packet[4] for packet in wire.sent]) == ([0, 1], [KEY, INTER])


def test_after_a_confirmed_jump_viewers_go_on_at_the_next_keyframe_without_a_gap() -> None:
    scene = Scene()
    _, wire = scene.viewer()
    for sequence, payload in [(10, KEY), (11, INTER), (30000, INTER), (30001, INTER), (30002, KEY), (30003, INTER)]:
        scene.packet(sequence, payload)
    assert wire.numbers() == [0, 1, 2, 3]
    assert scene.asked[-1] == rtcp.KeyframeRequest(5)
    assert scene.stream.lost == 0
    for sequence, payload in [(5, INTER), (6, KEY), (7, INTER)]:  # and back again, as a sender that was restarted
        scene.packet(sequence, payload)
    assert wire.numbers() == [0, 1, 2, 3, 4, 5]


def test_sound_goes_on_at_once_after_a_jump() -> None:
    scene = Scene("audio")
    _, wire = scene.viewer()
    for sequence in (7, 8, 20000, 20001, 20002):
        scene.packet(sequence, b"opus")
    assert wire.numbers() == [0, 1, 2, 3]
