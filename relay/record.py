"""Recording a room: one more viewer of every track, only while everybody present has agreed. Never decodes.

The site orders a recording by `record`, with a key and the people who agreed, and renews the order every second.
Nothing is written while somebody else is in the room, or when the order is older than LEASE: a withdrawal may be on
its way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from relay.follow import Follower
from relay.inbound import InboundStream, SenderClock
from relay.recordlog import (
    HEAD,
    MARK,
    STREAM,
    LogFile,
    Writer,
    clock_record,
    packet_record,
    text_record,
)
from relay.room import Room
from relay.track import Packet, Track

log = logging.getLogger("relay.record")

LEASE = 6.0
"""Seconds an order holds: three renewals missed, and the recording waits."""
FLUSH_INTERVAL = 0.5
"""Seconds a packet waits at most before it goes to the disk."""
KEYFRAME_INTERVAL = 20.0
"""Seconds between keyframes asked for, so that a recording can be entered anywhere."""
LOSS_PATIENCE = 1.5
"""Seconds after which a missing packet is given up, as in `nack`, and a keyframe asked for."""
MAX_MISSING = 1024
CLOSING = 5.0
"""Seconds the end of the process waits for a slow disk."""
ENDED = "ended"

Tell = Callable[[dict[str, Any]], None]


class Tap(Follower):
    """One track's way into the log, at its largest layer. Times are seconds of the log, `now` monotonic seconds."""

    def __init__(self, track: Track, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._number = 0
        self._clock: SenderClock | None = None
        self._first = self._highest = -1
        self._missing: dict[int, float] = {}
        self._keyframe_at = 0.0
        self.follow(track)

    def is_ready(self, layer: InboundStream) -> bool:
        """Always."""
        return True

    def layers_changed(self) -> None:
        """The largest there is."""
        layers = self.track.usable() if self.track is not None else ()
        self.aim(layers[-1] if layers else None)

    def on_begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """A stream of its own in the log: numbers and timestamps are the layer's."""
        self._clock = None
        self._first = self._highest = index
        self._keyframe_at = self._recorder.now()
        self._missing.clear()
        self._number = self._recorder.begin_stream(layer)

    def forward(self, packets: Sequence[Packet]) -> None:
        """Writes packets of the layer."""
        layer = self.layer
        if layer is None:
            return
        now = self._recorder.now()
        clock = layer.sender_clock
        if clock is not None and clock is not self._clock:
            self._clock = clock
            at = self._recorder.since_start(clock.at)
            self._recorder.write(clock_record(self._number, clock.ntp, clock.rtp, at))
        at = self._recorder.since_start(now)
        for index, marker, timestamp, payload in packets:
            if payload and index >= self._first:
                self._note_missing(index, now)
                self._recorder.write(packet_record(self._number, index, marker, timestamp, at, payload))

    def _note_missing(self, index: int, now: float) -> None:
        gap = index - self._highest
        if gap <= 0:
            self._missing.pop(index, None)
            return
        if 1 < gap <= MAX_MISSING and len(self._missing) < MAX_MISSING:
            self._missing.update(dict.fromkeys(range(self._highest + 1, index), now))
        self._highest = index

    def tick(self, now: float) -> None:
        """Asks for a keyframe when the picture broke, and from time to time."""
        given_up = [index for index, at in self._missing.items() if now - at > LOSS_PATIENCE]
        for index in given_up:
            del self._missing[index]
        if given_up or (self.layer is not None and now - self._keyframe_at > KEYFRAME_INTERVAL):
            self._keyframe_at = now
            self.request_keyframe()

    def restart(self) -> None:
        """A piece of the log was lost: a new stream begins at the next keyframe."""
        self.aim(None)
        self.layers_changed()


class Recorder:
    """One log of one room. `tell` sends an event to the site; the order's `people` are usernames."""

    def __init__(self, room: Room, name: str, file: LogFile, tell: Tell, clock: Callable[[], float]) -> None:
        self.room, self.name, self._file, self._tell, self.now = room, name, file, tell, clock
        self._started = clock()
        self._streams = 0
        self._taps: dict[str, Tap] = {}
        self._people: frozenset[str] = frozenset()
        self._until = 0.0
        self._flushed_at = self._started
        self._resumed_at: float | None = None
        self._seconds = 0.0
        self._lost = 0
        self.write(text_record(HEAD, {"v": 1, "room": room.name, "wall": time.time()}))

    def order(self, people: Collection[str]) -> None:
        """Records while nobody but `people` is there, until the lease ends."""
        self._people = frozenset(people)
        self._until = self.now() + LEASE
        self.refresh()

    def refresh(self) -> None:
        """Somebody came or went, tracks changed, or the lease ended."""
        present = {participant.username for participant in self.room.participants.values()}
        runs = bool(present) and present <= self._people and self.now() < self._until
        if runs and self._resumed_at is None:
            self._resume()
        elif not runs and self._resumed_at is not None:
            self._pause()
        if runs:
            tracks = {track.id: track for track in self.room.tracks()}
            for identifier in self._taps.keys() - tracks.keys():
                self._taps.pop(identifier).unfollow()
            for identifier in tracks.keys() - self._taps.keys():
                self._taps[identifier] = Tap(tracks[identifier], self)

    def _resume(self) -> None:
        self._resumed_at = self.now()
        self.write(text_record(MARK, {"event": "resumed", "at": self.since_start(self._resumed_at)}))
        self._say("running")

    def _pause(self) -> None:
        for tap in self._taps.values():
            tap.unfollow()
        self._taps.clear()
        now = self.now()
        self._seconds += now - (self._resumed_at if self._resumed_at is not None else now)
        self._resumed_at = None
        self.write(text_record(MARK, {"event": "paused", "at": self.since_start(now)}))
        self._file.flush()
        self._say("paused")

    def close(self, reason: str) -> None:
        """Ends the log."""
        if self._resumed_at is not None:
            self._pause()
        self.write(text_record(MARK, {"event": "closed", "at": self.since_start(self.now())}))
        self._say("closed", reason)

    def finish(self) -> bool:
        """Writes the last frame of a closed log; False: call again."""
        return self._file.close()

    @property
    def is_broken(self) -> bool:
        """Whether the disk refused."""
        return self._file.broken

    def tick(self, now: float) -> None:
        """Flushes, asks for keyframes, ends a lease."""
        if now - self._flushed_at >= FLUSH_INTERVAL:
            self._flushed_at = now
            self._file.flush()
        if self._file.lost != self._lost:
            # The lost piece may have held the beginning of a stream.
            self._lost = self._file.lost
            for tap in self._taps.values():
                tap.restart()
        for tap in self._taps.values():
            tap.tick(now)
        if self._resumed_at is not None and now >= self._until:
            self.refresh()

    def _say(self, state: str, reason: str = "") -> None:
        seconds = round(self._seconds, 3)
        event = {"t": "recording", "room": self.room.name, "log": self.name, "state": state}
        self._tell({**event, "reason": reason, "seconds": seconds, "lost": self._file.lost})

    def since_start(self, moment: float) -> float:
        """Seconds of the log at the monotonic `moment`."""
        return moment - self._started

    def write(self, record: bytes) -> None:
        """Appends to the log."""
        self._file.add(record)

    def begin_stream(self, layer: InboundStream) -> int:
        """Notes that packets of `layer` begin; their stream's number in the log."""
        track = layer.track
        self._streams += 1
        described = self.room.describe(track)
        fields: dict[str, object] = {
            **described,
            "stream": self._streams,
            "codec": layer.codec.name,
            "rate": track.clock,
        }
        self.write(text_record(STREAM, fields))
        return self._streams


class Recordings:
    """All recordings of a relay. `tell` sends an event to the site and is called in the event loop only."""

    def __init__(self, folder: Path, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._tell, self._clock = folder, tell, clock
        self._running: dict[str, Recorder] = {}
        self._closing: list[Recorder] = []
        self._files: dict[str, LogFile] = {}  # all that were opened: a log that was closed stays closed
        self._writer: Writer | None = None

    def order(self, room: Room, name: str, key: bytes, people: Collection[str]) -> None:
        """Records `room` into log `name`; a log that was closed stays closed, and the site is told again."""
        recorder = self._running.get(room.name)
        if recorder is not None and (recorder.name != name or recorder.room is not room):
            self.end(room.name, "replaced")
            recorder = None
        if recorder is None and name in self._files:
            self._tell(_closed(room.name, name))
            return
        if recorder is None:
            recorder = self._running[room.name] = self._open(room, name, key)
        recorder.order(people)

    def _open(self, room: Room, name: str, key: bytes) -> Recorder:
        if self._writer is None:
            self._writer = Writer()
        file = LogFile(self._folder / f"{name}.log", key, self._writer)
        self._files[name] = file
        log.info("room %s: recording %s", room.name, name)
        return Recorder(room, name, file, self._tell, self._clock)

    def end(self, room: str, reason: str = ENDED) -> None:
        """The recording of `room` is over; none is fine."""
        recorder = self._running.pop(room, None)
        if recorder is not None:
            recorder.close(reason)
            self._closing.append(recorder)
            self._finish()

    def changed(self, room: Room) -> None:
        """Somebody came or went, or tracks changed."""
        recorder = self._running.get(room.name)
        if recorder is not None and recorder.room is room:
            recorder.refresh()
            if not room.participants:
                self.end(room.name, "empty")

    def tick(self, now: float) -> None:
        """What is due."""
        for recorder in list(self._running.values()):
            recorder.tick(now)
            if recorder.is_broken:
                self.end(recorder.room.name, "disk")
        self._finish()

    def _finish(self) -> None:
        self._closing = [recorder for recorder in self._closing if not recorder.finish()]

    def is_whole(self, log_file: Path) -> bool:
        """Whether nothing more is written to `log_file`: it is over, or of a process that died."""
        file = self._files.get(log_file.stem)
        return file is None or file.is_over

    def settle(self, seconds: float = 5.0) -> None:
        """Waits until what was handed to the disk is there."""
        done = threading.Event()
        if self._writer is not None and self._writer.offer(done.set):
            done.wait(seconds)

    def close(self) -> None:
        """Ends all, and waits for the disk."""
        for room in list(self._running):
            self.end(room, "relay")
        deadline = time.monotonic() + CLOSING
        while self._closing and time.monotonic() < deadline:
            time.sleep(0.01)  # the queue is full: the last frames wait for the disk
            self._finish()
        if self._writer is not None:
            self._writer.close()


def _closed(room: str, name: str) -> dict[str, Any]:
    event = {"t": "recording", "room": room, "log": name, "state": "closed", "reason": ENDED}
    return {**event, "seconds": 0.0, "lost": 0}
