"""One person's picture and sound as a file a browser plays: packets are copied, nothing is decoded or encoded.

VP8 and Opus go into WebM, H.264 and Opus into MP4. Browsers play Opus by counting its samples, so sound is written
without holes: what is missing is filled with 20 ms of silence, and a clock that runs fast loses a packet now and then.
"""

import functools
import io
import struct
from fractions import Fraction
from typing import Any

import av
from av.packet import Packet as AvPacket

from consult.reel.frames import Frame

SOUND_RATE = 48000
MICROSECOND = Fraction(1, 1_000_000)
SILENCE = b"\xf8\xff\xfe"  # 20 ms, as encoders send it
SILENCE_SAMPLES = 960
MOST_OFF = 960  # samples that sound may be away from its moment before it is put right: 20 ms
SOUND_BEHIND = 3.0  # seconds that sound may be silent before silence is written: longer than packets are waited for
FORMATS = {"": ("webm", "audio/webm"), "vp8": ("webm", "video/webm"), "h264": ("mp4", "video/mp4")}
_IVF = struct.Struct("<4sHH4sHHIII4xIQ")  # file and frame header


def opus_samples(packet: bytes) -> int:
    """Samples at 48 kHz in an Opus packet (RFC 6716 section 3.1); 0 for nonsense."""
    if not packet:
        return 0
    config = packet[0] >> 3
    if config < 12:
        size = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        size = (480, 960)[config & 1]
    else:
        size = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[packet[0] & 3]
    return size * frames


class Film:
    """`sink` is a seekable file-like object. Times are seconds of the recording; `offset` is where the file begins."""

    def __init__(self, sink: Any, codec: str, first: Frame | None, offset: float, has_sound: bool) -> None:
        self.offset, self._codec = offset, codec
        self._container = av.open(sink, "w", format=FORMATS[codec][0])
        self._video = self._container.add_stream_from_template(_video(codec, first)) if first else None
        self._sound = self._container.add_stream_from_template(_sound()) if has_sound else None
        self._last_picture = -1
        self._next_sample = 0
        self._began_sound = False
        self.seconds = 0.0
        self.pictures = self.packets = self.filled = self.dropped = 0

    def picture(self, frame: Frame, at: float) -> None:
        """A frame shown at `at`."""
        if self._video is None:
            return
        pts = max(round((at - self.offset) * 1_000_000), self._last_picture + 1000)
        self._last_picture = pts
        self._put(self._video, frame.content, pts, frame.is_key)
        self.pictures += 1
        if self._sound is not None and self._began_sound:
            self._fill(int((at - self.offset - SOUND_BEHIND) * SOUND_RATE))

    def sound(self, packet: bytes, at: float) -> None:
        """An Opus packet heard at `at`."""
        samples = opus_samples(packet)
        if self._sound is None or not samples:
            return
        wanted = max(round((at - self.offset) * SOUND_RATE), 0)
        if not self._began_sound:
            self._began_sound, self._next_sample = True, wanted
        if self._next_sample - wanted > MOST_OFF:
            self.dropped += 1
            return
        self._fill(wanted)
        self._sample(packet, samples)
        self.packets += 1

    def _fill(self, until: int) -> None:
        while until - self._next_sample > MOST_OFF:
            self._sample(SILENCE, SILENCE_SAMPLES)
            self.filled += 1

    def _sample(self, packet: bytes, samples: int) -> None:
        pts = self._next_sample * 1_000_000 // SOUND_RATE
        self._put(self._sound, packet, pts, is_key=True)
        self._next_sample += samples

    def _put(self, stream: Any, content: bytes, pts: int, is_key: bool) -> None:
        packet = AvPacket(content)
        packet.stream = stream
        packet.time_base = MICROSECOND
        packet.pts = packet.dts = pts
        packet.is_keyframe = is_key
        self.seconds = max(self.seconds, pts / 1_000_000)
        self._container.mux(packet)

    def close(self) -> None:
        self._container.close()


def _video(codec: str, first: Frame | None) -> Any:
    """A stream with the parameters in the first keyframe."""
    content = first.content if first else b""
    if codec == "vp8":
        header = _IVF.pack(b"DKIF", 0, 32, b"VP80", 0, 0, 90000, 1, 1, len(content), 0)
        return av.open(io.BytesIO(header + content), format="ivf").streams.video[0]
    return av.open(io.BytesIO(content), format="h264").streams.video[0]


@functools.cache
def _sound_head() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=SOUND_RATE, layout="stereo")
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SILENCE_SAMPLES)
        frame.sample_rate, frame.pts = SOUND_RATE, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def _sound() -> Any:
    return av.open(io.BytesIO(_sound_head())).streams.audio[0]
