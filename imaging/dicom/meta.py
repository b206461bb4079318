"""What the file meta information of a PS3.10 file says, out of its first bytes and without a decoder."""

import re
import struct
from dataclasses import dataclass

UID = re.compile(r"[0-9.]{1,64}")
_LONG = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT"})
_CLASS, _INSTANCE, _SYNTAX = 0x0002, 0x0003, 0x0010


@dataclass(frozen=True, slots=True)
class Meta:
    """UIDs of the SOP class, the instance and the transfer syntax; empty where they are missing or malformed."""

    sop_class: str = ""
    sop_uid: str = ""
    syntax: str = ""


def read(head: bytes) -> Meta:
    """Group 0002, always Explicit VR Little Endian (PS3.10 section 7.1), as far as `head` goes."""
    if head[128:132] != b"DICM":
        return Meta()
    found: dict[int, str] = {}
    at = 132
    while at + 8 <= len(head):
        group, element, vr, length = struct.unpack_from("<HH2sH", head, at)
        at += 8
        if group != 2:
            break
        if vr in _LONG:
            if at + 4 > len(head):
                break
            (length,) = struct.unpack_from("<I", head, at)
            at += 4
        if vr == b"UI" and at + length <= len(head):
            text = head[at : at + length].rstrip(b"\0 ").decode("ascii", "replace")
            found[element] = text if UID.fullmatch(text) else ""
        at += length
    return Meta(found.get(_CLASS, ""), found.get(_INSTANCE, ""), found.get(_SYNTAX, ""))
