"""The connection a participant receives on: which m-line carries which track, and the viewer's RTCP."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from relay import rtcp, twcc
from relay.answer import FULL_SOUND, MediaAnswer
from relay.budget import Budget
from relay.connection import Connection, Context
from relay.outbound import OutboundTrack
from relay.sdp import MediaOffer, Offer
from relay.tally import tally
from relay.track import VIDEO, Track


class Subscriber(Connection):
    """See the module."""

    def __init__(self, context: Context, offer: Offer, label: str, on_paused: Callable[[frozenset[str]], None]) -> None:
        super().__init__(context, offer, label)
        self._outs: dict[str, OutboundTrack] = {}
        self._by_ssrc: dict[int, OutboundTrack] = {}
        self._budget = Budget(self.transport, self._outs.values, on_paused, context.schedule, context.clock)
        self._shown: Mapping[str, int] = {}
        self.codecs: frozenset[str] | None = None
        """Names of the video codecs the viewer can show; None while it has offered no picture."""

    def negotiate(self, offer: Offer, want: Mapping[str, Track]) -> str:
        """The answer to `offer`; `want` says which track each mid shall carry. Other m-lines are answered inactive."""
        accepted: dict[str, MediaAnswer] = {}
        for media in offer.media:
            track = want.get(media.mid)
            if media.rejected:
                self._drop(media.mid)
            elif track is None or track.kind != media.kind or not media.receives:
                if media.mid in self._outs:
                    self._outs[media.mid].unfollow()
                accepted[media.mid] = MediaAnswer("inactive")
            else:
                accepted[media.mid] = self._send(media, track)
        for mid in [mid for mid in self._outs if mid not in accepted]:
            self._drop(mid)
        known = [form.codec.name for media in offer.media if media.kind == VIDEO for form in media.known]
        self.codecs = frozenset(known) or None
        return self._answer(offer, accepted)

    def show(self, shown: Mapping[str, int]) -> None:
        """How large the viewer's page shows each track: pixel height by track id, 0 for not visible."""
        self._shown = shown
        self.divide()

    def divide(self) -> None:
        """Aims every track at the layer that suits and that the viewer's line has room for."""
        for out in self._outs.values():
            if out.track is not None:
                out.shown = self._shown.get(out.track.id)
        self._budget.divide(self._context.clock())

    def _send(self, media: MediaOffer, track: Track) -> MediaAnswer:
        out = self._outs.get(media.mid)
        if out is None:
            out = OutboundTrack(self.transport, media.kind, media.mid, self.divide, self._context.clock)
            self._outs[media.mid] = self._by_ssrc[out.ssrc] = out
        out.negotiate({form.codec.name: form for form in media.known}, media.mid_extension, media.number_extension)
        self._budget.admit(out)
        out.follow(track)
        # Tracks of one stream are played in step: only the camera is tied to the same person's lips.
        stream = track.peer if track.source in ("mic", "camera") else f"{track.peer}-{track.source}"
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
            out.unfollow()
            del self._by_ssrc[out.ssrc]

    def on_connected(self) -> None:
        """Asks for a first whole picture of everything."""
        for out in self._outs.values():
            out.request_keyframe()

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """Repeats packets, asks publishers for keyframes, learns the round trip time and what the line carries."""
        try:
            items = rtcp.parse(packet)
        except ValueError:
            self.transport.rejected += 1
            return
        losses = []
        for item in items:
            if isinstance(item, rtcp.ReferenceTime):
                self.transport.send_rtcp(rtcp.pack_reference_answer(1, item))
                continue
            if isinstance(item, twcc.Arrivals):
                self._budget.on_feedback(item, now)
                continue
            if isinstance(item, rtcp.MaxBitrate):
                self._budget.on_max_bitrate(item.bitrate, now)
                continue
            out = self._by_ssrc.get(item.ssrc)
            if out is None:
                continue
            if isinstance(item, rtcp.Nack):
                tally.nacks_received += len(item.sequences)
                out.on_nack(item.sequences, now)
            elif isinstance(item, rtcp.KeyframeRequest):
                tally.plis_received += 1
                out.request_keyframe()
            elif isinstance(item, rtcp.ReceptionReport):
                out.on_report(item, now)
                losses.append(item.fraction / 256)
        if losses:
            self._budget.on_loss(sum(losses) / len(losses), now)

    def report(self, now: float) -> None:
        """Sends a sender report for each track (RFC 3550 section 6.4.1), and an empty receiver report: the page takes
        two seconds without a word for a dead path."""
        self.transport.send_rtcp(rtcp.pack_receiver_report(1, []) + rtcp.pack_cname(1, "relay"))
        self._budget.tick(now)
        for out in self._outs.values():
            report = out.report(now)
            if report is not None and out.track is not None:
                self.transport.send_rtcp(report + rtcp.pack_cname(out.ssrc, out.track.peer))

    @property
    def round_trip(self) -> float:
        """Seconds there and back of its slowest track, 0 while nothing is sent."""
        return max((out.rtt for out in self._outs.values() if out.packets), default=0.0)

    def close(self) -> None:
        """Ends the connection."""
        for mid in list(self._outs):
            self._drop(mid)
        super().close()
