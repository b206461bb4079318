"""What is fuzzed: everything that reads bytes a peer sends. Each target takes any bytes and may raise nothing else than
what its caller expects. `python -m tests.relay.fuzz` searches, `corpus/` keeps what reached a new line of code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from relay import codecs, rtcp, rtp, stun, vp8
from relay.answer import AnswerWriter, Endpoint, MediaAnswer
from relay.dtls import Fingerprint
from relay.inbound import InboundStream, RetransmissionStream
from relay.outbound import OutboundTrack
from relay.sdp import Format, SdpError, parse_offer
from relay.track import VIDEO, Track
from tests.relay.fakes import Clock

CORPUS = Path(__file__).parent / "corpus"
ENDPOINT = Endpoint("ufrag", "password", Fingerprint("sha-256", "AA"), ("1 1 udp 1 192.0.2.1 9 typ host",))
PAYLOAD_TYPE, REPEATED = 96, 97


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

    def send_rtp(self, second: int, sequence: int, timestamp: int, ssrc: int, extension: bytes, payload: bytes) -> bool:
        assert 0 <= second <= 255
        assert 0 <= sequence <= 0xFFFF
        assert 0 <= timestamp <= 0xFFFFFFFF
        return True


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


TARGETS: dict[str, Callable[[bytes], None]] = {
    "stun": on_stun,
    "rtp": on_rtp,
    "rtcp": on_rtcp,
    "sdp": on_sdp,
    "payload": on_payload,
    "stream": on_stream,
}


def kept(target: str) -> list[bytes]:
    """The corpus of a target, in the order of its names."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]
