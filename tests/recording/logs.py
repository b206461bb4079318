"""Logs as a relay writes them, with clocks that drift and reports that are late: everything seeded, nothing slept."""

import functools
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av

from relay import recordlog
from relay.sealed import Sealer

KEY = bytes(range(32))
NTP_EPOCH = 3_900_000_000.0  # seconds since 1900, about 2023


ENCODERS = {
    "vp8": ("libvpx", "ivf", {"deadline": "realtime", "cpu-used": "8", "g": "1000", "lag-in-frames": "0"}),
    "h264": ("libx264", "h264", {"preset": "ultrafast", "profile": "baseline", "tune": "zerolatency", "g": "1000"}),
}


def pictures(width: int = 160, height: int = 120, codec: str = "vp8") -> list[bytes]:
    """30 frames that grow brighter, the first a keyframe; H.264 in Annex B. The same ones each time."""
    return _encoded(30, width, height, codec)


@functools.cache
def _encoded(count: int, width: int, height: int, codec: str) -> list[bytes]:
    encoder, form, options = ENCODERS[codec]
    file = io.BytesIO()
    found = []
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(encoder, rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = options
        for number in range(count + 1):
            frame = av.VideoFrame(width, height, "yuv420p") if number < count else None
            if frame is not None:
                for plane in frame.planes:
                    plane.update(bytes([(number * 7) % 256]) * plane.buffer_size)
                frame.pts = number
            found += [bytes(packet) for packet in stream.encode(frame) if packet.size]
    return found


def vp8_payloads(frame: bytes) -> list[bytes]:
    """One packet: tests' pictures are small (RFC 7741)."""
    return [b"\x10" + frame]


def h264_payloads(frame: bytes) -> list[bytes]:
    """Parameter sets together, slices in fragments (RFC 6184 sections 5.7.1 and 5.8)."""
    units = [unit.rstrip(b"\0") for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    sets = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    made = [b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in sets)] if sets else []
    for unit in units:
        if unit[0] & 0x1F not in (1, 5):
            continue
        half = max(len(unit) // 2, 2)
        indicator, kind = unit[0] & 0xE0 | 28, unit[0] & 0x1F
        made.append(bytes([indicator, 0x80 | kind]) + unit[1:half])
        made.append(bytes([indicator, 0x40 | kind]) + unit[half:])
    return made


PAYLOADS = {"vp8": vp8_payloads, "h264": h264_payloads}


@functools.cache
def tones(count: int = 50) -> list[bytes]:
    """Opus packets of 20 ms."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        for number in range(count):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate, frame.pts = 48000, number * 960
            frame.planes[0].update(random.Random(number).randbytes(1920))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as read:
        return [bytes(packet) for packet in read.demux(audio=0) if packet.size][:count]


@dataclass
class Publisher:
    """One person's page. Drifts are parts per million against the relay's clock (`ntp`) or the page's (the rest)."""

    username: str
    first_stream: int
    ntp_drift: float = 0.0
    audio_drift: float = 0.0
    video_drift: float = 0.0
    delay: float = 0.02
    jitter: float = 0.03
    codec: str = "vp8"
    width: int = 160
    height: int = 120
    mark_every: int = 0  # seconds between packets and pictures whose last bytes say when they were captured
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    def ntp(self, true: float) -> float:
        return NTP_EPOCH + true * (1 + self.ntp_drift / 1e6)

    def rtp(self, kind: str, true: float) -> int:
        rate, drift = (48000, self.audio_drift) if kind == "audio" else (90000, self.video_drift)
        return int((self.ntp(true) - NTP_EPOCH) * (1 + drift / 1e6) * rate) + 0xFFFF0000  # wraps soon

    def arrival(self, true: float) -> float:
        return true + self.delay + self.rng.random() * self.jitter

    def marked(self, before: float, true: float, payload: bytes) -> bytes:
        """The first of each `mark_every` seconds says when it was captured; `before` is when the one before it was."""
        if self.mark_every and before // self.mark_every != true // self.mark_every:
            return payload + b"MARK%012d" % round(true * 1e6)
        return payload

    def streams(self) -> bytes:
        made = b""
        for number, (kind, source, codec, rate) in enumerate(
            [("audio", "mic", "opus", 48000), ("video", "camera", self.codec, 90000)], self.first_stream
        ):
            fields = {"stream": number, "id": f"{source}-1", "peer": f"page-{self.username}", "username": self.username}
            fields |= {"kind": kind, "source": source, "codec": codec, "rate": rate}
            made += recordlog.text_record(recordlog.STREAM, fields)
        return made

    def records(self, start: float, end: float, fps: int = 30) -> Iterator[tuple[float, bytes]]:
        """(arrival, record) of everything captured from `start` to `end`, seconds of the log."""
        audio, video = self.first_stream, self.first_stream + 1
        pace = 50 * (1 + self.ntp_drift / 1e6) * (1 + self.audio_drift / 1e6)  # packets/s: 960 samples of its own clock
        for number in range(int(start * pace), int(end * pace)):
            true = number / pace
            at = self.arrival(true)
            stamp = (number * 960 + 0xFFFF0000) & 0xFFFFFFFF
            payload = self.marked((number - 1) / pace, true, tones()[number % 50])
            yield at, recordlog.packet_record(audio, number + 70000, 0, stamp, at, payload)
        frames = pictures(width=self.width, height=self.height, codec=self.codec)
        index = 80000
        for number in range(int(end * fps)):
            payloads = PAYLOADS[self.codec](self.marked((number - 1) / fps, number / fps, frames[number % len(frames)]))
            index += len(payloads)
            if number < int(start * fps):
                continue
            at = self.arrival(number / fps)
            stamp = self.rtp("video", number / fps) & 0xFFFFFFFF
            for place, payload in enumerate(payloads, 1):
                marker = 0x80 if place == len(payloads) else 0
                yield at, recordlog.packet_record(video, index - len(payloads) + place - 1, marker, stamp, at, payload)
        for number in range(int(start) + 1, int(end), 5):
            for stream, kind in ((audio, "audio"), (video, "video")):
                true = number + self.rng.random()
                at = self.arrival(true)
                ntp = int(self.ntp(true) * (1 << 32))
                stamp = self.rtp(kind, true) & 0xFFFFFFFF
                yield at, recordlog.clock_record(stream, ntp, stamp, at)


def mark(event: str, at: float) -> bytes:
    return recordlog.text_record(recordlog.MARK, {"event": event, "at": at})


def sealed(path: Path, parts: list[bytes], key: bytes = KEY, whole: bool = True, frame: int = 8 * 1024) -> Path:
    """The parts as a relay seals them, some at a time."""
    sealer = Sealer(key, recordlog.FRAME_BYTES + 65536)
    pieces, piece = [], b""
    for part in parts:
        piece += part
        if len(piece) >= frame:
            pieces.append(piece)
            piece = b""
    pieces.append(piece)
    with path.open("wb") as file:
        file.write(sealer.header)
        for number, each in enumerate(pieces, 1):
            file.write(sealer.frame(each, last=whole and number == len(pieces)))
    return path


def head() -> bytes:
    return recordlog.text_record(recordlog.HEAD, {"v": 1, "room": "1", "wall": 1.7e9})


def conversation(
    path: Path, publishers: list[Publisher], seconds: float, *, whole: bool = True, key: bytes = KEY, fps: int = 30
) -> Path:
    """Everybody talks from the beginning to the end."""
    media = sorted(
        (each for publisher in publishers for each in publisher.records(0, seconds, fps)), key=lambda timed: timed[0]
    )
    parts = [head(), mark("resumed", 0.0), *(publisher.streams() for publisher in publishers)]
    parts += [record for _, record in media]
    if whole:
        parts += [mark("paused", seconds), mark("closed", seconds)]
    return sealed(path, parts, key, whole=whole)
