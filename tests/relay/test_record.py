"""The relay's gate: nothing is written while somebody is there who has not agreed, or when no order is fresh."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from consult.reel.log import Mark, Packet, Stream, records
from consult.reel.sealed import Frames
from relay import codecs
from relay.inbound import InboundStream
from relay.record import LEASE, Recordings
from relay.room import Room
from relay.track import Track
from tests.relay.fakes import Clock
from tests.relay.test_simulcast import Layer

KEY = bytes(range(32))
LOG = "0" * 32


class Camera:
    """Its layers are sent by the test; the small one comes first."""

    def __init__(self, stage: Stage, username: str) -> None:
        self.clock = stage.clock
        self.track = Track(f"camera-{username}", f"page-{username}", "video", "camera")
        self.small = self.adds(1, 180)

    def adds(self, ssrc: int, height: int) -> Layer:
        return Layer(self, ssrc, height)  # type: ignore[arg-type]


class Stage:
    """A real room with the doctor's microphone in it, and the recordings of its relay."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.told = Clock(), list[dict[str, Any]]()
        self.folder = folder
        self.recordings = Recordings(folder, self.told.append, self.clock)
        nothing: Any = None
        self.room = Room("7", 8, nothing, self.recordings.changed, lambda room, peer: None)
        self.streams: dict[str, InboundStream] = {}
        self.sequence = 0

    def enters(self, username: str) -> None:
        self.room.join(f"page-{username}", username, True, False)
        track = Track(f"mic-{username}", f"page-{username}", "audio", "mic")
        stream = InboundStream(track, 1, codecs.OPUS, 111, False, lambda data: None, self.clock.schedule, self.clock)
        track.bind(stream)
        self.room.participants[f"page-{username}"].tracks["mic", "audio"] = track
        self.streams[username] = stream
        self.recordings.changed(self.room)

    def order(self, *people: str, log: str = LOG) -> None:
        self.recordings.order(self.room, log, KEY, people)

    def speaks(self, username: str, word: bytes) -> None:
        self.sequence += 1
        self.streams[username].receive(111, self.sequence, self.sequence * 960, word, self.clock())
        self.clock.advance(0.02)
        self.recordings.tick(self.clock())

    def shows(self, username: str) -> Camera:
        """A camera."""
        camera = Camera(self, username)
        self.room.participants[f"page-{username}"].tracks["camera", "video"] = camera.track
        self.recordings.changed(self.room)
        return camera

    def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.recordings.tick(self.clock())
        self.recordings.settle()
        self.recordings.tick(self.clock())

    def content(self, log: str = LOG) -> tuple[list[Any], bool]:
        """The log's records so far, and whether it has its end."""
        frames = Frames(self.folder / f"{log}.log", KEY)
        return list(records(frames)), frames.is_whole

    def states(self) -> list[str]:
        return [event["state"] for event in self.told]

    def written(self, log: str = LOG) -> list[bytes]:
        """What the log holds, after everything is ended."""
        self.recordings.close()
        frames = Frames(self.folder / f"{log}.log", KEY)
        found = list(records(frames))
        assert frames.is_whole
        assert [each.event for each in found if isinstance(each, Mark)][-1] == "closed"
        assert all(each.codec == "opus" for each in found if isinstance(each, Stream))
        return [each.payload for each in found if isinstance(each, Packet)]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path / "relay")
    for username in ("li", "zhang"):
        stage.enters(username)
    return stage


def test_nothing_is_recorded_before_it_is_ordered(stage: Stage) -> None:
    stage.speaks("li", b"before")
    assert not stage.folder.exists()
    stage.order("li", "zhang")
    stage.speaks("li", b"after")
    assert stage.written() == [b"after"]


def test_not_a_packet_while_one_has_not_agreed(stage: Stage) -> None:
    stage.order("li")
    stage.speaks("li", b"alone")
    stage.speaks("zhang", b"never asked")
    stage.order("li", "zhang")
    stage.speaks("zhang", b"agreed")
    assert stage.states() == ["running"]
    assert stage.written() == [b"agreed"]


def test_who_comes_later_is_asked_before_anybody_is_recorded_again(stage: Stage) -> None:
    stage.order("li", "zhang")
    stage.speaks("li", b"one")
    stage.enters("wang")
    stage.speaks("wang", b"stranger")
    stage.speaks("li", b"to the stranger")
    stage.order("li", "zhang", "wang")
    stage.speaks("wang", b"two")
    assert stage.states() == ["running", "paused", "running"]
    assert stage.written() == [b"one", b"two"]


def test_the_stranger_goes_and_it_goes_on(stage: Stage) -> None:
    stage.order("li", "zhang")
    stage.enters("wang")
    stage.speaks("li", b"waits")
    stage.room.leave("page-wang")
    stage.speaks("li", b"goes on")
    assert stage.written() == [b"goes on"]


def test_a_withdrawal_ends_it_at_once(stage: Stage) -> None:
    stage.order("li", "zhang")
    stage.speaks("li", b"one")
    stage.recordings.end("7")
    stage.speaks("li", b"withdrawn")
    assert stage.told[-1] | {"seconds": 0} == {
        "t": "recording",
        "room": "7",
        "log": LOG,
        "state": "closed",
        "reason": "ended",
        "seconds": 0,
        "lost": 0,
    }
    assert stage.written() == [b"one"]


def test_an_order_nobody_renews_ends(stage: Stage) -> None:
    """The site is away: a withdrawal could not be heard."""
    stage.order("li", "zhang")
    stage.speaks("li", b"one")
    stage.clock.advance(LEASE)
    stage.recordings.tick(stage.clock())
    stage.speaks("li", b"unheard")
    stage.order("li", "zhang")
    stage.speaks("li", b"two")
    assert stage.written() == [b"one", b"two"]


def test_a_closed_log_stays_closed(stage: Stage) -> None:
    stage.order("li", "zhang")
    stage.recordings.end("7")
    stage.order("li", "zhang")
    stage.speaks("li", b"late")
    assert stage.states() == ["running", "paused", "closed", "closed"]
    assert stage.written() == []


def test_an_empty_room_ends_it(stage: Stage) -> None:
    stage.order("li", "zhang")
    for username in ("li", "zhang"):
        stage.room.leave(f"page-{username}")
    assert stage.told[-1]["reason"] == "empty"


def test_a_disk_that_refuses_ends_the_recording_and_not_the_call(stage: Stage) -> None:
    stage.folder.write_text("a file where the folder should be")
    stage.order("li", "zhang")
    stage.speaks("li", b"one")
    stage.clock.advance(1)
    stage.recordings.tick(stage.clock())
    stage.recordings.settle()
    stage.recordings.tick(stage.clock())
    stage.speaks("li", b"the call goes on")
    assert stage.told[-1]["reason"] == "disk"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to write files longer than `size` bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_keeps_what_is_there_and_the_call_goes_on(stage: Stage) -> None:
    stage.order("li", "zhang")
    stage.speaks("li", b"kept")
    stage.passes(1)
    log = stage.folder / f"{LOG}.log"
    assert not stage.recordings.is_whole(log)
    with files_of_at_most(log.stat().st_size + 100):
        stage.speaks("li", b"x" * 1000)
        stage.passes(1)
    assert (stage.states(), stage.told[-1]["reason"]) == (["running", "paused", "closed"], "disk")
    stage.speaks("li", b"nobody writes this")
    assert stage.streams["li"].received == 3
    found, is_whole = stage.content()
    assert ([each.payload for each in found if isinstance(each, Packet)], is_whole) == ([b"kept"], False)
    assert stage.recordings.is_whole(log)  # it goes to the site as it is


def test_a_slow_disk_loses_a_piece_and_says_so_and_never_holds_the_call(stage: Stage) -> None:
    """While the disk stands, 256 pieces wait; then a piece is lost, and every stream begins anew after it."""
    stage.order("li", "zhang")
    stage.speaks("li", b"before")
    stage.passes(1)
    disk = threading.Event()
    writer = stage.recordings._writer
    assert writer is not None
    assert writer.offer(disk.wait)
    while writer.offer(disk.wait):
        pass
    stage.speaks("li", b"lost")
    stage.clock.advance(1)
    stage.recordings.tick(stage.clock())
    disk.set()
    while writer._queue.qsize():
        time.sleep(0.001)
    stage.order("li", "zhang")
    stage.passes(1)
    stage.speaks("li", b"after")
    stage.recordings.end("7")
    assert stage.told[-1]["lost"] > 0
    assert stage.written() == [b"before", b"after"]
    found, _ = stage.content()
    assert [each.event for each in found if isinstance(each, Mark)][1] == "lost"
    streams = [each.number for each in found if isinstance(each, Stream)]
    packets = [each.stream for each in found if isinstance(each, Packet)]
    assert streams == packets == [1, 2]


def test_a_larger_layer_is_recorded_from_its_keyframe_as_a_stream_of_its_own(stage: Stage) -> None:
    """The smaller one is recorded until then, and takes over again when the large one stops."""
    camera = stage.shows("li")
    small = camera.small
    stage.order("li", "zhang")

    def plays(*layers: Layer, key: Layer | None = None) -> None:
        for layer in layers:
            layer.send(key=layer is key)
        stage.passes(0.03)

    plays(small, key=small)
    large = camera.adds(2, 360)
    plays(small, large)
    assert large.asked  # a keyframe
    plays(small, large, key=large)
    plays(small, large)
    camera.track.unbind(large.stream)
    plays(small)
    plays(small, key=small)
    plays(small)
    stage.recordings.end("7")
    stage.recordings.close()
    found, _ = stage.content()
    # stream, and whether it is a keyframe (RFC 6386 section 9.1)
    pictures = [(each.stream, not each.payload[5] & 1) for each in found if isinstance(each, Packet)]
    assert pictures == [(1, True), (1, False), (1, False), (2, True), (2, False), (3, True), (3, False)]
    assert [each.number for each in found if isinstance(each, Stream)] == [1, 2, 3]
