"""What is fuzzed: everything that reads bytes a peer sends. Each target takes any bytes and may raise nothing else than
what its caller expects. `python -m tests.relay.fuzz` searches, `corpus/` keeps what reached a new line of code."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from relay import codecs, rtcp, rtp, stun, twcc, vp8
from relay.answer import AnswerWriter, Endpoint, MediaAnswer
from relay.connection import Context
from relay.downlink import Downlink
from relay.dtls import Certificate, Fingerprint
from relay.inbound import InboundStream, RetransmissionStream
from relay.native import Lane
from relay.outbound import OutboundTrack
from relay.publisher import Publisher
from relay.sdp import Format, SdpError, parse_offer
from relay.track import AUDIO, VIDEO, Packet, Track
from tests.relay.fakes import Clock

CORPUS = Path(__file__).parent / "corpus"
CERTIFICATE = Certificate()
THREE_SIZES = (CORPUS.parent / "offers" / "chromium_publish.sdp").read_text().rstrip() + (
    "\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"
)
ENDPOINT = Endpoint("ufrag", "password", Fingerprint("sha-256", "AA"), ("1 1 udp 1 192.0.2.1 9 typ host",))
PAYLOAD_TYPE, REPEATED = 96, 97
NUMBERED = Lane(3, PAYLOAD_TYPE, rtp.numbered_extension(3, None, ""), numbered=True)


def on_stun(data: bytes) -> None:
    """A datagram that begins like STUN."""
    request = stun.parse_request(data)
    if request is not None:
        assert request.ufrag
        request.is_from("password")


def on_rtp(data: bytes) -> None:
    """A decrypted packet: where its payload is, and every header extension."""
    bounds = rtp.bounds(data, len(data))
    assert bounds is None or 12 <= bounds[0] <= bounds[1] <= len(data)
    for identifier in (1, 4, 14, 15, 255):
        value = rtp.extension(data, len(data), identifier)
        assert value is None or len(value) <= len(data)


def on_rtcp(data: bytes) -> None:
    """A decrypted compound packet."""
    try:
        items = rtcp.parse(data)
    except ValueError:
        return
    for item in items:
        if isinstance(item, rtcp.ReferenceTime):
            rtcp.pack_reference_answer(1, item)
        elif isinstance(item, rtcp.Nack):
            assert all(0 <= number <= 0xFFFF for number in item.sequences)


def on_sdp(data: bytes) -> None:
    """An offer, and its answer."""
    try:
        offer = parse_offer(data.decode("utf-8", "replace"))
    except SdpError:
        return
    accepted = {media.mid: MediaAnswer("inactive") for media in offer.media if not media.rejected}
    AnswerWriter().write(offer, ENDPOINT, accepted)


def on_payload(data: bytes) -> None:
    """A video payload: is it a keyframe, how high, which picture."""
    for codec in (codecs.VP8, codecs.H264):
        if codec.starts_keyframe(data):
            assert codec.height(data) >= 0
    vp8.numbers(data)
    assert len(vp8.shifted(data, 3, 5)) == len(data)


class _Wire:
    """A viewer's transport that looks at what it is given."""

    connected = True

    def send_rtp(self, lane: Lane, packets: Sequence[Packet]) -> int:
        numbers = [index for index, _, _, _ in packets]
        assert numbers == sorted(set(numbers))
        assert all(0 <= marker | lane.kind <= 255 for _, marker, _, _ in packets)
        return len(packets)


def _pieces(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """What happens, two bytes of number, and up to 15 of payload."""
    at = 0
    while at + 3 <= len(data):
        size = data[at] >> 4
        yield data[at] & 0x0F, int.from_bytes(data[at + 1 : at + 3], "big"), data[at + 3 : at + 3 + size]
        at += 3 + size


def on_stream(data: bytes) -> None:
    """Packets, repeats and requests in any order on one track with one viewer."""
    clock = Clock()
    track = Track("camera", "ann", VIDEO, "camera")
    inbound = InboundStream(track, 5, codecs.VP8, PAYLOAD_TYPE, True, lambda packet: None, clock.schedule, clock)
    repeats = RetransmissionStream(inbound, REPEATED)
    track.bind(inbound)
    out = OutboundTrack(_Wire(), VIDEO, "1", lambda: out.aim((*track.layers, None)[0]), clock)
    out.negotiate({codecs.VP8.name: Format(codecs.VP8, PAYLOAD_TYPE, REPEATED)}, 4)
    out.follow(track)
    for what, number, payload in _pieces(data):
        if what < 10:
            inbound.receive(PAYLOAD_TYPE, number, number * 3000, payload, clock.now)
        elif what < 12:
            repeats.receive(REPEATED, 1, number * 3000, number.to_bytes(2, "big") + payload, clock.now)
        elif what < 14:
            out.on_nack((number, number ^ 1), clock.now)
        else:
            clock.advance(number / 0xFFFF)
            inbound.report(clock.now)
            track.measure(clock.now)


def on_extensions(data: bytes) -> None:
    """Packets of a publisher, whose header extensions (MID, RID, repaired RID, audio level, transport-wide number) are
    whatever the data say, in either form of RFC 8285."""

    async def act() -> None:
        clock = Clock()
        context = Context(Nowhere(), CERTIFICATE, (), clock.schedule, lambda connection, reason: None, clock)  # type: ignore[arg-type]
        offer = parse_offer(THREE_SIZES)
        publisher = Publisher(context, offer, "fuzz")
        tracks = {"0": Track("mic", "ann", AUDIO, "mic"), "1": Track("camera", "ann", VIDEO, "camera")}
        publisher.negotiate(offer, tracks)
        for what, number, block in _pieces(data):
            profile = 0xBEDE if what & 1 else 0x1000
            padded = block + bytes(-len(block) % 4)
            head = struct.pack(
                "!BBHLL", 0x90, (111, 96, 97, 102)[what >> 1 & 3], number, number * 3000, 1 + (what >> 3)
            )
            packet = head + struct.pack("!HH", profile, len(padded) // 4) + padded + b"\x10\x10\x02\x00payload"
            clock.advance(0.01)
            publisher.on_rtp(memoryview(packet), len(packet), clock.now)
        publisher.tick(clock.now)
        publisher.report(clock.now)
        assert all(stream.track in tracks.values() for stream in publisher.media_streams())
        publisher.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    asyncio.run(act())


class Nowhere:
    """Instead of a socket: nothing is sent before the handshake, which never comes."""

    egress = None

    def add_credentials(self, ufrag: str, transport: object) -> None:
        pass

    def remove_credentials(self, ufrag: str) -> None:
        pass

    def release(self, address: object, transport: object) -> None:
        pass

    def defer(self, call: Callable[[], None]) -> None:
        call()


def _swallow(lane: Lane, packets: Sequence[Packet], number: int = 0) -> int:
    return len(packets)


def on_feedback(data: bytes) -> None:
    """What a viewer says of the packets it was sent: RTCP packets, each after two bytes of length."""
    clock = Clock()
    line = Downlink(
        lambda lane, packets, number=0: len(packets), lambda: None, lambda: 0, lambda now: None, clock.schedule, clock
    )
    at = 0
    while at + 2 <= len(data):
        size = int.from_bytes(data[at : at + 2], "big") & 0x3FF
        for _ in range(20):
            line.send_rtp(NUMBERED, [(1, 0, 2, bytes(1000))])
            clock.advance(0.005)
        with contextlib.suppress(ValueError):
            for item in rtcp.parse(data[at + 2 : at + 2 + size]):
                if isinstance(item, twcc.Arrivals):
                    line.on_feedback(item, clock.now)
                elif isinstance(item, rtcp.MaxBitrate):
                    line.estimator.on_max_bitrate(item.bitrate, 1e6, clock.now)
        assert 10_000 <= line.estimator.bitrate <= 100e6
        at += 2 + size


TARGETS: dict[str, Callable[[bytes], None]] = {
    "stun": on_stun,
    "rtp": on_rtp,
    "extensions": on_extensions,
    "rtcp": on_rtcp,
    "feedback": on_feedback,
    "sdp": on_sdp,
    "payload": on_payload,
    "stream": on_stream,
}


def kept(target: str) -> list[bytes]:
    """The corpus of a target, in the order of its names."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]
