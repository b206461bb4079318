"""What one participant publishes from one source, in which sizes, and who gets it. Knows no transports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from relay.state import NOTHING_HEARD

if TYPE_CHECKING:
    from relay.inbound import InboundStream

AUDIO, VIDEO = "audio", "video"
CLOCK_RATES = {AUDIO: 48000, VIDEO: 90000}

Packet = tuple[int, int, int, bytes]
"""Unwrapped sequence number, marker bit (0 or 0x80), timestamp, payload."""


class Viewer(Protocol):
    """Who gets a track (`follow.Follower`): a viewer's m-line, or a recording."""

    def begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """This packet of a layer waited for can be the first: the start of a keyframe, or any packet of sound."""

    def forward(self, packets: Sequence[Packet]) -> None:
        """Packets of the layer it gets, as they came; all that one look at the socket brought."""

    def layers_changed(self) -> None:
        """The track has other layers, or another one stopped or began to come."""

    def unfollow(self) -> None:
        """The track is gone."""


class Track:
    """A published track. Its id outlives its streams: a publisher who reconnects keeps the viewers.

    `layers` are the sizes it comes in, low to high; sound and single pictures have one."""

    def __init__(self, identifier: str, peer: str, kind: str, source: str) -> None:
        self.id, self.peer, self.kind, self.source = identifier, peer, kind, source
        self.clock = CLOCK_RATES[kind]
        self.layers: tuple[InboundStream, ...] = ()
        self.viewers: tuple[Viewer, ...] = ()
        self.speaking = False
        """Whether its publisher is the one who speaks."""

    def bind(self, stream: InboundStream) -> None:
        """`stream` is a layer from now on, in place of the one that had its position."""
        for known in self.layers:
            if known.position == stream.position:
                known.stop()
        others = [known for known in self.layers if known.position != stream.position]
        self.layers = (*others, stream)
        self.rearrange()

    def unbind(self, stream: InboundStream) -> None:
        """`stream` is over."""
        stream.stop()
        if stream in self.layers:
            self.layers = tuple(known for known in self.layers if known is not stream)
            self.rearrange()

    def rearrange(self) -> None:
        """The layers or their heights changed."""
        known = all(layer.height for layer in self.layers)
        self.layers = tuple(sorted(self.layers, key=lambda layer: layer.height if known else layer.position))
        for viewer in self.viewers:
            viewer.layers_changed()

    def take_loudest(self) -> int | None:
        """The loudest audio level (RFC 6464, 0 to 127) since it was last taken, None when no packet had one."""
        loudest = NOTHING_HEARD
        for layer in self.layers:
            loudest, layer.loudest = min(loudest, layer.loudest), NOTHING_HEARD
        return loudest if loudest < NOTHING_HEARD else None

    def measure(self, now: float) -> None:
        """Brings bit rates and activity up to date (monotonic seconds); viewers of a layer that stopped get another."""
        if any([layer.measure(now) for layer in self.layers]):  # noqa: C419 - every layer is measured
            self.rearrange()

    def usable(self) -> tuple[InboundStream, ...]:
        """The layers something comes of, low to high; all while nothing comes at all."""
        return tuple(layer for layer in self.layers if layer.active) or self.layers

    def add(self, viewer: Viewer) -> None:
        """`viewer` is told of changes from now on."""
        if viewer not in self.viewers:
            self.viewers = (*self.viewers, viewer)

    def remove(self, viewer: Viewer) -> None:
        """`viewer` is told nothing any more."""
        self.viewers = tuple(other for other in self.viewers if other is not viewer)

    def end(self) -> None:
        """The track is gone: its viewers get nothing more."""
        for layer in self.layers:
            self.unbind(layer)
        for viewer in self.viewers:
            viewer.unfollow()
