"""SRTP on buffers that stay where they are; the only file touching pylibsrtp's privates.

`Session.protect` copies a packet three times and refuses more than 1,356 bytes. Calling libsrtp on a buffer of ours
saves 1.4 us of 8.3 per packet (docs/performance.md). `tests/relay/test_contract.py` holds every private used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylibsrtp._binding import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylibsrtp import Session

    from relay.lane import Lane
    from relay.track import Packet

Slot = tuple[memoryview, Any]
"""Room for one packet: as Python sees it, and as C does."""

# Room for the longest datagram read plus the longest trailer libsrtp may add (16 + 128 + 4, and some).
BUFFER_SIZE = 2048
MAX_TRAILER = 160


class PacketBuffer:
    """2,048 bytes that libsrtp, the socket and Python see at the same place."""

    __slots__ = ("address", "pointer", "view")

    def __init__(self) -> None:
        self.pointer: Any = ffi.new("char[]", BUFFER_SIZE)
        self.view = memoryview(ffi.buffer(self.pointer)).cast("B")
        self.address = int(ffi.cast("uintptr_t", self.pointer))


class SrtpCipher:
    """One direction of one association. All methods work in place and return the new length, or -1 when refused."""

    __slots__ = ("_handle", "_length", "_session", "address")

    def __init__(self, session: Session) -> None:
        self._session = session  # owns what _handle and address point to
        self._handle: Any = session._srtp[0]
        self._length: Any = ffi.new("int *")
        self.address = int(ffi.cast("uintptr_t", self._handle))
        """Of libsrtp's context, for who calls it without Python."""

    def protect_all(self, lane: Lane, packets: Sequence[Packet], slots: Sequence[Slot], number: int) -> list[int]:
        """Writes each of `packets` into a slot of its own and encrypts it there (RFC 3711 section 3.3), those of a
        numbered lane from the transport-wide `number` on. Their lengths; fewer when libsrtp refuses one."""
        protect, handle, cell = lib.srtp_protect, self._handle, self._length
        pack, first, ssrc, head, tail, start = lane.pack, lane.first, lane.ssrc, lane.head, lane.tail, lane.size
        kind, add, late, numbered = lane.kind, lane.add, lane.late, lane.numbered
        lengths: list[int] = []
        for (index, marker, timestamp, payload), (view, pointer) in zip(packets, slots, strict=True):
            sequence, timestamp = index + add & 0xFFFF, timestamp + late & 0xFFFFFFFF
            if numbered:
                pack(view, 0, first, marker | kind, sequence, timestamp, ssrc, head, number & 0xFFFF, tail)
                number += 1
            else:
                pack(view, 0, first, marker | kind, sequence, timestamp, ssrc, head)
            length = start + len(payload)
            view[start:length] = payload
            cell[0] = length
            if protect(handle, pointer, cell):
                break
            lengths.append(cell[0])
        return lengths

    def protect(self, buffer: PacketBuffer, length: int) -> int:
        """Encrypts the RTP packet in the first `length` bytes of `buffer`."""
        self._length[0] = length
        if lib.srtp_protect(self._handle, buffer.pointer, self._length):
            return -1
        return self._length[0]  # type: ignore[no-any-return]

    def unprotect(self, buffer: PacketBuffer, length: int, _unprotect: Any = lib.srtp_unprotect) -> int:
        """Verifies and decrypts an SRTP packet; forged and replayed ones give -1."""
        size = self._length
        size[0] = length
        if _unprotect(self._handle, buffer.pointer, size):
            return -1
        return size[0]  # type: ignore[no-any-return]

    def protect_rtcp(self, packet: bytes, slot: Slot) -> int:
        """Writes the SRTCP packet for `packet` (RFC 3711 section 3.4) into `slot`; its length, -1 when refused."""
        if len(packet) > BUFFER_SIZE - MAX_TRAILER:
            return -1
        view, pointer = slot
        view[: len(packet)] = packet
        self._length[0] = len(packet)
        if lib.srtp_protect_rtcp(self._handle, pointer, self._length):
            return -1
        return self._length[0]  # type: ignore[no-any-return]

    def unprotect_rtcp(self, buffer: PacketBuffer, length: int) -> int:
        """Verifies and decrypts an SRTCP packet; forged and replayed ones give -1."""
        self._length[0] = length
        if lib.srtp_unprotect_rtcp(self._handle, buffer.pointer, self._length):
            return -1
        return self._length[0]  # type: ignore[no-any-return]


def functions() -> tuple[int, int, int]:
    """Addresses of libsrtp's protect, unprotect and protect_rtcp, for who calls them without Python."""
    found = (ffi.addressof(lib, name) for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp"))
    protect, unprotect, protect_rtcp = (int(ffi.cast("uintptr_t", address)) for address in found)
    return protect, unprotect, protect_rtcp
