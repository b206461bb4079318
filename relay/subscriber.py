"""The connection a participant receives on: which m-line carries which track, and the viewer's RTCP."""

from __future__ import annotations

from collections.abc import Mapping

from relay import rtcp
from relay.answer import FULL_SOUND, MediaAnswer
from relay.connection import Connection, Context
from relay.outbound import Format, OutboundTrack
from relay.sdp import MediaOffer, Offer
from relay.track import Track


class Subscriber(Connection):
    """See the module."""

    def __init__(self, context: Context, offer: Offer, label: str) -> None:
        super().__init__(context, offer, label)
        self._outs: dict[str, OutboundTrack] = {}
        self._by_ssrc: dict[int, OutboundTrack] = {}

    def negotiate(self, offer: Offer, want: Mapping[str, Track]) -> str:
        """The answer to `offer`; `want` says which track each mid shall carry. Other m-lines are answered inactive."""
        accepted: dict[str, MediaAnswer] = {}
        for media in offer.media:
            track = want.get(media.mid)
            if media.rejected or media.codec is None:
                self._drop(media.mid)
            elif track is None or track.kind != media.kind or not media.receives:
                if media.mid in self._outs:
                    self._outs[media.mid].detach()
                accepted[media.mid] = MediaAnswer("inactive")
            else:
                accepted[media.mid] = self._send(media, media.codec, track)
        for mid in [mid for mid in self._outs if mid not in accepted]:
            self._drop(mid)
        return self._answer(offer, accepted)

    def _send(self, media: MediaOffer, codec: int, track: Track) -> MediaAnswer:
        form = Format(codec, media.rtx, media.mid_extension)
        out = self._outs.get(media.mid)
        if out is None:
            out = OutboundTrack(self.transport, media.kind, media.mid, form, self._context.clock)
            self._outs[media.mid] = self._by_ssrc[out.ssrc] = out
        else:
            out.negotiate(form)
        out.attach(track)
        # A screen is not tied to the same person's lips: tracks of one stream are played in step.
        stream = f"{track.peer}-screen" if track.source == "screen" else track.peer
        return MediaAnswer(
            "sendonly",
            sound=FULL_SOUND,
            stream=stream,
            track=track.id,
            cname=track.peer,
            ssrc=out.ssrc,
            rtx_ssrc=out.rtx_ssrc,
        )

    def _drop(self, mid: str) -> None:
        out = self._outs.pop(mid, None)
        if out is not None:
            out.detach()
            del self._by_ssrc[out.ssrc]

    def on_connected(self) -> None:
        """Asks for a first whole picture of everything."""
        for out in self._outs.values():
            out.request_keyframe()

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """Repeats packets, asks publishers for keyframes, learns the round trip time."""
        try:
            items = rtcp.parse(packet)
        except ValueError:
            self.transport.rejected += 1
            return
        for item in items:
            out = self._by_ssrc.get(item.ssrc)
            if out is None:
                continue
            if isinstance(item, rtcp.Nack):
                out.on_nack(item.sequences, now)
            elif isinstance(item, rtcp.KeyframeRequest):
                out.request_keyframe()
            elif isinstance(item, rtcp.ReceptionReport):
                out.on_report(item, now)

    def report(self, now: float) -> None:
        """Sends a sender report for each track (RFC 3550 section 6.4.1)."""
        for out in self._outs.values():
            report = out.report(now)
            if report is not None and out.track is not None:
                self.transport.send_rtcp(report + rtcp.pack_cname(out.ssrc, out.track.peer))

    def close(self) -> None:
        """Ends the connection."""
        for mid in list(self._outs):
            self._drop(mid)
        super().close()
