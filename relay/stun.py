"""The STUN an ICE-lite agent needs: binding requests in, binding responses out (RFC 8489, RFC 8445 section 7.3).

Written here rather than taken from aioice because it stands in front of strangers: it looks at the few bytes
that decide whether a datagram is for us before it spends anything on it.
"""

from __future__ import annotations

import hmac
import socket
import struct
import zlib
from dataclasses import dataclass

COOKIE = 0x2112A442
HEADER_LENGTH = 20
_HEADER = struct.Struct("!HHL12s")
_ATTRIBUTE = struct.Struct("!HH")
BINDING_REQUEST, BINDING_RESPONSE = 0x0001, 0x0101
USERNAME, MESSAGE_INTEGRITY, XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0020
USE_CANDIDATE, FINGERPRINT = 0x0025, 0x8028
_MAPPED = bytes(10) + b"\xff\xff"
"""How the address of an IPv4 peer begins on a socket for both families (RFC 4291 section 2.5.5.2)."""
_FINGERPRINT_XOR = 0x5354554E


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check. `signed` is what the integrity code covers, its length field already adjusted."""

    transaction: bytes
    ufrag: str
    use_candidate: bool
    signed: bytes
    integrity: bytes

    def is_from(self, password: str) -> bool:
        """Whether the sender knows `password` (RFC 8489 section 14.5)."""
        expected = hmac.digest(password.encode(), self.signed, "sha1")
        return hmac.compare_digest(expected, self.integrity)


def parse_request(datagram: bytes) -> BindingRequest | None:
    """The connectivity check in `datagram`, or None for anything else, signed attributes only."""
    if len(datagram) < HEADER_LENGTH:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(datagram)
    if kind != BINDING_REQUEST or cookie != COOKIE or length != len(datagram) - HEADER_LENGTH or length % 4:
        return None
    ufrag, use_candidate = "", False
    at = HEADER_LENGTH
    while at + 4 <= len(datagram):
        attribute, size = _ATTRIBUTE.unpack_from(datagram, at)
        value = datagram[at + 4 : at + 4 + size]
        if len(value) != size:
            return None
        if attribute == USERNAME:
            ufrag = value.partition(b":")[0].decode("ascii", "replace")
        elif attribute == USE_CANDIDATE:
            use_candidate = True
        elif attribute == MESSAGE_INTEGRITY:
            covered = at - HEADER_LENGTH + 24
            signed = datagram[:2] + struct.pack("!H", covered) + datagram[4:at]
            return BindingRequest(transaction, ufrag, use_candidate, signed, value) if ufrag else None
        at += 4 + (size + 3 & ~3)
    return None


def binding_response(transaction: bytes, host: str, port: int, password: str) -> bytes:
    """The success response telling the sender its address as seen here (RFC 8489 sections 14.2, 14.5, 14.7)."""
    mapped = _xor_address(transaction, host, port)
    attribute = _ATTRIBUTE.pack(XOR_MAPPED_ADDRESS, len(mapped)) + mapped
    signed = _HEADER.pack(BINDING_RESPONSE, len(attribute) + 24, COOKIE, transaction) + attribute
    code = hmac.digest(password.encode(), signed, "sha1")
    body = attribute + _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + code
    message = _HEADER.pack(BINDING_RESPONSE, len(body) + 8, COOKIE, transaction) + body
    checksum = zlib.crc32(message) ^ _FINGERPRINT_XOR
    return message + _ATTRIBUTE.pack(FINGERPRINT, 4) + struct.pack("!L", checksum)


def _xor_address(transaction: bytes, host: str, port: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host.partition("%")[0])
    packed = packed.removeprefix(_MAPPED)
    pad = struct.pack("!L", COOKIE) + transaction
    hidden = int.from_bytes(packed, "big") ^ int.from_bytes(pad[: len(packed)], "big")
    return struct.pack("!BBH", 0, 1 if len(packed) == 4 else 2, port ^ COOKIE >> 16) + hidden.to_bytes(
        len(packed), "big"
    )
