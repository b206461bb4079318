"""A viewer's line divided among real tracks, over a simulated line: who waits, who is told, what goes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from relay import codecs, rtcp, twcc
from relay.allocate import CLINICAL, OTHERS, SPEAKER
from relay.budget import TELL_AFTER, Budget
from relay.inbound import InboundStream
from relay.lane import Lane
from relay.outbound import OutboundTrack
from relay.pacer import OVERHEAD
from relay.sdp import Format
from relay.track import Packet, Track
from tests.relay.fakes import Clock
from tests.relay.line import Line

KEY, INTER = b"\x10\x10\x02\x00", b"\x10\x11\x02\x00"
FRAME, VOICE = 1 / 25, 1 / 50
SMALL, LARGE = 200_000, 1_200_000


class Camera:
    """Sends two layers; a layer begins anew when a keyframe is asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._count = clock, 0
        self.track = Track("camera-1", "ann", "video", "camera")
        self._asked: set[int] = set()
        self._layers = [(self._layer(0), SMALL), (self._layer(1), LARGE)]
        self._sequences = [0, 0]
        self._frame()

    def _layer(self, position: int) -> InboundStream:
        def on_rtcp(packet: bytes) -> None:
            self._asked |= {item.ssrc for item in rtcp.parse(packet) if isinstance(item, rtcp.KeyframeRequest)}

        clock = self._clock
        stream = InboundStream(
            self.track, position + 5, codecs.VP8, 96, False, on_rtcp, clock.schedule, clock, position
        )
        self.track.bind(stream)
        return stream

    def _frame(self) -> None:
        for position, (layer, bitrate) in enumerate(self._layers):
            size, start = int(bitrate * FRAME / 8), KEY if layer.ssrc in self._asked else INTER
            size *= 4 if start == KEY else 1
            self._asked.discard(layer.ssrc)
            while size > 0:
                payload = start + bytes(min(size, 1100))
                layer.receive(96, self._sequences[position] & 0xFFFF, self._count * 3600, payload, self._clock())
                self._sequences[position] += 1
                size, start = size - len(payload), INTER[:1] + b"\x11\x02\x00"
        self._count += 1
        if self._count % 12 == 0:
            self.track.measure(self._clock())
        self._clock.schedule(FRAME, self._frame)


class Voice:
    """Speaks all the time: 60 kbit/s on the wire."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.sent = clock, 0
        self.track = Track("mic-1", "ann", "audio", "mic")
        self._stream = InboundStream(self.track, 4, codecs.OPUS, 111, False, lambda packet: None, clock.schedule, clock)
        self.track.bind(self._stream)
        self._speak()

    def _speak(self) -> None:
        self._stream.receive(111, self.sent & 0xFFFF, self.sent * 960, bytes(90), self._clock())
        self.sent += 1
        self._clock.schedule(VOICE, self._speak)


class Viewer:
    """Receives over `line` and says what arrived; `paused` is what it was told."""

    connected = True

    def __init__(self, clock: Clock, line: Line, tracks: list[Track], numbered: bool = True) -> None:
        self._clock, self._line, self._log = clock, line, twcc.ArrivalLog()
        self.arrived: dict[int, int] = {}
        self.told: list[frozenset[str]] = []
        self.outs: list[OutboundTrack] = []
        self.budget = Budget(self, lambda: self.outs, self.told.append, clock.schedule, clock)
        for position, track in enumerate(tracks):
            out = OutboundTrack(self, track.kind, str(position), lambda: self.budget.divide(clock()), clock)
            self.outs.append(out)
            codec = codecs.VP8 if track.kind == "video" else codecs.OPUS
            out.negotiate({codec.name: Format(codec, 120, 121)}, 4, 3 if numbered else None)
            self.budget.admit(out)
            out.follow(track)
        self._feed_back()

    def send_rtp(self, lane: Lane, packets: Sequence[Packet], number: int = 0) -> int:
        for count, (_, _, _, payload) in enumerate(packets):
            self._line.send(len(payload) + OVERHEAD, partial(self._receive, number + count & 0xFFFF, lane.ssrc))
        return len(packets)

    def flush(self) -> None:
        """Nothing waits here."""

    def _receive(self, number: int, ssrc: int) -> None:
        self._log.arrived(number, self._clock())
        self.arrived[ssrc] = self.arrived.get(ssrc, 0) + 1

    def _feed_back(self) -> None:
        for packet in self._log.feedback(1, 2):
            (feedback,) = rtcp.parse(packet)
            assert isinstance(feedback, twcc.Arrivals)
            self.budget.on_feedback(feedback, self._clock())
        self._clock.schedule(0.1, self._feed_back)

    def layer(self, position: int) -> int | None:
        """Which layer of a track it gets."""
        found = self.outs[position].layer
        return None if found is None else found.position


def test_video_waits_on_a_line_for_sound_and_comes_back_alone() -> None:
    clock = Clock()
    voice, camera, line = Voice(clock), Camera(clock), Line(clock, 5_000_000, limit=0.3)
    viewer = Viewer(clock, line, [voice.track, camera.track])
    clock.advance(5.0)
    assert (viewer.layer(0), viewer.layer(1), viewer.told) == (0, 1, [])
    line.rate = 100_000
    clock.advance(6.0)
    assert viewer.layer(1) is None
    assert viewer.told == [frozenset({"camera-1"})]
    sound = viewer.outs[0].ssrc
    sent, arrived = voice.sent, viewer.arrived[sound]
    clock.advance(20.0)
    assert viewer.arrived[sound] - arrived > (voice.sent - sent) * 0.98
    line.rate = 5_000_000
    clock.advance(15.0)
    assert viewer.layer(1) == 1
    assert viewer.told == [frozenset({"camera-1"}), frozenset()]


def test_on_a_narrower_line_the_picture_gets_smaller_and_nobody_is_told() -> None:
    clock = Clock()
    voice, camera, line = Voice(clock), Camera(clock), Line(clock, 5_000_000, limit=0.3)
    viewer = Viewer(clock, line, [voice.track, camera.track])
    clock.advance(5.0)
    line.rate = 600_000
    clock.advance(TELL_AFTER * 6)
    assert viewer.layer(1) == 0
    assert viewer.told == []


def test_a_picture_that_is_not_shown_waits_for_nobody() -> None:
    clock = Clock()
    camera = Camera(clock)
    viewer = Viewer(clock, Line(clock, 5_000_000), [camera.track])
    clock.advance(2.0)
    viewer.outs[0].shown = 0
    viewer.budget.divide(clock())
    clock.advance(5.0)
    assert viewer.layer(0) is None
    assert viewer.told == []


def test_a_viewer_that_reports_only_loss_or_an_estimate_of_its_own_is_tried_again() -> None:
    clock = Clock()
    camera = Camera(clock)
    viewer = Viewer(clock, Line(clock, 5_000_000), [camera.track], numbered=False)
    clock.advance(3.0)
    assert viewer.layer(0) == 1
    for _ in range(10):
        viewer.budget.on_max_bitrate(100_000, clock())
        viewer.budget.tick(clock())
        clock.advance(1.0)
    assert viewer.layer(0) is None
    assert viewer.told == [frozenset({"camera-1"})]
    for _ in range(8):
        viewer.budget.tick(clock())
        clock.advance(1.0)
    assert viewer.layer(0) == 1
    assert viewer.told[-1] == frozenset()


def test_the_clinical_picture_ranks_before_who_speaks_and_that_before_the_rest() -> None:
    clock = Clock()
    face, probe = Camera(clock), Camera(clock)
    probe.track.source = "clinical"
    viewer = Viewer(clock, Line(clock, 5_000_000), [face.track, probe.track])
    assert [out.rank for out in viewer.outs] == [OTHERS, CLINICAL]
    face.track.speaking = True
    assert [out.rank for out in viewer.outs] == [SPEAKER, CLINICAL]
