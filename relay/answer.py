"""Writes answers (RFC 9429 section 5.3): every m-line of the offer in its place, accepted or rejected."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from relay.dtls import Fingerprint
from relay.rtp import LEVEL_URI, MID_URI, REPAIRED_RID_URI, RID_URI
from relay.sdp import Format, MediaOffer, Offer
from relay.twcc import FEEDBACK as TRANSPORT_FEEDBACK
from relay.twcc import URI as NUMBER_URI

FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
"""What the relay speaks, besides transport-cc."""

SPEECH = "minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=48000"
"""A microphone: mono speech, repaired in-band, silent while nobody speaks."""
FULL_SOUND = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000"
"""Sound that must arrive as it is: a shared screen, an instrument."""


START_BITRATE = "x-google-start-bitrate=1500"
"""kbit/s at which Chromium begins to send video; left to itself it begins with 300 and a postage stamp."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What every answer of one transport says about it."""

    ufrag: str
    password: str
    fingerprint: Fingerprint
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """One accepted m-line. `direction` is the relay's; `formats` are the codecs accepted, all the relay knows when
    empty; `stream` and `track` name what it sends (RFC 8830), with `ssrc`, `rtx_ssrc` and `cname`."""

    direction: str
    sound: str = SPEECH
    formats: tuple[Format, ...] = ()
    stream: str = ""
    track: str = ""
    cname: str = ""
    ssrc: int = 0
    rtx_ssrc: int = 0


def candidates(addresses: Sequence[str], port: int) -> tuple[str, ...]:
    """`a=candidate` values (RFC 8839 section 5.1), the first address with the highest priority."""
    lines = []
    for position, address in enumerate(addresses):
        local_preference = 65535 - position
        priority = (126 << 24) + (local_preference << 8) + 255
        host = ipaddress.ip_address(address)
        lines.append(f"{position + 1} 1 udp {priority} {host} {port} typ host")
    return tuple(lines)


class AnswerWriter:
    """The answers of one connection; they share a session id and count versions (RFC 8866 section 5.2)."""

    def __init__(self) -> None:
        self._session = secrets.randbits(62)
        self._version = 0

    def write(self, offer: Offer, endpoint: Endpoint, accepted: dict[str, MediaAnswer]) -> str:
        """The answer to `offer`; m-lines whose mid is not in `accepted` are rejected."""
        self._version += 1
        bundle = [mid for mid in offer.bundle if mid in accepted] or list(accepted)
        lines = [
            "v=0",
            f"o=- {self._session} {self._version} IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=ice-lite",
            f"a=group:BUNDLE {' '.join(bundle)}".rstrip(),
            "a=msid-semantic: WMS *",
        ]
        if offer.extmap_mixed:
            lines.append("a=extmap-allow-mixed")
        for media in offer.media:
            answer = accepted.get(media.mid)
            lines += _rejected(media) if answer is None else _accepted(media, answer, endpoint)
        return "\r\n".join(lines) + "\r\n"


def _rejected(media: MediaOffer) -> list[str]:
    return [
        f"m={media.kind} 0 {media.protocol} {media.formats[0]}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{media.mid}",
        "a=inactive",
    ]


def _accepted(media: MediaOffer, answer: MediaAnswer, endpoint: Endpoint) -> list[str]:
    formats = answer.formats or tuple(media.known)
    types = [str(number) for form in formats for number in (form.payload_type, form.rtx) if number is not None]
    lines = [
        f"m={media.kind} 9 {media.protocol} {' '.join(types)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{endpoint.ufrag}",
        f"a=ice-pwd:{endpoint.password}",
        f"a=fingerprint:{endpoint.fingerprint.algorithm} {endpoint.fingerprint.value}",
        "a=setup:passive",
        f"a=mid:{media.mid}",
    ]
    if media.mid_extension is not None:
        lines.append(f"a=extmap:{media.mid_extension} {MID_URI}")
    if media.level_extension is not None and answer.direction == "recvonly":
        lines.append(f"a=extmap:{media.level_extension} {LEVEL_URI}")
    if media.number_extension is not None:
        lines.append(f"a=extmap:{media.number_extension} {NUMBER_URI}")
    lines += [f"a={answer.direction}", "a=rtcp-mux"]
    if media.reduced_size:
        lines.append("a=rtcp-rsize")
    if answer.direction == "sendonly":
        # Viewers ask for their round trip time (RFC 3611 section 5): Chromium waits for repeats only when it knows it.
        lines.append("a=rtcp-xr:rcvr-rtt=all")
    for form in formats:
        lines += _codec_lines(media, form, answer)
    if answer.direction == "recvonly" and media.layers:
        lines += [f"a=extmap:{media.rid_extension} {RID_URI}"]
        if media.repaired_extension is not None:
            lines += [f"a=extmap:{media.repaired_extension} {REPAIRED_RID_URI}"]
        lines += [f"a=rid:{layer} recv" for layer in media.layers]
        lines += [f"a=simulcast:recv {';'.join(media.layers)}"]
    if answer.direction == "sendonly":
        lines += _source_lines(answer, repeats=any(form.rtx is not None for form in formats))
    lines += [f"a=candidate:{candidate}" for candidate in endpoint.candidates]
    lines.append("a=end-of-candidates")
    return lines


def _codec_lines(media: MediaOffer, form: Format, answer: MediaAnswer) -> list[str]:
    number = form.payload_type
    lines = [f"a=rtpmap:{number} {form.codec.encoding}"]
    lines += [f"a=rtcp-fb:{number} {kind}" for kind in FEEDBACK if kind in media.feedback]
    parameters = answer.sound if media.kind == "audio" else form.parameters
    if media.number_extension is not None:
        lines.append(f"a=rtcp-fb:{number} {TRANSPORT_FEEDBACK}")
        if answer.direction == "recvonly" and media.kind == "video":
            parameters = f"{parameters};{START_BITRATE}" if parameters else START_BITRATE
    if parameters:
        lines.append(f"a=fmtp:{number} {parameters}")
    if form.rtx is not None:
        lines += [f"a=rtpmap:{form.rtx} rtx/{form.codec.clock}", f"a=fmtp:{form.rtx} apt={number}"]
    return lines


def _source_lines(answer: MediaAnswer, repeats: bool) -> list[str]:
    lines = [f"a=msid:{answer.stream} {answer.track}"]
    if repeats:
        lines.append(f"a=ssrc-group:FID {answer.ssrc} {answer.rtx_ssrc}")
    lines.append(f"a=ssrc:{answer.ssrc} cname:{answer.cname}")
    if repeats:
        lines.append(f"a=ssrc:{answer.rtx_ssrc} cname:{answer.cname}")
    return lines
