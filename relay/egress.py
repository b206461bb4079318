"""Sends many datagrams with one system call (sendmmsg(2)). Knows bytes and addresses, nothing of media.

Packets are written straight into the slots the kernel reads from. Where sendmmsg is missing, or refuses,
each datagram is sent on its own.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import struct
from typing import Any

from cffi import FFI

from relay.srtp import PacketBuffer

SLOTS = 64

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                    void *msg_control; size_t msg_controllen; int msg_flags; };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
    """
)

Address = tuple[Any, ...]
"""A socket address as Python's socket module gives it: (host, port) or (host, port, flow, scope)."""


class Destination:
    """Where a transport sends to: the address for Python and, unless sendmmsg is missing, for the kernel."""

    __slots__ = ("address", "name", "name_length")

    def __init__(self, address: Address) -> None:
        self.address = address
        packed = _sockaddr(address)
        self.name: Any = _ffi.new("char[]", packed)
        self.name_length = len(packed)


def _sockaddr(address: Address) -> bytes:
    """`struct sockaddr_in` or `sockaddr_in6` of Linux: the family in host order, the rest in network order."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    if host.version == 4:
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", address[1], host.packed)
    flow, scope = address[2], address[3]
    head = struct.pack("=H", socket.AF_INET6) + struct.pack("!HL16s", address[1], flow, host.packed)
    return head + struct.pack("=L", scope)


@functools.cache
def _system_call() -> Any:
    """sendmmsg(2), or None where it is missing; looked up once, because cffi never lets go of a library."""
    try:
        return _ffi.dlopen(None).sendmmsg
    except (AttributeError, OSError):
        return None


class Slot:
    """One datagram on its way out: write into `buffer`, then `Egress.queue` it."""

    __slots__ = ("buffer", "destination", "header", "length", "vector")

    def __init__(self, vector: Any, header: Any) -> None:
        self.buffer = PacketBuffer()
        self.vector = vector
        self.header = header
        self.length = 0
        self.destination: Destination | None = None
        vector.iov_base = _ffi.cast("void *", self.buffer.address)
        header.msg_iov = _ffi.addressof(vector)
        header.msg_iovlen = 1


class Egress:
    """Collects datagrams and sends them together; what the kernel has no room for is dropped and counted."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._descriptor = sock.fileno()
        self._vectors = _ffi.new("struct iovec[]", SLOTS)
        self._messages = _ffi.new("struct mmsghdr[]", SLOTS)
        self._slots = [Slot(self._vectors[i], self._messages[i].msg_hdr) for i in range(SLOTS)]
        self._sendmmsg = _system_call()
        self._used = 0
        self.next = self._slots[0]
        """The slot to write the next datagram into."""
        self.sent = 0
        self.dropped = 0

    def queue(self, slot: Slot, length: int, destination: Destination) -> None:
        """Sends the first `length` bytes of `slot` at the next `flush`, or now when all slots are taken."""
        slot.length = slot.vector.iov_len = length
        if slot.destination is not destination:
            slot.destination = destination
            slot.header.msg_name = destination.name
            slot.header.msg_namelen = destination.name_length
        self._used = used = self._used + 1
        if used == SLOTS:
            self.flush()
        else:
            self.next = self._slots[used]

    def flush(self) -> None:
        """Hands all queued datagrams to the kernel."""
        count = self._used
        if not count:
            return
        self._used = 0
        self.next = self._slots[0]
        done = 0
        if self._sendmmsg is not None:
            done = max(self._sendmmsg(self._descriptor, self._messages, count, 0), 0)
        # One refused datagram (no route, no room) ends a sendmmsg: the rest go one by one.
        for slot in self._slots[done:count] if done < count else ():
            if slot.destination is not None:
                self._send(slot.buffer.view[: slot.length], slot.destination.address)
        self.sent += done

    def send(self, datagram: bytes, address: Address) -> None:
        """Sends one datagram at once: STUN, DTLS, RTCP."""
        self._send(datagram, address)

    def _send(self, datagram: bytes | memoryview, address: Address) -> None:
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            self.dropped += 1
        else:
            self.sent += 1
