"""A real 1280x720 VP8 camera for those servers that decode: a few seconds, encoded once, sent round and round."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from relay.bench.canned import FRAMES_PER_SECOND

WIDTH, HEIGHT = 1280, 720
BITS_PER_SECOND = 1_400_000
PICTURES = 60
TICKS = 90000 // FRAMES_PER_SECOND


def pictures() -> Iterator[list[bytes]]:
    """RTP payloads of each picture, for ever; every `PICTURES`th is a keyframe."""
    return itertools.cycle(_encoded())


@cache
def _encoded() -> list[list[bytes]]:
    # Imported here: the load against servers that only forward needs no codec.
    import numpy
    from aiortc.codecs.vpx import Vp8Encoder
    from av import VideoFrame

    encoder = Vp8Encoder()
    encoder.target_bitrate = BITS_PER_SECOND
    noise = numpy.random.default_rng(1)
    scene = noise.integers(0, 255, (HEIGHT // 16, WIDTH // 8, 3), numpy.uint8).repeat(16, 0).repeat(16, 1)
    found = []
    for number in range(PICTURES):
        image = numpy.roll(scene, number * 8, axis=1)[:, :WIDTH]
        frame = VideoFrame.from_ndarray(numpy.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = number * TICKS, Fraction(1, 90000)
        payloads, _timestamp = encoder.encode(frame, force_keyframe=number == 0)
        found.append(payloads)
    return found
