"""Which layer of a track somebody gets, and which one is waited for: switches on a keyframe. Knows no transports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.inbound import InboundStream
    from relay.track import Packet, Track


class Follower:
    """Follows one track. `layer` is what it gets now, `awaited` what it gets from its next keyframe on.

    Subclasses say what to do with the packets, and call `aim` when `layers_changed`."""

    def __init__(self) -> None:
        self.track: Track | None = None
        self.layer: InboundStream | None = None
        self.awaited: InboundStream | None = None

    def follow(self, track: Track) -> None:
        """Gets `track` from now on, instead of what it got before."""
        if self.track is track:
            return
        self.unfollow()
        self.track = track
        track.add(self)
        self.layers_changed()

    def unfollow(self) -> None:
        """Gets nothing from now on."""
        if self.track is not None:
            self.track.remove(self)
        self.track = None
        self.aim(None)

    def aim(self, layer: InboundStream | None) -> None:
        """Gets `layer` from its next keyframe on, and what it gets now until then; None: nothing, at once."""
        if layer is None:
            self._leave()
            self._await(None)
        elif layer is self.layer:
            self._await(None)
        elif layer is not self.awaited:
            self._await(layer)
            self.request_keyframe()

    def begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """The awaited layer can be followed from this packet on."""
        if not self.is_ready(layer):
            return
        self._leave()
        self._await(None)
        self.layer = layer
        layer.viewers = (*layer.viewers, self)
        self.on_begin(layer, index, timestamp, payload)

    def request_keyframe(self) -> None:
        """Needs a whole picture of what it waits for, or of what it gets."""
        layer = self.awaited or self.layer
        if layer is not None and self.is_ready(layer):
            layer.request_keyframe()

    def lost(self, layer: InboundStream) -> None:
        """`layer` is over."""
        if layer is self.layer:
            self._leave()
        if layer is self.awaited:
            self._await(None)

    def _leave(self) -> None:
        layer = self.layer
        if layer is not None:
            layer.hand_on()
            self.on_leave(layer)
            self.layer = None
            layer.viewers = tuple(viewer for viewer in layer.viewers if viewer is not self)

    def _await(self, layer: InboundStream | None) -> None:
        if self.awaited is not None:
            self.awaited.waiting = tuple(other for other in self.awaited.waiting if other is not self)
        self.awaited = layer
        if layer is not None:
            layer.waiting = (*layer.waiting, self)

    def is_ready(self, layer: InboundStream) -> bool:
        """Whether packets of `layer` could be taken now."""
        raise NotImplementedError

    def on_begin(self, layer: InboundStream, index: int, timestamp: int, payload: bytes) -> None:
        """`forward` gets the packets of `layer`, beginning with this one."""

    def on_leave(self, layer: InboundStream) -> None:
        """`forward` gets no more packets of `layer`."""

    def forward(self, packets: Sequence[Packet]) -> None:
        """Packets of the layer it gets, as they came."""
        raise NotImplementedError

    def layers_changed(self) -> None:
        """The track has other layers, or another one stopped or began to come: aim again."""
        raise NotImplementedError
