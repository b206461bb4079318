"""What the relay has to see of a VP8 payload (RFC 7741): whether a keyframe starts here."""

from __future__ import annotations


def starts_keyframe(payload: bytes) -> bool:
    """Whether `payload` is the first packet of a keyframe (RFC 7741 sections 4.2 and 4.3); False for nonsense."""
    size = len(payload)
    if size < 2:
        return False
    first = payload[0]
    if not first & 0x10 or first & 0x07:  # S bit unset, or not the first partition
        return False
    at = 1
    if first & 0x80:
        present = payload[1]
        at = 2
        if present & 0x80:  # picture id, 7 or 15 bits
            if at >= size:
                return False
            at += 2 if payload[at] & 0x80 else 1
        if present & 0x40:
            at += 1
        if present & 0x30:
            at += 1
    return at < size and not payload[at] & 0x01
