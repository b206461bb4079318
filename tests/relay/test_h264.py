"""H.264 payloads: where keyframes start, with aiortc's packetizer as the other opinion; which offers are taken."""

from __future__ import annotations

import fractions

import av
import pytest
from aiortc.codecs.h264 import H264Encoder
from hypothesis import given
from hypothesis import strategies as st

from relay import codecs, h264
from relay.codecs import pick

SPS = bytes([0x67, 0x42, 0xE0, 0x1F])


def encoded(width: int, height: int, keyframe: bool) -> list[bytes]:
    """The payloads of one picture of aiortc's encoder, its second when it is no keyframe."""
    encoder = H264Encoder()
    frames = []
    for number in range(2):
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(range(256)) * (plane.buffer_size // 256) + bytes(plane.buffer_size % 256))
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90000)
        frames.append(encoder.encode(frame)[0])
    return frames[0] if keyframe else frames[1]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 360), (1280, 720)])
def test_keyframes_and_heights_of_another_encoder(width: int, height: int) -> None:
    whole, inter = encoded(width, height, keyframe=True), encoded(width, height, keyframe=False)
    assert h264.starts_keyframe(whole[0]) is True
    assert max(h264.height(payload) for payload in whole) == height
    assert [h264.starts_keyframe(payload) for payload in inter] == [False] * len(inter)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x65\x88", True),  # IDR in a single NAL unit
        (b"\x67\x42", True),  # SPS alone
        (b"\x61\x9a", False),
        (b"\x68\xce", False),  # PPS alone
        (b"\x78\x00\x02\x67\x42\x00\x02\x68\xce", True),  # STAP-A of SPS and PPS
        (b"\x78\x00\x02\x68\xce\x00\x02\x65\x88", True),
        (b"\x78\x00\x02\x61\x9a", False),
        (b"\x78\x00\x09\x67\x42", False),  # cut short
        (b"\x7c\x85\x88", True),  # FU-A, start of an IDR
        (b"\x7c\x05\x88", False),  # its middle
        (b"\x7c\x81\x9a", False),
        (b"", False),
        (b"\x65", False),
    ],
)
def test_where_a_keyframe_starts(payload: bytes, starts: bool) -> None:
    assert h264.starts_keyframe(payload) is starts


@given(st.binary(max_size=80))
def test_noise_is_judged_without_error(noise: bytes) -> None:
    assert h264.starts_keyframe(noise) in (True, False)
    assert h264.height(SPS + noise) >= 0
    assert h264.height(b"\x78" + noise) >= 0


@pytest.mark.parametrize(
    ("profile", "mode", "taken"),
    [
        ("42e01f", "1", True),
        ("42C02A", "1", True),
        ("4d801f", "1", True),  # main, constrained to the same tools
        ("42001f", "1", False),
        ("640c1f", "1", False),
        ("42e01f", "0", False),
        ("42e", "1", False),
        ("nonsen", "1", False),
    ],
)
def test_constrained_baseline_in_mode_1_is_taken(profile: str, mode: str, taken: bool) -> None:
    assert codecs.H264.accepts({"profile-level-id": profile, "packetization-mode": mode}) is taken


def test_what_an_offer_leaves_out_has_the_defaults_of_the_rfc() -> None:
    assert codecs.H264.accepts({}) is False
    assert codecs.H264.accepts({"profile-level-id": "42e01f"}) is False


def test_the_answer_repeats_mode_and_profile() -> None:
    offered = {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": "42E01F"}
    assert h264.answer(offered) == "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    del offered["level-asymmetry-allowed"]
    assert h264.answer(offered) == "packetization-mode=1;profile-level-id=42e01f"


BOTH, ONLY_VP8, ONLY_H264 = ("vp8", "h264"), ("vp8",), ("h264",)


@pytest.mark.parametrize(
    ("offered", "readers", "codec"),
    [
        (BOTH, [], "vp8"),
        (BOTH, [BOTH, BOTH], "vp8"),
        (BOTH, [BOTH, ONLY_H264], "h264"),
        (BOTH, [ONLY_VP8, ONLY_H264], "vp8"),
        (BOTH, [ONLY_VP8, ONLY_H264, ONLY_H264], "h264"),
        (ONLY_H264, [ONLY_VP8], "h264"),
    ],
)
def test_the_codec_most_can_show_is_asked_for(
    offered: tuple[str, ...], readers: list[tuple[str, ...]], codec: str
) -> None:
    assert pick(offered, readers) == codec
