"""The connection a participant sends on: finds the track of every packet, asks for what is lost."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from relay import rtcp, rtp, twcc
from relay.answer import FULL_SOUND, SPEECH, MediaAnswer
from relay.codecs import pick
from relay.connection import Connection, Context
from relay.inbound import MEASURE_INTERVAL, InboundStream, RetransmissionStream
from relay.native import Desk
from relay.sdp import Format, MediaOffer, Offer
from relay.track import AUDIO, Track

log = logging.getLogger("relay.publisher")

MAX_STREAMS = 64
"""SSRCs one connection may use; a browser needs two for each m-line, or for each simulcast layer of it."""
MAX_BITRATE = {"camera": 2_500_000, "clinical": 4_500_000, "screen": 2_500_000}
"""bit/s a browser without transport-wide feedback may send for each picture. With it, it finds its rate itself."""
FEEDBACK_INTERVAL = 0.1
"""Seconds between two transport-wide feedbacks."""
_HEADER = rtp.HEADER.unpack_from
_USUAL = 0x90
"""The first byte of most packets: version 2, an extension, no padding, no CSRCs."""
_FIRST_NUMBER = rtp.HEADER_LENGTH + 5
"""Where such a packet has its transport-wide number when that is its first one-byte extension element."""

Stream = InboundStream | RetransmissionStream


@dataclass(slots=True)
class IncomingMedia:
    """One m-line the browser sends on. `streams` are its layers by rid; without simulcast the rid is ""."""

    offer: MediaOffer
    form: Format
    track: Track
    streams: dict[str, InboundStream] = field(default_factory=dict)


class Publisher(Connection, Desk):
    """See the module."""

    def __init__(self, context: Context, offer: Offer, label: str) -> None:
        Desk.__init__(self)
        Connection.__init__(self, context, offer, label)
        self._media: dict[str, IncomingMedia] = {}
        self.streams: dict[int, Stream] = {}
        self._named: dict[int, tuple[str, str]] = {}
        self._extensions: tuple[tuple[int, ...], ...] = ((), (), ())
        self._number_head = 0
        self.arrivals = twcc.ArrivalLog()
        self._measure_at = 0.0

    def negotiate(self, offer: Offer, tracks: dict[str, Track], readers: Collection[Collection[str]] = ()) -> str:
        """The answer to `offer`; `tracks` says what each mid in use carries, `readers` the codecs each viewer can
        show. Other m-lines are answered inactive."""
        accepted: dict[str, MediaAnswer] = {}
        for media in offer.media:
            track = tracks.get(media.mid)
            if media.rejected:
                self._stop(media.mid)
            elif track is None or not media.sends:
                self._stop(media.mid)
                accepted[media.mid] = MediaAnswer("inactive")
            else:
                sound = SPEECH if track.source == "mic" else FULL_SOUND
                form = _chosen(media, readers)
                accepted[media.mid] = MediaAnswer("recvonly", sound, (form,))
                self._receive(media, form, track)
        for mid in [mid for mid in self._media if mid not in accepted]:
            self._stop(mid)
        offers = [media.offer for media in self._media.values()]
        self._extensions = (
            _distinct(media.mid_extension for media in offers),
            _distinct(media.rid_extension for media in offers if media.layers),
            _distinct(media.repaired_extension for media in offers if media.layers),
        )
        self.number_extension = next(iter(_distinct(media.number_extension for media in offers)), 0)
        self._number_head = self.number_extension << 4 | 1
        return self._answer(offer, accepted)

    def would_change(self, readers: Collection[Collection[str]], needed: bool = False) -> bool:
        """Whether another offer would be answered with another codec, now that the viewers can show `readers`; with
        `needed` only where one of them cannot show the present one."""
        return any(
            _chosen(media.offer, readers).codec is not media.form.codec
            for media in self._media.values()
            if not needed or any(media.form.codec.name not in reader for reader in readers)
        )

    def _receive(self, offer: MediaOffer, form: Format, track: Track) -> None:
        known = self._media.get(offer.mid)
        if known is None or known.track is not track or known.form != form or known.offer.layers != offer.layers:
            self._stop(offer.mid)
            self._media[offer.mid] = IncomingMedia(offer, form, track)
        else:
            known.offer = offer
            for stream in known.streams.values():
                stream.level_extension = _level_extension(known)

    def _stop(self, mid: str) -> None:
        media = self._media.pop(mid, None)
        if media is not None:
            for stream in media.streams.values():
                self._forget(stream)
                media.track.unbind(stream)

    def _forget(self, stream: InboundStream) -> None:
        self.streams = {
            ssrc: known
            for ssrc, known in self.streams.items()
            if known is not stream and not (isinstance(known, RetransmissionStream) and known.media is stream)
        }

    def on_rtp(self, packet: memoryview, length: int, now: float) -> None:
        """Hands the payload to its stream."""
        first, second, sequence, timestamp, ssrc = _HEADER(packet)
        if first == _USUAL and length >= 16:
            start, end = 16 + ((packet[14] << 8 | packet[15]) << 2), length
            if start > length:
                self.transport.rejected += 1
                return
        else:
            bounds = rtp.bounds(packet, length)
            if bounds is None:
                self.transport.rejected += 1
                return
            start, end = bounds
        if self.number_extension:
            # Most packets have it first. Elsewhere the same bytes may be another element's value.
            if (
                first == _USUAL
                and start >= _FIRST_NUMBER + 2
                and packet[12] == 0xBE
                and packet[16] == self._number_head
            ):
                at, size = _FIRST_NUMBER, 2
            else:
                at, size = rtp.find(packet, length, self.number_extension)
            if size == 2:
                self.arrivals.arrived(packet[at] << 8 | packet[at + 1], now)
                if now >= self.feedback_at:
                    self.send_feedback(ssrc, now)
        stream = self.streams.get(ssrc) or self._latch(packet, length, ssrc, second & 0x7F)
        if stream is None:
            return
        if stream.level_extension:
            _hear(stream, packet, length)
        stream.receive(second, sequence, timestamp, bytes(packet[start:end]), now)

    def send_feedback(self, ssrc: int, now: float) -> None:
        """Says when each packet came, padding and repeats too: the browser finds its rate from it."""
        self.feedback_at = now + FEEDBACK_INTERVAL
        for feedback in self.arrivals.feedback(1, ssrc):
            self.transport.send_rtcp(feedback)

    def _latch(self, packet: memoryview, length: int, ssrc: int, payload_type: int) -> Stream | None:
        """The stream of an SSRC seen for the first time; browsers name its m-line on the first packets only."""
        media, layer = self._find_layer(packet, length, ssrc, payload_type)
        if media is None or len(self.streams) >= MAX_STREAMS:
            return None
        known = media.streams.get(layer)
        if payload_type == media.form.rtx:
            if known is None:
                return None
            repeats = self.streams[ssrc] = RetransmissionStream(known, payload_type)
            return repeats
        if payload_type != media.form.payload_type:
            return None
        if known is not None:
            self._forget(known)
        stream = InboundStream(
            media.track,
            ssrc,
            media.form.codec,
            payload_type,
            "nack" in media.offer.feedback,
            self.transport.send_rtcp,
            self._context.schedule,
            self._context.clock,
            media.offer.layers.index(layer) if layer else 0,
            self._context.registry.defer,
        )
        media.streams[layer] = self.streams[ssrc] = stream
        media.track.bind(stream)
        stream.level_extension = _level_extension(media)
        self._send_bitrate()
        log.info("%s mid %s sends %s %s", self.label, media.offer.mid, media.track.source, layer)
        return stream

    def _find_layer(
        self, packet: memoryview, length: int, ssrc: int, payload_type: int
    ) -> tuple[IncomingMedia | None, str]:
        """The m-line and the layer's name: by the MID, RID and repaired RID extensions, else by what they said of this
        SSRC before, by SSRC in the offer, by payload type (RFC 9143 section 9.2, RFC 8852 section 3)."""
        mid, rid, repaired = (_word(packet, length, identifiers) for identifiers in self._extensions)
        layer = repaired or rid or ""
        if mid is None and ssrc in self._named:
            mid, layer = self._named[ssrc]
        media = self._media.get(mid) if mid is not None else self._find_media(ssrc, payload_type)
        if media is None or layer not in (media.offer.layers or ("",)):
            return None, ""
        if len(self._named) < 2 * MAX_STREAMS:
            self._named[ssrc] = (media.offer.mid, layer)
        return media, layer

    def _find_media(self, ssrc: int, payload_type: int) -> IncomingMedia | None:
        every = list(self._media.values())
        for media in every:
            if ssrc in media.offer.ssrcs or ssrc in media.offer.rtx_ssrcs:
                return media
        types = [(m, (m.form.payload_type, m.form.rtx)) for m in every if not m.offer.ssrcs]
        matching = [media for media, known in types if payload_type in known]
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
                stream = self.streams.get(item.ssrc)
                if isinstance(stream, InboundStream):
                    stream.on_sender_report(item, now)

    def tick(self, now: float) -> None:
        """Measures the layers."""
        if now >= self._measure_at:
            self._measure_at = now + MEASURE_INTERVAL / 2
            for media in self._media.values():
                media.track.measure(now)

    def report(self, now: float) -> None:
        """Sends a receiver report (RFC 3550 section 6.4.2)."""
        blocks = [block for s in self.media_streams() if (block := s.report(now)) is not None]
        # Also without blocks: the page takes two seconds without a word for a dead path.
        self.transport.send_rtcp(rtcp.pack_receiver_report(1, blocks) + rtcp.pack_cname(1, "relay"))
        self._send_bitrate()

    def _send_bitrate(self) -> None:
        videos, bitrate = [], 0
        for media in self._media.values():
            wanted = "goog-remb" in media.offer.feedback and media.offer.number_extension is None
            if media.streams and media.track.kind != AUDIO and wanted:
                videos += [stream.ssrc for stream in media.streams.values()]
                bitrate += MAX_BITRATE.get(media.track.source, 0)
        if videos:
            self.transport.send_rtcp(rtcp.pack_remb(1, bitrate, videos))

    def media_streams(self) -> list[InboundStream]:
        """What arrives, without the retransmissions."""
        return [s for s in self.streams.values() if isinstance(s, InboundStream)]

    @property
    def lost(self) -> int:
        """Packets that never arrived, over all streams there are."""
        return sum(stream.lost for stream in self.media_streams())

    def close(self) -> None:
        """Ends the connection; its tracks stay, without streams."""
        for mid in list(self._media):
            self._stop(mid)
        super().close()


def _chosen(media: MediaOffer, readers: Collection[Collection[str]]) -> Format:
    """The format a publisher is asked for: the one most viewers can show."""
    if media.kind == AUDIO:
        return media.known[0]
    name = pick([form.codec.name for form in media.known], readers)
    return next(form for form in media.known if form.codec.name == name)


def _distinct(identifiers: Iterable[int | None]) -> tuple[int, ...]:
    return tuple({identifier for identifier in identifiers if identifier is not None})


def _word(packet: memoryview, length: int, identifiers: tuple[int, ...]) -> str | None:
    """What the first of these header extensions says, if one is there."""
    for identifier in identifiers:
        value = rtp.extension(packet, length, identifier)
        if value is not None:
            return value.decode("ascii", "replace")
    return None


def _level_extension(media: IncomingMedia) -> int:
    """The id of the header extension with the audio level, of a microphone that has it, else 0."""
    return media.offer.level_extension or 0 if media.track.source == "mic" else 0


def _hear(stream: Stream, packet: memoryview, length: int) -> None:
    at, size = rtp.find(packet, length, stream.level_extension)
    if size > 0 and isinstance(stream, InboundStream):  # two-byte elements may be empty
        stream.loudest = min(stream.loudest, packet[at] & 0x7F)
