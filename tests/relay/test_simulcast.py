"""Simulcast without a network: which layer a viewer gets; no gap in numbers, time or pictures at a switch."""

from __future__ import annotations

import struct

from relay import codecs, rtcp
from relay.allocate import CLINICAL, OTHERS, SOUND, SPEAKER
from relay.choose import suitable
from relay.inbound import InboundStream
from relay.outbound import OutboundTrack
from relay.sdp import Format
from relay.track import Track
from relay.vp8 import numbers
from tests.relay.fakes import Clock
from tests.relay.test_streams import Wire

VP8 = 96


def payload(picture: int, level: int, key: bool, height: int = 180) -> bytes:
    """The first packet of a picture, with picture id and TL0PICIDX."""
    head = struct.pack("!BBHB", 0x90, 0xC0, 0x8000 | picture, level)
    frame = bytes([0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A]) + struct.pack("<HH", height * 16 // 9, height)
    return head + (frame if key else b"\x11\x02\x00") + b"data"


class Layer:
    """One layer's sender: 30 pictures a second of one packet each, with numbers of its own."""

    def __init__(self, scene: Stage, ssrc: int, height: int) -> None:
        self.scene, self.height = scene, height
        self.asked: list[rtcp.Feedback] = []
        self.stream = InboundStream(
            scene.track,
            ssrc,
            codecs.VP8,
            VP8,
            True,
            lambda packet: self.asked.extend(rtcp.parse(packet)),
            scene.clock.schedule,
            scene.clock,
            ssrc,
        )
        self.sequence, self.shift, self.picture, self.level = ssrc * 10000, ssrc * 1_000_000_000, ssrc * 7, ssrc * 50
        scene.track.bind(self.stream)

    def timestamp(self) -> int:
        return (int(self.scene.clock.now * 90000) + self.shift) & 0xFFFFFFFF

    def send(self, key: bool = False) -> None:
        self.sequence += 1
        self.picture = (self.picture + 1) & 0x7FFF
        self.level = (self.level + 1) & 0xFF
        data = payload(self.picture, self.level, key, self.height)
        self.stream.receive(0x80 | VP8, self.sequence & 0xFFFF, self.timestamp(), data, self.scene.clock.now)

    def report(self) -> None:
        """A sender report; the wall clock is ours."""
        now = self.scene.clock.now
        self.stream.on_sender_report(rtcp.SenderReport(0, int(now * (1 << 32)), self.timestamp(), 0, 0), now)


class Stage:
    """A track of three layers and one viewer."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.track = Track("camera-1", "ann", "video", "camera")
        self.layers = [Layer(self, ssrc, height) for ssrc, height in [(1, 180), (2, 360), (3, 720)]]
        self.wire = Wire()
        self.out = OutboundTrack(self.wire, "video", "0", lambda: None, self.clock)
        self.out.negotiate({"vp8": Format(codecs.VP8, 120, 121)}, None)
        self.out.follow(self.track)

    def play(self, pictures: int, *key: int) -> None:
        """So many pictures of every layer; the first is a keyframe for the layers in `key`."""
        for count in range(pictures):
            for position, layer in enumerate(self.layers):
                layer.send(key=count == 0 and position in key)
            self.clock.advance(1 / 30)

    def steps(self) -> list[tuple[int, int, int | None, int | None]]:
        """From packet to packet sent: sequence number, timestamp, picture id, TL0PICIDX."""
        found = []
        for before, after in zip(self.wire.sent, self.wire.sent[1:], strict=False):
            (old_picture, old_level), (picture, level) = numbers(before[4]), numbers(after[4])
            assert None not in (old_picture, old_level, picture, level)
            found.append(
                (
                    (after[1] - before[1]) & 0xFFFF,
                    (after[2] - before[2]) & 0xFFFFFFFF,
                    (picture - old_picture) & 0x7FFF,  # type: ignore[operator]
                    (level - old_level) & 0xFF,  # type: ignore[operator]
                )
            )
        return found


def test_a_switch_waits_for_the_keyframe_and_sends_the_old_layer_meanwhile() -> None:
    stage = Stage()
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    stage.out.aim(stage.layers[2].stream)
    assert stage.layers[2].asked == [rtcp.KeyframeRequest(3)]
    stage.play(3)
    assert stage.out.layer is stage.layers[0].stream
    assert len(stage.wire.sent) == 6
    stage.play(3, 2)
    assert stage.out.layer is stage.layers[2].stream
    assert len(stage.wire.sent) == 10  # the old layer's picture of that instant went out before the keyframe came
    assert {packet[3] for packet in stage.wire.sent} == {stage.out.ssrc}


def test_numbers_time_and_pictures_go_on_across_switches() -> None:
    stage = Stage()
    for layer in stage.layers:
        layer.report()
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    for target in (2, 1, 0, 2):
        stage.out.aim(stage.layers[target].stream)
        stage.play(5, target)
    assert {(sequence, picture, level) for sequence, _, picture, level in stage.steps()} == {(1, 1, 1)}
    # Upwards the picture of the same instant comes again one tick later; the time lost is made up for at once.
    ticks = [step[1] for step in stage.steps()]
    assert set(ticks) <= {1, 2999, 3000, 3001}
    assert sum(ticks) == round((stage.clock.now - 100.0 - 1 / 30) * 90000)


def test_without_sender_reports_time_goes_on_by_arrival() -> None:
    stage = Stage()
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    stage.out.aim(stage.layers[1].stream)
    stage.play(3, 1)
    assert [step[1] for step in stage.steps()] == [3000, 3000, 3000, 1, 3000, 3000]


def test_a_mad_clock_is_not_believed() -> None:
    stage = Stage()
    stage.layers[0].report()
    stage.layers[1].stream.on_sender_report(rtcp.SenderReport(0, 1 << 40, 5, 0, 0), stage.clock.now)
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    stage.out.aim(stage.layers[1].stream)
    stage.play(3, 1)
    assert max(step[1] for step in stage.steps()) == 3000


def test_what_was_lost_before_a_switch_is_repeated_from_the_layer_it_was_of() -> None:
    stage = Stage()
    stage.out.aim(stage.layers[0].stream)
    stage.play(4, 0)
    stage.out.aim(stage.layers[1].stream)
    stage.play(4, 1)
    stage.out.aim(stage.layers[2].stream)
    stage.play(4, 2)
    lost = [1, 6, len(stage.wire.sent) - 2]
    sent = [stage.wire.sent[position] for position in lost]
    count = len(stage.wire.sent)
    stage.out.on_nack(tuple(packet[1] for packet in sent), stage.clock.now)
    again = stage.wire.sent[count:]
    assert [(p[0] & 0x7F, p[2], p[3]) for p in again] == [(121, p[2], stage.out.rtx_ssrc) for p in sent]
    assert [p[4] for p in again] == [p[1].to_bytes(2, "big") + p[4] for p in sent]


def test_none_pauses_at_once_and_the_pause_is_in_the_timestamps() -> None:
    stage = Stage()
    stage.out.aim(stage.layers[1].stream)
    stage.play(3, 1)
    stage.out.aim(None)
    stage.play(30)
    assert len(stage.wire.sent) == 3
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    assert [step[0] for step in stage.steps()] == [1] * 5
    assert stage.steps()[2][1] in (92999, 93000)


def test_a_layer_that_stopped_is_not_usable_until_it_is_back() -> None:
    stage = Stage()
    stage.play(3, 0, 1, 2)
    top = stage.layers.pop()
    stage.play(40)
    stage.track.measure(stage.clock.now)
    assert [layer.height for layer in stage.track.usable()] == [180, 360]
    stage.layers.append(top)
    stage.play(1)
    stage.track.measure(stage.clock.now)
    assert [layer.height for layer in stage.track.usable()] == [180, 360, 720]


def test_layers_are_ordered_by_height_whatever_their_names_order_is() -> None:
    stage = Stage()
    stage.layers[0].height, stage.layers[2].height = 720, 180
    stage.play(1, 0, 1, 2)
    assert [layer.height for layer in stage.track.layers] == [180, 360, 720]
    assert [layer.ssrc for layer in stage.track.layers] == [3, 2, 1]


def test_each_layer_is_asked_for_keyframes_twice_a_second_at_most() -> None:
    stage = Stage()
    for _ in range(20):
        for layer in stage.layers:
            layer.stream.request_keyframe()
        stage.clock.advance(0.1)
    assert [len(layer.asked) for layer in stage.layers] == [4, 4, 4]


def test_the_bit_rate_of_a_layer_is_what_it_takes_on_the_wire() -> None:
    stage = Stage()
    stage.play(60)
    stage.track.measure(stage.clock.now)
    size = len(payload(1, 1, key=False)) + 60
    assert [round(layer.bitrate / 30 / 8 / size, 1) for layer in stage.track.layers] == [1.0, 1.0, 1.0]


def test_the_layer_that_fills_the_place_is_suitable() -> None:
    stage = Stage()
    stage.play(1, 0, 1, 2)
    layers = stage.track.usable()
    chosen = [suitable(layers, shown) for shown in (0, 100, 180, 240, 241, 360, 480, 481, 1080, None)]
    assert [layer and layer.height for layer in chosen] == [None, 180, 180, 180, 360, 360, 360, 720, 720, 720]
    assert suitable((), 100) is None


def test_a_publisher_that_comes_back_with_layers_goes_on_at_the_same_viewers() -> None:
    stage = Stage()
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    old = stage.layers[0].stream
    stage.layers[0] = Layer(stage, 1, 180)
    assert (stage.out.layer, old.viewers, old.packet(10001 + 0x10000)) == (None, (), None)
    stage.out.aim(stage.layers[0].stream)
    stage.play(3, 0)
    assert [step[0] for step in stage.steps()] == [1] * 5


def test_what_comes_first_when_there_is_little() -> None:
    ranks = []
    sent = [("audio", "mic"), ("video", "clinical"), ("video", "screen"), ("video", "camera"), ("video", "camera")]
    for position, (kind, source) in enumerate(sent):
        track = Track(f"{source}-1", "ann", kind, source)
        track.speaking = position == 3
        out = OutboundTrack(Wire(), kind, "0", lambda: None)
        out.follow(track)
        ranks.append(out.rank)
    assert ranks == [SOUND, CLINICAL, CLINICAL, SPEAKER, OTHERS]
