"""The connection a participant sends on: finds the track of every packet, asks for what is lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from relay import rtcp, rtp
from relay.answer import FULL_SOUND, SPEECH, MediaAnswer
from relay.connection import Connection, Context
from relay.inbound import InboundStream, RetransmissionStream
from relay.sdp import MediaOffer, Offer
from relay.track import Track

log = logging.getLogger("relay.publisher")

MAX_STREAMS = 32
"""SSRCs one connection may use; a browser needs two for each m-line."""
MAX_BITRATE = 2_500_000
"""bit/s a connection may send as video. Without any such word Chromium starts at 0.3 Mbit/s and takes half a minute to
reach 1.5 (docs/media.md); its own loss control stays in force below this."""
_HEADER = rtp.HEADER.unpack_from

Stream = InboundStream | RetransmissionStream


@dataclass(slots=True)
class IncomingMedia:
    """One m-line the browser sends on."""

    offer: MediaOffer
    track: Track
    stream: InboundStream | None = None


class Publisher(Connection):
    """See the module."""

    def __init__(self, context: Context, offer: Offer, label: str) -> None:
        super().__init__(context, offer, label)
        self._media: dict[str, IncomingMedia] = {}
        self._streams: dict[int, Stream] = {}
        self._mid_extensions: tuple[int, ...] = ()

    def negotiate(self, offer: Offer, tracks: dict[str, Track]) -> str:
        """The answer to `offer`; `tracks` says what each mid in use carries. Other m-lines are answered inactive."""
        accepted: dict[str, MediaAnswer] = {}
        for media in offer.media:
            track = tracks.get(media.mid)
            if media.rejected or media.codec is None:
                self._stop(media.mid)
            elif track is None or not media.sends:
                self._stop(media.mid)
                accepted[media.mid] = MediaAnswer("inactive")
            else:
                sound = SPEECH if track.source == "mic" else FULL_SOUND
                accepted[media.mid] = MediaAnswer("recvonly", sound)
                self._receive(media, track)
        for mid in [mid for mid in self._media if mid not in accepted]:
            self._stop(mid)
        self._mid_extensions = tuple(
            {m.offer.mid_extension for m in self._media.values() if m.offer.mid_extension is not None}
        )
        return self._answer(offer, accepted)

    def _receive(self, offer: MediaOffer, track: Track) -> None:
        known = self._media.get(offer.mid)
        if known is None or known.track is not track or known.offer.codec != offer.codec:
            self._stop(offer.mid)
            self._media[offer.mid] = IncomingMedia(offer, track)
        else:
            known.offer = offer

    def _stop(self, mid: str) -> None:
        media = self._media.pop(mid, None)
        if media is not None and media.stream is not None:
            self._forget(media.stream)
            media.track.unbind(media.stream)

    def _forget(self, stream: InboundStream) -> None:
        self._streams = {
            ssrc: known
            for ssrc, known in self._streams.items()
            if known is not stream and not (isinstance(known, RetransmissionStream) and known.media is stream)
        }

    def on_rtp(self, packet: memoryview, length: int, now: float) -> None:
        """Hands the payload to its stream."""
        _, second, sequence, timestamp, ssrc = _HEADER(packet)
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._latch(packet, length, ssrc, second & 0x7F)
            if stream is None:
                return
        bounds = rtp.bounds(packet, length)
        if bounds is None:
            self.transport.rejected += 1
            return
        stream.receive(second, sequence, timestamp, bytes(packet[bounds[0] : bounds[1]]), now)

    def _latch(self, packet: memoryview, length: int, ssrc: int, payload_type: int) -> Stream | None:
        """The stream of an SSRC seen for the first time; browsers name its m-line on the first packets only."""
        media = self._find_media(packet, length, ssrc, payload_type)
        if media is None or len(self._streams) >= MAX_STREAMS:
            return None
        if payload_type == media.offer.rtx:
            if media.stream is None:
                return None
            self._streams[ssrc] = RetransmissionStream(media.stream, payload_type)
            return self._streams[ssrc]
        if payload_type != media.offer.codec:
            return None
        if media.stream is not None:
            self._forget(media.stream)
        nack = "nack" in media.offer.feedback
        stream = InboundStream(
            media.track, ssrc, payload_type, nack, self.transport.send_rtcp, self._context.schedule, self._context.clock
        )
        media.stream = self._streams[ssrc] = stream
        media.track.bind(stream)
        self._send_bitrate()
        log.info("%s mid %s sends %s", self.label, media.offer.mid, media.track.source)
        return stream

    def _find_media(self, packet: memoryview, length: int, ssrc: int, payload_type: int) -> IncomingMedia | None:
        """By MID extension, by SSRC in the offer, by payload type: RFC 9143 section 9.2."""
        for identifier in self._mid_extensions:
            mid = rtp.extension(packet, length, identifier)
            if mid is not None:
                return self._media.get(mid.decode("ascii", "replace"))
        every = list(self._media.values())
        for media in every:
            if ssrc in media.offer.ssrcs or ssrc in media.offer.rtx_ssrcs:
                return media
        matching = [m for m in every if payload_type in (m.offer.codec, m.offer.rtx) and not m.offer.ssrcs]
        return matching[0] if len(matching) == 1 else None

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """Takes over the sender reports; nothing else of a publisher's RTCP matters."""
        try:
            items = rtcp.parse(packet)
        except ValueError:
            self.transport.rejected += 1
            return
        for item in items:
            if isinstance(item, rtcp.SenderReport):
                stream = self._streams.get(item.ssrc)
                if isinstance(stream, InboundStream):
                    stream.on_sender_report(item, now)

    def report(self, now: float) -> None:
        """Sends a receiver report (RFC 3550 section 6.4.2)."""
        streams = [s for s in self._streams.values() if isinstance(s, InboundStream)]
        blocks = [block for s in streams if (block := s.report(now)) is not None]
        if blocks:
            self.transport.send_rtcp(rtcp.pack_receiver_report(1, blocks) + rtcp.pack_cname(1, "relay"))
        self._send_bitrate()

    def _send_bitrate(self) -> None:
        videos = [
            media.stream.ssrc
            for media in self._media.values()
            if media.stream is not None and "goog-remb" in media.offer.feedback
        ]
        if videos:
            self.transport.send_rtcp(rtcp.pack_remb(1, MAX_BITRATE, videos))

    @property
    def lost(self) -> int:
        """Packets that never arrived, over all streams there are."""
        return sum(s.lost for s in self._streams.values() if isinstance(s, InboundStream))

    def close(self) -> None:
        """Ends the connection; its tracks stay, without streams."""
        for mid in list(self._media):
            self._stop(mid)
        super().close()
