"""Reads offers (RFC 8866, RFC 9429, RFC 9143): what each browser and aiortc write, reduced to what the relay uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relay.codecs import CODECS, Codec
from relay.dtls import FINGERPRINT_ALGORITHMS, Fingerprint
from relay.rtp import LEVEL_URI, MID_URI, REPAIRED_RID_URI, RID_URI
from relay.twcc import FEEDBACK, URI

MAX_LENGTH = 64 * 1024
MAX_MEDIA = 64
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~/-]{1,32}\Z")
_M_LINE = re.compile(r"(audio|video|application|text|image|message) (\d{1,5})(?:/\d+)? (\S+) (\S+(?: \S+)*)\Z")
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9_-]+)/(\d+)(?:/(\d+))?\Z")
_FINGERPRINT = re.compile(r"(\S+) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+)\Z")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}\Z")
MAX_LAYERS = 4


class SdpError(ValueError):
    """The offer cannot be answered; the message says why, for the log and for developers."""


@dataclass(frozen=True, slots=True)
class Format:
    """A codec the relay forwards, as one m-line numbers it: its payload type, that of its retransmission (RFC 4588),
    and the `a=fmtp` value that accepts it."""

    codec: Codec
    payload_type: int
    rtx: int | None = None
    parameters: str = ""


@dataclass(slots=True)
class MediaOffer:
    """One m-line. `known` are the codecs the relay forwards, the preferred one first; `feedback` the
    `a=rtcp-fb` values offered for that one, in order. `layers` are the names (rid) of the simulcast streams the
    browser would send, in its order (RFC 8853); the extensions are ids, None when not offered;
    `number_extension` is the transport-wide number, where transport-cc is offered with it."""

    kind: str
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    rejected: bool = False
    known: list[Format] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    mid_extension: int | None = None
    rid_extension: int | None = None
    repaired_extension: int | None = None
    number_extension: int | None = None
    layers: tuple[str, ...] = ()
    level_extension: int | None = None
    reduced_size: bool = False
    ssrcs: list[int] = field(default_factory=list)
    rtx_ssrcs: list[int] = field(default_factory=list)

    @property
    def sends(self) -> bool:
        """Whether the browser wants to send here."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the browser wants to receive here."""
        return self.direction in ("sendrecv", "recvonly")


@dataclass(frozen=True, slots=True)
class Offer:
    """A session description. `bundle` names the mids of its BUNDLE group, in the group's order."""

    ufrag: str
    fingerprints: tuple[Fingerprint, ...]
    bundle: tuple[str, ...]
    media: tuple[MediaOffer, ...]
    extmap_mixed: bool


@dataclass(slots=True)
class _Section:
    """The attributes of the session or of one m-line, by name; the same name may come often."""

    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        return self.attributes.get(name, [])

    def first(self, name: str) -> str | None:
        return self.all(name)[0] if self.all(name) else None


def parse_offer(text: str) -> Offer:
    """The offer in `text`. Raises SdpError when there is nothing to answer; m-lines the relay has no use for are
    marked `rejected` instead."""
    if len(text) > MAX_LENGTH:
        raise SdpError("the offer is too long")
    session, sections = _split(text)
    bundle = _bundle(session)
    media = tuple(_media(line, section, session) for line, section in sections)
    mids = [m.mid for m in media]
    if len(set(mids)) != len(mids):
        raise SdpError("two m-lines have the same mid")
    in_use = [(m, s) for m, (_, s) in zip(media, sections, strict=True) if not m.rejected]
    if not in_use:
        raise SdpError("the offer has no m-line that is in use")
    if len(in_use) > 1 or bundle:
        for m, _ in in_use:
            m.rejected = m.rejected or m.mid not in bundle
    # The first bundled m-line speaks for all (RFC 9143 section 7.2.1).
    order = {mid: position for position, mid in enumerate(bundle)}
    leading = min(in_use, key=lambda pair: order.get(pair[0].mid, len(order)))[1]
    return Offer(
        ufrag=_ufrag(leading, session),
        fingerprints=_fingerprints(leading, session),
        bundle=bundle,
        media=media,
        extmap_mixed=bool(session.all("extmap-allow-mixed")),
    )


def _split(text: str) -> tuple[_Section, list[tuple[str, _Section]]]:
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0":
        raise SdpError("the offer does not begin with v=0")
    session = _Section()
    sections: list[tuple[str, _Section]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append((line[2:].strip(), _Section()))
            if len(sections) > MAX_MEDIA:
                raise SdpError("the offer has too many m-lines")
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            section = sections[-1][1] if sections else session
            section.attributes.setdefault(name.strip(), []).append(value.strip())
    return session, sections


def _bundle(session: _Section) -> tuple[str, ...]:
    for group in session.all("group"):
        words = group.split()
        if words and words[0] == "BUNDLE":
            return tuple(words[1:])
    return ()


def _ufrag(leading: _Section, session: _Section) -> str:
    ufrag = leading.first("ice-ufrag") or session.first("ice-ufrag")
    if not ufrag:
        raise SdpError("the offer has no ice-ufrag")
    return ufrag


def _fingerprints(leading: _Section, session: _Section) -> tuple[Fingerprint, ...]:
    found = []
    for value in leading.all("fingerprint") or session.all("fingerprint"):
        match = _FINGERPRINT.match(value)
        if match and match[1].lower() in FINGERPRINT_ALGORITHMS:
            found.append(Fingerprint(match[1].lower(), match[2].upper()))
    if not found:
        raise SdpError("the offer has no fingerprint of a known kind")
    if (leading.first("setup") or session.first("setup") or "actpass") not in ("actpass", "active"):
        raise SdpError("the offer leaves the DTLS server's role to nobody")
    return tuple(found)


def _media(line: str, section: _Section, session: _Section) -> MediaOffer:
    match = _M_LINE.match(line)
    if not match:
        raise SdpError("an m-line cannot be read")
    offered = MediaOffer(kind=match[1], protocol=match[3], formats=match[4].split())
    offered.mid = section.first("mid") or ""
    if not _TOKEN.match(offered.mid):
        raise SdpError("an m-line has no usable mid")
    stopped = int(match[2]) == 0 and not section.all("bundle-only")
    offered.direction = _direction(section) or _direction(session) or "sendrecv"
    offered.reduced_size = bool(section.all("rtcp-rsize"))
    offered.known = _known_formats(offered, section)
    offered.rejected = (
        stopped
        or not offered.known
        or "SAVPF" not in offered.protocol
        or not (section.all("rtcp-mux") or session.all("rtcp-mux"))
    )
    if offered.known:
        offered.feedback = _feedback(offered.known[0].payload_type, section)
    extmaps = [*section.all("extmap"), *session.all("extmap")]
    offered.mid_extension = _extension(MID_URI, extmaps)
    offered.rid_extension = _extension(RID_URI, extmaps)
    offered.repaired_extension = _extension(REPAIRED_RID_URI, extmaps)
    if offered.mid_extension is not None and offered.rid_extension is not None:
        offered.layers = _layers(section)
    offered.level_extension = _extension(LEVEL_URI, extmaps) if offered.kind == "audio" else None
    number = _extension(URI, extmaps)
    if number is not None and number <= 14 and FEEDBACK in offered.feedback:
        offered.number_extension = number
    _read_ssrcs(offered, section)
    return offered


def _direction(section: _Section) -> str | None:
    return next((direction for direction in _DIRECTIONS if section.all(direction)), None)


def _known_formats(offered: MediaOffer, section: _Section) -> list[Format]:
    """The codecs that can be forwarded, in the relay's order; of several formats of a codec the one offered first."""
    maps = _payload_types(offered, section)
    parameters = _parameters(section)
    repeats: dict[int, int] = {}
    for number, (name, _) in maps.items():
        original = _pairs(parameters.get(number, "")).get("apt", "")
        if name == "rtx" and original.isdecimal():
            repeats.setdefault(int(original), number)
    found = []
    for codec in CODECS:
        for number, (name, clock) in maps.items():
            same = codec.kind == offered.kind and (name, clock) == (codec.name, codec.clock)
            pairs = _pairs(parameters.get(number, ""))
            if same and codec.accepts(pairs):
                found.append(Format(codec, number, repeats.get(number), codec.answer(pairs)))
                break
    return found


def _payload_types(offered: MediaOffer, section: _Section) -> dict[int, tuple[str, int]]:
    """Name in lower case and clock rate by payload type, in the m-line's order."""
    found = {}
    for value in section.all("rtpmap"):
        match = _RTPMAP.match(value)
        if match and match[1] in offered.formats:
            found[int(match[1])] = (match[2].lower(), int(match[3]))
    # 64 to 95 would look like RTCP once the marker bit is set (RFC 5761 section 4).
    order = [int(number) for number in offered.formats if number.isdecimal()]
    return {number: found[number] for number in order if number in found and (number < 64 or 95 < number < 128)}


def _parameters(section: _Section) -> dict[int, str]:
    found = {}
    for value in section.all("fmtp"):
        subject, _, parameters = value.partition(" ")
        if subject.isdecimal() and len(parameters) <= 200:
            found[int(subject)] = parameters
    return found


def _pairs(parameters: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in parameters.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _layers(section: _Section) -> tuple[str, ...]:
    """The streams of `a=simulcast:send` that `a=rid` describes (RFC 8853 section 5.1, RFC 8851); empty for one."""
    described = {words[0] for value in section.all("rid") if (words := value.split()) and words[1:2] == ["send"]}
    words = (section.first("simulcast") or "").split()
    listed = dict(zip(words[::2], words[1::2], strict=False)).get("send", "")
    # Of alternatives the first; "~" only says that the stream is paused at first.
    names = [name.partition(",")[0].lstrip("~") for name in listed.split(";")]
    found = tuple(dict.fromkeys(name for name in names if name in described and _RID.match(name)))
    return found[:MAX_LAYERS] if len(found) > 1 else ()


def _feedback(codec: int, section: _Section) -> list[str]:
    found = []
    for value in section.all("rtcp-fb"):
        subject, _, kind = value.partition(" ")
        if subject in (str(codec), "*"):
            found.append(kind)
    return found


def _extension(uri: str, extmaps: list[str]) -> int | None:
    for value in extmaps:
        words = value.split()
        identifier = words[0].partition("/")[0] if words else ""
        if len(words) >= 2 and words[1] == uri and identifier.isdecimal() and 1 <= int(identifier) <= 255:
            return int(identifier)
    return None


def _read_ssrcs(offered: MediaOffer, section: _Section) -> None:
    repeats = {}
    for group in section.all("ssrc-group"):
        words = group.split()
        if len(words) == 3 and words[0] == "FID" and words[1].isdecimal() and words[2].isdecimal():
            repeats[int(words[2])] = int(words[1])
    for value in section.all("ssrc"):
        number = value.split(" ")[0]
        if number.isdecimal() and 0 < int(number) < 1 << 32:
            ssrc = int(number)
            known = offered.rtx_ssrcs if ssrc in repeats else offered.ssrcs
            if ssrc not in known:
                known.append(ssrc)
