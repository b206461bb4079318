"""What the relay sees of a VP8 payload (RFC 7741): keyframes, picture size, the numbers a switch must continue."""

from __future__ import annotations

_HEADER_LENGTH = 10
"""Frame tag, start code, width and height of a keyframe (RFC 6386 section 9.1)."""


def starts_keyframe(payload: bytes) -> bool:
    """Whether `payload` is the first packet of a keyframe (RFC 7741 sections 4.2 and 4.3); False for nonsense."""
    size = len(payload)
    if size < 2:
        return False
    first = payload[0]
    if not first & 0x10 or first & 0x07:  # S bit unset, or not the first partition
        return False
    at = _descriptor_length(payload)
    return at < size and not payload[at] & 0x01


def height(payload: bytes) -> int:
    """Pixel height in the first packet of a keyframe (RFC 6386 section 9.1); 0 when it is not all there."""
    at = _descriptor_length(payload)
    if len(payload) < at + _HEADER_LENGTH or payload[at + 3 : at + 6] != b"\x9d\x01\x2a":
        return 0
    return (payload[at + 8] | payload[at + 9] << 8) & 0x3FFF


def _descriptor_length(payload: bytes) -> int:
    """Bytes before the VP8 payload header; may be more than there are."""
    if not payload[0] & 0x80:
        return 1
    present = payload[1]
    at = 2
    if present & 0x80:  # picture id, 7 or 15 bits
        at += 2 if at < len(payload) and payload[at] & 0x80 else 1
    if present & 0x40:
        at += 1
    if present & 0x30:
        at += 1
    return at


def numbers(payload: bytes) -> tuple[int | None, int | None]:
    """Picture id and TL0PICIDX of the descriptor (RFC 7741 section 4.2), each None when absent."""
    if len(payload) < 3 or not payload[0] & 0x80 or len(payload) <= _descriptor_length(payload):
        return None, None
    present, at = payload[1], 2
    picture = level = None
    if present & 0x80:
        picture = payload[2] & 0x7F
        at = 3
        if payload[2] & 0x80:
            picture = picture << 8 | payload[3]
            at = 4
    if present & 0x40:
        level = payload[at]
    return picture, level


def shifted(payload: bytes, pictures: int, levels: int) -> bytes:
    """`payload` with its picture id raised by `pictures` and its TL0PICIDX by `levels`, each within its bits."""
    if len(payload) < 5 or not payload[0] & 0x80:
        return payload
    present, at = payload[1], 2
    head = bytearray(payload[:5])
    if present & 0x80:
        if payload[2] & 0x80:
            picture = (payload[2] << 8 | payload[3]) + pictures
            head[2], head[3] = picture >> 8 & 0x7F | 0x80, picture & 0xFF
            at = 4
        else:
            head[2] = payload[2] + pictures & 0x7F
            at = 3
    if present & 0x40:
        head[at] = payload[at] + levels & 0xFF
    return bytes(head) + payload[5:]
