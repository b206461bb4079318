"""The codecs the relay forwards, and which of them a publisher is asked for. Knows no packets but their first bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from relay import h264, vp8


@dataclass(frozen=True, slots=True)
class Codec:
    """`encoding` is the `a=rtpmap` value; `accepts` judges the format parameters of an offer, `answer` gives
    those to answer it with. Pictures:
    whether a keyframe starts in a payload, and the pixel height it tells (0: not told). `numbered` codecs count their
    pictures in the payload."""

    name: str
    kind: str
    encoding: str
    accepts: Callable[[Mapping[str, str]], bool] = lambda parameters: True
    answer: Callable[[Mapping[str, str]], str] = lambda parameters: ""
    starts_keyframe: Callable[[bytes], bool] = lambda payload: True
    height: Callable[[bytes], int] = lambda payload: 0
    numbered: bool = False

    @property
    def clock(self) -> int:
        """Ticks per second of its timestamps."""
        return int(self.encoding.split("/")[1])


OPUS = Codec("opus", "audio", "opus/48000/2")
VP8 = Codec("vp8", "video", "VP8/90000", starts_keyframe=vp8.starts_keyframe, height=vp8.height, numbered=True)
H264 = Codec(
    "h264",
    "video",
    "H264/90000",
    accepts=h264.is_forwarded,
    answer=h264.answer,
    starts_keyframe=h264.starts_keyframe,
    height=h264.height,
)
CODECS = (OPUS, VP8, H264)
"""The preferred one of each kind first."""


def pick(offered: Sequence[str], readers: Collection[Collection[str]]) -> str:
    """Which of the codecs `offered` most of `readers` (each the codecs one viewer reads) can show; the preferred one
    when several do equally well."""
    ordered = [codec.name for codec in CODECS if codec.name in offered]
    return max(ordered, key=lambda name: sum(name in reader for reader in readers))
