"""RTP packets as offsets into a buffer (RFC 3550 section 5.1). Knows no tracks and no sockets."""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBHLL")
HEADER_LENGTH = 12
PADDING_BIT = 0x20
EXTENSION_BIT = 0x10
MARKER_BIT = 0x80
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # the low four bits are for the application, RFC 8285 section 4.3

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
"""Which m-line, which of its simulcast streams, and which one a retransmission repairs (RFC 9143, RFC 8852)."""
LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

Buffer = bytes | bytearray | memoryview
_ABSENT = (0, -1)


def is_rtcp(second: int) -> bool:
    """Whether a packet with this second byte is RTCP when both share a port (RFC 5761 section 4)."""
    return 192 <= second <= 223


def bounds(packet: Buffer, length: int) -> tuple[int, int] | None:
    """Where the payload of the first `length` bytes starts and ends; None when the packet contradicts itself.

    Start and end are equal for a packet of padding only.
    """
    if length < HEADER_LENGTH:
        return None
    first = packet[0]
    start = HEADER_LENGTH + ((first & 0x0F) << 2)
    if first & EXTENSION_BIT:
        if start + 4 > length:
            return None
        start += 4 + ((packet[start + 2] << 8 | packet[start + 3]) << 2)
    end = length
    if first & PADDING_BIT:
        padding = packet[length - 1]
        if padding == 0:
            return None
        end -= padding
    return (start, end) if start <= end else None


def extension(packet: Buffer, length: int, wanted: int) -> bytes | None:
    """The header extension element with id `wanted` (RFC 8285), or None when absent or cut short."""
    at, size = find(packet, length, wanted)
    return bytes(packet[at : at + size]) if size >= 0 else None


def find(packet: Buffer, length: int, wanted: int) -> tuple[int, int]:
    """Where the value of the header extension element with id `wanted` starts and how long it is (RFC 8285); a size of
    -1 when it is absent or cut short."""
    if length < HEADER_LENGTH or not packet[0] & EXTENSION_BIT:
        return _ABSENT
    at = HEADER_LENGTH + ((packet[0] & 0x0F) << 2)
    if at + 4 > length:
        return _ABSENT
    profile = packet[at] << 8 | packet[at + 1]
    end = at + 4 + ((packet[at + 2] << 8 | packet[at + 3]) << 2)
    if end > length:
        return _ABSENT
    if profile == ONE_BYTE_PROFILE:
        return _find_one_byte(packet, at + 4, end, wanted)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _find_two_byte(packet, at + 4, end, wanted)
    return _ABSENT


def _find_one_byte(packet: Buffer, at: int, end: int, wanted: int) -> tuple[int, int]:
    while at < end:
        head = packet[at]
        if head == 0:
            at += 1
            continue
        if head >> 4 == 15:  # reserved: stop, RFC 8285 section 4.2
            return _ABSENT
        size = (head & 0x0F) + 1
        if at + 1 + size > end:
            return _ABSENT
        if head >> 4 == wanted:
            return at + 1, size
        at += 1 + size
    return _ABSENT


def _find_two_byte(packet: Buffer, at: int, end: int, wanted: int) -> tuple[int, int]:
    while at < end:
        if packet[at] == 0:
            at += 1
            continue
        if at + 2 > end:
            return _ABSENT
        size = packet[at + 1]
        if at + 2 + size > end:
            return _ABSENT
        if packet[at] == wanted:
            return at + 2, size
        at += 2 + size
    return _ABSENT


def mid_extension(identifier: int | None, mid: str) -> bytes:
    """The extension block carrying `mid` (RFC 9143 section 14), ready to follow a fixed header; empty for None."""
    value = mid.encode()
    if identifier is None or not value:
        return b""
    if identifier <= 14 and len(value) <= 16:
        profile, element = ONE_BYTE_PROFILE, bytes([identifier << 4 | (len(value) - 1)]) + value
    else:
        profile, element = TWO_BYTE_PROFILE, bytes([identifier, len(value)]) + value
    words = (len(element) + 3) // 4
    return struct.pack("!HH", profile, words) + element.ljust(words * 4, b"\0")


NUMBER_AT = 5
"""Where a block made by `numbered_extension` has the two bytes of the transport-wide number."""


def numbered_extension(number_id: int, mid_id: int | None, mid: str) -> bytes:
    """The extension block with room for a transport-wide number at `NUMBER_AT`, and `mid`; `number_id` is 1 to 14."""
    elements = bytes([number_id << 4 | 1, 0, 0])
    value = mid.encode()
    if mid_id is not None and mid_id <= 14 and 0 < len(value) <= 16:
        elements += bytes([mid_id << 4 | (len(value) - 1)]) + value
    words = (len(elements) + 3) // 4
    return struct.pack("!HH", ONE_BYTE_PROFILE, words) + elements.ljust(words * 4, b"\0")


def extend(sequence: int, reference: int) -> int:
    """The 16-bit `sequence` as the unwrapped number nearest to the unwrapped `reference`."""
    return reference + ((sequence - reference + 0x8000) & 0xFFFF) - 0x8000
