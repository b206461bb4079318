"""RTCP packets, read and written (RFC 3550 section 6, RFC 4585, RFC 5104). Knows no tracks and no sockets."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from relay import twcc

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION = 200, 201, 202
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK, EXTENDED_REPORT = 205, 206, 207
FMT_NACK = 1
RECEIVER_REFERENCE_TIME, DELAY_SINCE_RECEIVER_REFERENCE = 4, 5
FMT_PLI, FMT_FIR, FMT_APPLICATION = 1, 4, 15

_HEADER = struct.Struct("!BBH")
_SR_INFO = struct.Struct("!QLLL")
_BLOCK = struct.Struct("!LLLLLL")
_PAIR = struct.Struct("!LL")
_NACK_ITEM = struct.Struct("!HH")
_UINT32 = struct.Struct("!L")
_BLOCK_HEADER = struct.Struct("!BBH")
_DELAY = struct.Struct("!LLL")
MAX_BLOCKS = 31


@dataclass(frozen=True, slots=True)
class SenderReport:
    """`ntp` is the 64-bit NTP timestamp, `rtp` the same instant in the stream's clock (RFC 3550 section 6.4.1)."""

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """One report block (RFC 3550 section 6.4.1). `fraction` is lost/256, `jitter` in clock units, `lsr` the middle
    32 bits of the last sender report's NTP timestamp, `dlsr` the delay since then in 1/65536 s."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers missing from the stream `ssrc` (RFC 4585 section 6.2.1)."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """A PLI (RFC 4585 section 6.3.1) or FIR (RFC 5104 section 4.3.1) for the stream `ssrc`."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """The receiver `ssrc` tells its 64-bit NTP time and wants it back (RFC 3611 section 4.4)."""

    ssrc: int
    ntp: int


@dataclass(frozen=True, slots=True)
class MaxBitrate:
    """A REMB: the receiver's own estimate, bit/s (draft-alvestrand-rmcat-remb-03 section 2.2)."""

    ssrc: int
    bitrate: int


Feedback = SenderReport | ReceptionReport | Nack | KeyframeRequest | ReferenceTime | MaxBitrate | twcc.Arrivals


def parse(compound: bytes) -> list[Feedback]:
    """What a compound packet says, in order; unknown packets are skipped. Raises ValueError when it is cut short."""
    found: list[Feedback] = []
    at = 0
    while at < len(compound):
        if len(compound) - at < 4:
            raise ValueError("RTCP header is cut short")
        first, kind, words = _HEADER.unpack_from(compound, at)
        end = at + 4 + words * 4
        if first >> 6 != 2 or end > len(compound):
            raise ValueError("RTCP length or version is wrong")
        body_end = end
        if first & 0x20:
            body_end -= compound[end - 1]
        found.extend(_parse_one(kind, first & 0x1F, compound[at + 4 : max(body_end, at + 4)]))
        at = end
    return found


def _parse_one(kind: int, count: int, body: bytes) -> Iterator[Feedback]:
    if kind == SENDER_REPORT:
        if len(body) < 24:
            raise ValueError("sender report is cut short")
        yield SenderReport(_UINT32.unpack_from(body)[0], *_SR_INFO.unpack_from(body, 4))
        yield from _parse_blocks(body, 24, count)
    elif kind == RECEIVER_REPORT:
        yield from _parse_blocks(body, 4, count)
    elif kind == TRANSPORT_FEEDBACK and count == FMT_NACK and len(body) >= 8:
        yield Nack(_UINT32.unpack_from(body, 4)[0], tuple(_parse_nack(body[8:])))
    elif kind == TRANSPORT_FEEDBACK and count == twcc.FMT:
        yield twcc.parse(body)
    elif kind == PAYLOAD_FEEDBACK and count == FMT_APPLICATION and len(body) >= 16 and body[8:12] == b"REMB":
        packed = _UINT32.unpack_from(body, 12)[0]
        yield MaxBitrate(_UINT32.unpack_from(body)[0], (packed & 0x3FFFF) << (packed >> 18 & 0x3F))
    elif kind == PAYLOAD_FEEDBACK and count == FMT_PLI and len(body) >= 8:
        yield KeyframeRequest(_UINT32.unpack_from(body, 4)[0])
    elif kind == PAYLOAD_FEEDBACK and count == FMT_FIR:
        for at in range(8, len(body) - 7, 8):
            yield KeyframeRequest(_UINT32.unpack_from(body, at)[0])
    elif kind == EXTENDED_REPORT and len(body) >= 4:
        yield from _parse_extended(_UINT32.unpack_from(body)[0], body)


def _parse_extended(ssrc: int, body: bytes) -> Iterator[ReferenceTime]:
    """The report blocks of RFC 3611 section 3, each with its length in words."""
    at = 4
    while at + 4 <= len(body):
        end = at + 4 + (body[at + 2] << 8 | body[at + 3]) * 4
        if body[at] == RECEIVER_REFERENCE_TIME and end == at + 12 <= len(body):
            yield ReferenceTime(ssrc, int.from_bytes(body[at + 4 : end], "big"))
        at = end


def _parse_blocks(body: bytes, start: int, count: int) -> Iterator[ReceptionReport]:
    if len(body) < start + 24 * count:
        raise ValueError("report block is cut short")
    for at in range(start, start + 24 * count, 24):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, at)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 1 << 24
        yield ReceptionReport(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr)


def _parse_nack(items: bytes) -> Iterator[int]:
    for at in range(0, len(items) - 3, 4):
        first, mask = _NACK_ITEM.unpack_from(items, at)
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF


def _packet(count: int, kind: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _pack_block(block: ReceptionReport) -> bytes:
    lost = min(max(block.lost, -0x800000), 0x7FFFFF) & 0xFFFFFF
    loss = block.fraction << 24 | lost
    highest, jitter = block.highest & 0xFFFFFFFF, min(block.jitter, 0xFFFFFFFF)
    return _BLOCK.pack(block.ssrc, loss, highest, jitter, block.lsr, block.dlsr)


def pack_sender_report(report: SenderReport) -> bytes:
    """A sender report without report blocks; the counters are cut to 32 bits."""
    info = _SR_INFO.pack(report.ntp, report.rtp, report.packets & 0xFFFFFFFF, report.octets & 0xFFFFFFFF)
    return _packet(0, SENDER_REPORT, _UINT32.pack(report.ssrc) + info)


def pack_receiver_report(sender: int, blocks: Sequence[ReceptionReport]) -> bytes:
    """A receiver report from SSRC `sender` about at most 31 streams."""
    body = _UINT32.pack(sender) + b"".join(_pack_block(block) for block in blocks[:MAX_BLOCKS])
    return _packet(min(len(blocks), MAX_BLOCKS), RECEIVER_REPORT, body)


def pack_cname(ssrc: int, cname: str) -> bytes:
    """A source description naming `ssrc` (RFC 3550 section 6.5.1); every compound report carries one."""
    value = cname.encode()[:255]
    item = bytes([1, len(value)]) + value
    chunk = _UINT32.pack(ssrc) + item + bytes(4 - len(item) % 4)
    return _packet(1, SOURCE_DESCRIPTION, chunk)


def pack_nack(sender: int, ssrc: int, sequences: Iterable[int]) -> bytes:
    """Asks the sender of `ssrc` for `sequences` (unwrapped or 16-bit, ascending), RFC 4585 section 6.2.1."""
    items: list[list[int]] = []
    for sequence in sequences:
        ahead = sequence - items[-1][0] if items else 0
        if items and 1 <= ahead <= 16:
            items[-1][1] |= 1 << (ahead - 1)
        else:
            items.append([sequence, 0])
    packed = b"".join(_NACK_ITEM.pack(first & 0xFFFF, mask) for first, mask in items)
    return _packet(FMT_NACK, TRANSPORT_FEEDBACK, _PAIR.pack(sender, ssrc) + packed)


def pack_pli(sender: int, ssrc: int) -> bytes:
    """Asks the sender of `ssrc` for a keyframe (RFC 4585 section 6.3.1)."""
    return _packet(FMT_PLI, PAYLOAD_FEEDBACK, _PAIR.pack(sender, ssrc))


def pack_reference_answer(sender: int, reference: ReferenceTime) -> bytes:
    """Gives a receiver its reference time back, without delay (RFC 3611 section 4.5)."""
    block = _BLOCK_HEADER.pack(DELAY_SINCE_RECEIVER_REFERENCE, 0, 3)
    times = _DELAY.pack(reference.ssrc, reference.ntp >> 16 & 0xFFFFFFFF, 0)
    return _packet(0, EXTENDED_REPORT, _UINT32.pack(sender) + block + times)


def pack_remb(sender: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """Tells a sender how many bit/s its streams may take together (draft-alvestrand-rmcat-remb-03 section 2.2)."""
    exponent = max(bitrate.bit_length() - 18, 0)
    mantissa = bitrate >> exponent
    body = _PAIR.pack(sender, 0) + b"REMB" + _UINT32.pack(len(ssrcs) << 24 | exponent << 18 | mantissa)
    return _packet(FMT_APPLICATION, PAYLOAD_FEEDBACK, body + b"".join(_UINT32.pack(ssrc) for ssrc in ssrcs))
