"""Sends many datagrams with one system call (sendmmsg(2)). Knows bytes and addresses, nothing of media.

Packets are written straight into slots the kernel reads from. Those of one size that go to one address one after
another, as the packets of a picture do, go through the kernel as one (UDP_SEGMENT, udp(7)). Where one of these is
missing or refused, each datagram is sent on its own.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
from typing import Any

from relay.mmsg import Address, ffi, pack_address, system_call
from relay.srtp import PacketBuffer, Slot

log = logging.getLogger("relay.egress")

SLOTS = 64
MAX_SEGMENTS_BYTES = 60_000
"""Of datagrams that go as one: less than an IP packet may have (65,535 with its headers)."""
_CONTROL = struct.Struct("@NiiH6x")
"""`struct cmsghdr` with the size of a segment."""
_CONTROL_LENGTH = 18  # without the padding behind it
_SOL_UDP, _UDP_SEGMENT = 17, 103
_UNKNOWN_OPTION = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP)


def no_segments(error: int) -> None:
    """Says that the kernel refused segments with `error`."""
    log.warning("this machine sends no segmented datagrams (errno %d): each goes alone", error)


class Destination:
    """Where a transport sends to: the address for Python and for the kernel."""

    __slots__ = ("address", "name", "name_length", "packed")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.packed = packed = pack_address(address)
        self.name: Any = ffi.new("char[]", packed)
        self.name_length = len(packed)


class Message:
    """Datagrams of one size to one destination in slots next to each other, `first` is the first one's place. The
    last may be shorter."""

    __slots__ = ("control", "count", "destination", "first", "header", "size", "view")

    def __init__(self, header: Any) -> None:
        self.header = header
        self.control = ffi.new("char[]", _CONTROL.size)
        self.view = ffi.buffer(self.control)
        self.destination: Destination | None = None
        self.first = self.count = self.size = 0


def _run(lengths: list[int]) -> int:
    """How many datagrams of these lengths can go as one, from the first on: equal ones, and a shorter one behind."""
    size = lengths[0]
    most = min(len(lengths), MAX_SEGMENTS_BYTES // size)
    if lengths.count(size) == len(lengths) == most:
        return most
    count = next((at for at in range(1, most) if lengths[at] != size), most)
    return count + 1 if count < most and lengths[count] < size else count


class Egress:
    """Collects datagrams and sends them together; what the kernel has no room for is dropped and counted."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._descriptor = sock.fileno()
        self._vectors = ffi.new("struct iovec[]", SLOTS)
        self._headers = ffi.new("struct mmsghdr[]", SLOTS)
        self._buffers = [PacketBuffer() for _ in range(SLOTS)]
        for i, buffer in enumerate(self._buffers):
            self._vectors[i].iov_base = ffi.cast("void *", buffer.address)
        self._slots: list[Slot] = [(buffer.view, buffer.pointer) for buffer in self._buffers]
        self._lengths = [0] * SLOTS
        self._starts = [ffi.addressof(self._vectors, i) for i in range(SLOTS)]
        self._messages = [Message(self._headers[i].msg_hdr) for i in range(SLOTS)]
        self._sendmmsg = system_call("sendmmsg")
        self._segments = self._sendmmsg is not None
        self._used = self._begun = 0
        self.gathers = False
        """Whether somebody flushes soon: then nothing else needs to."""
        self.sent = 0
        self.dropped = 0

    def slots(self, count: int) -> list[Slot]:
        """Room for the next `count` datagrams (SLOTS at most): write some, from the first on, then `queue` them."""
        if self._used + count > SLOTS:
            self.flush()
        return self._slots[self._used : self._used + count]

    def queue(self, lengths: list[int], destination: Destination) -> None:
        """Sends the datagrams written into the next slots, of so many bytes each, at the next `flush`."""
        begin = self._used
        end = self._used = begin + len(lengths)
        if self._lengths[begin:end] != lengths:
            self._lengths[begin:end] = lengths
            for at in range(begin, end):
                self._vectors[at].iov_len = self._lengths[at]
        while begin < end:
            count = _run(lengths) if self._segments else 1
            self._add(begin, count, lengths[0], destination)
            begin += count
            lengths = lengths[count:]

    def _add(self, begin: int, count: int, size: int, destination: Destination) -> None:
        """A message of `count` datagrams from slot `begin` on."""
        message = self._messages[self._begun]
        self._begun += 1
        message.first = begin
        header = message.header
        header.msg_iov = self._starts[begin]
        if message.destination is not destination:
            message.destination = destination
            header.msg_name = destination.name
            header.msg_namelen = destination.name_length
        if message.count != count:
            message.count = header.msg_iovlen = count
            header.msg_control = message.control if count > 1 else ffi.NULL
            header.msg_controllen = _CONTROL.size if count > 1 else 0
        if message.size != size:
            message.size = size
            _CONTROL.pack_into(message.view, 0, _CONTROL_LENGTH, _SOL_UDP, _UDP_SEGMENT, size)

    def flush(self) -> None:
        """Hands all queued datagrams to the kernel."""
        used = self._used
        if not used:
            return
        begun, self._begun, self._used = self._begun, 0, 0
        done = 0
        if self._sendmmsg is not None:
            done = max(self._sendmmsg(self._descriptor, self._headers, begun, 0), 0)
        # One refused message (no route, no room) ends a sendmmsg: the rest go one by one.
        first = used if done == begun else self._messages[done].first
        self.sent += first
        if done < begun:
            self._send_singly(self._messages[done:begun])

    def _send_singly(self, messages: list[Message]) -> None:
        if messages[0].count > 1 and self._segments and ffi.errno in _UNKNOWN_OPTION:
            no_segments(ffi.errno)
            self._segments = False
        for message in messages:
            for at in range(message.first, message.first + message.count):
                if message.destination is not None:
                    self._send(self._buffers[at].view[: self._lengths[at]], message.destination.address)

    def send(self, datagram: bytes, address: Address) -> None:
        """Sends one datagram at once: STUN, DTLS."""
        self._send(datagram, address)

    def _send(self, datagram: bytes | memoryview, address: Address) -> None:
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            self.dropped += 1
        else:
            self.sent += 1
