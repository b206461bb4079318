"""What one participant publishes from one source, and who gets it. Knows no transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.inbound import InboundStream
    from relay.outbound import OutboundTrack

AUDIO, VIDEO = "audio", "video"
CLOCK_RATES = {AUDIO: 48000, VIDEO: 90000}


class Track:
    """A published track. Its id outlives its streams: a publisher who reconnects keeps the viewers."""

    def __init__(self, identifier: str, peer: str, kind: str, source: str) -> None:
        self.id, self.peer, self.kind, self.source = identifier, peer, kind, source
        self.clock = CLOCK_RATES[kind]
        self.stream: InboundStream | None = None
        self.outs: tuple[OutboundTrack, ...] = ()

    def bind(self, stream: InboundStream) -> None:
        """Viewers get `stream` from now on."""
        if self.stream is not None:
            self.stream.stop()
        self.stream = stream
        for out in self.outs:
            out.restart()

    def unbind(self, stream: InboundStream) -> None:
        """The publisher's connection with `stream` is over."""
        stream.stop()
        if self.stream is stream:
            self.stream = None

    def add(self, out: OutboundTrack) -> None:
        """`out` gets this track from now on."""
        if out not in self.outs:
            self.outs = (*self.outs, out)

    def remove(self, out: OutboundTrack) -> None:
        """`out` gets this track no longer."""
        self.outs = tuple(other for other in self.outs if other is not out)

    def request_keyframe(self) -> None:
        """A viewer needs a whole picture."""
        if self.stream is not None:
            self.stream.request_keyframe()

    def end(self) -> None:
        """The track is gone: its viewers get nothing more."""
        if self.stream is not None:
            self.unbind(self.stream)
        for out in self.outs:
            out.detach()
