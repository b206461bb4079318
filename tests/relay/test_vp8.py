"""Keyframe detection, with aiortc's packetizer as the other opinion."""

from __future__ import annotations

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from relay.vp8 import starts_keyframe

KEY, INTER = b"\x10\x02\x00\x9d\x01\x2a", b"\x11\x02\x00"


def descriptor(start: int, **fields: int | None) -> bytes:
    every: dict[str, int | None] = {"picture_id": None, "tl0picidx": None, "tid": None, "keyidx": None, **fields}
    return bytes(VpxPayloadDescriptor(partition_start=start, partition_id=0, **every))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [{}, {"picture_id": 5}, {"picture_id": 500}, {"picture_id": 500, "tl0picidx": 3, "tid": (1, 0), "keyidx": 2}],
)
def test_keyframes_are_seen_behind_every_descriptor(fields: dict[str, int]) -> None:
    assert starts_keyframe(descriptor(1, **fields) + KEY) is True
    assert starts_keyframe(descriptor(1, **fields) + INTER) is False
    assert starts_keyframe(descriptor(0, **fields) + KEY) is False


def test_short_payloads_are_no_keyframes() -> None:
    whole = descriptor(1, picture_id=500) + KEY
    assert [starts_keyframe(whole[:size]) for size in range(5)] == [False] * 5


@given(st.binary(max_size=12))
def test_noise_is_judged_without_error(noise: bytes) -> None:
    assert starts_keyframe(noise) in (True, False)
