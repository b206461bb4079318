"""The log of a recording: what is written in which order, and the thread that writes it. Knows no rooms.

Records are packed and collected in the event loop; sealing and the disk are the writer thread's. Between the two is a
bounded queue, and the log is who drops: a piece that finds the queue full is lost, said so in the log, and the call
never waits for a disk. docs/recording.md has the format.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from relay.sealed import Sealer

log = logging.getLogger("relay.record")

FRAME_BYTES = 256 * 1024
"""Plaintext after which a piece goes to the disk before its time."""
QUEUE_PIECES = 256
"""Pieces that may wait for the disk, of all recordings together: at most 64 MiB."""
HEAD, STREAM, PACKET, CLOCK, MARK = range(5)
_HEAD = struct.Struct("!BI")
_PACKET = struct.Struct("!HQBId")
_CLOCK = struct.Struct("!HQId")


def text_record(kind: int, fields: dict[str, object]) -> bytes:
    """A record of JSON: HEAD, STREAM or MARK."""
    body = json.dumps(fields, separators=(",", ":")).encode()
    return _HEAD.pack(kind, len(body)) + body


def packet_record(stream: int, index: int, marker: int, timestamp: int, at: float, payload: bytes) -> bytes:
    """An RTP packet: stream's number, unwrapped sequence number, marker (0 or 0x80), timestamp, seconds of the log."""
    fixed = _PACKET.pack(stream, index, marker, timestamp, at)
    return _HEAD.pack(PACKET, len(fixed) + len(payload)) + fixed + payload


def clock_record(stream: int, ntp: int, rtp: int, at: float) -> bytes:
    """A sender report: NTP time (64 bits), RTP timestamp, seconds of the log when it came."""
    return _HEAD.pack(CLOCK, _CLOCK.size) + _CLOCK.pack(stream, ntp, rtp, at)


class Writer:
    """The thread all logs of a relay share. Ends with `close`, after what waits is written."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(QUEUE_PIECES)
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def offer(self, work: Callable[[], None]) -> bool:
        """Has `work` done later; False when too much waits."""
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception:
                # One log is broken: the others go on.
                log.exception("writing a recording failed")

    def close(self, seconds: float = 5.0) -> None:
        """Waits until everything is on the disk, at most `seconds`."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            log.error("the disk is stuck: recordings lose their last pieces")
        self._thread.join(seconds)


class LogFile:
    """One log. `broken`: the disk refused, nothing is written after that. `is_over`: all that ever comes is there."""

    def __init__(self, path: Path, key: bytes, writer: Writer) -> None:
        self._path, self._writer = path, writer
        self._sealer = Sealer(key, FRAME_BYTES + 65536)
        self._file: int | None = None
        self._buffer = bytearray()
        self._closed = self.broken = self.is_over = False
        self.lost = 0

    def add(self, record: bytes) -> None:
        """Appends one record."""
        self._buffer += record
        if len(self._buffer) >= FRAME_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hands over what was collected; what finds no room is lost and counted."""
        if self._buffer and not self._closed:
            piece, self._buffer = bytes(self._buffer), bytearray()
            if self._writer.offer(lambda: self._write(piece, last=False)):
                return
            self.lost += len(piece)
            self.add(text_record(MARK, {"event": "lost", "bytes": len(piece)}))

    def close(self) -> bool:
        """Writes the last frame; False while the queue has no room for it: call again."""
        if self._closed:
            return True
        piece = bytes(self._buffer)
        self._closed = self._writer.offer(lambda: self._write(piece, last=True))
        return self._closed

    def _write(self, piece: bytes, last: bool) -> None:
        if self.broken:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
                _write_all(self._file, self._sealer.header)
            _write_all(self._file, self._sealer.frame(piece, last))
            os.fsync(self._file)
        except OSError as error:
            self.broken = True
            log.error("recording %s: %s", self._path.name, error.strerror)
        if (last or self.broken) and self._file is not None:
            os.close(self._file)
            self._file = None
        self.is_over = last or self.broken


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
