"""Reads many datagrams with one system call (recvmmsg(2)). Knows bytes and addresses, nothing of media.

The kernel writes straight into the buffers that are decrypted in place, and says when each datagram came: senders find
their rate from it, and a busy machine reads late. Where recvmmsg is missing, datagrams are read one by one.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relay.mmsg import NAME_LENGTH, ffi, pack_address, system_call
from relay.srtp import BUFFER_SIZE, PacketBuffer

SLOTS = 64
_NOTHING_THERE = (errno.EAGAIN, errno.EINTR)
SO_TIMESTAMPNS = 35
"""socket(7); Python knows its number from 3.14 on."""
_STAMP = struct.Struct("=16xqq")
"""The control message of SO_TIMESTAMPNS: a header, then a struct timespec of the wall clock."""
Datagram = tuple[PacketBuffer, int, bytes, float]
"""The buffer it is in, its length, the packed address it came from, and when it came in monotonic seconds."""


def has_stamps(sock: socket.socket) -> bool:
    """Asks the kernel to say when each datagram came; whether it does."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class Ingress:
    """See the module. `sock` must not block; there are `SLOTS` `buffers`. `owners` says whose packed address it is: the
    compiled twin keeps ordinary packets of theirs to itself, counted in `passed`. `stamped`: the kernel says when
    each came."""

    def __init__(self, sock: socket.socket, owners: Mapping[bytes, object], buffers: Sequence[PacketBuffer]) -> None:
        self._socket, self._owners = sock, owners
        self.passed = 0
        self._descriptor = sock.fileno()
        size = NAME_LENGTH[sock.family]
        self._vectors = ffi.new("struct iovec[]", SLOTS)
        self._messages = ffi.new("struct mmsghdr[]", SLOTS)
        self._names = ffi.new("char[]", SLOTS * size)
        self._controls = ffi.new("char[]", SLOTS * _STAMP.size)
        self._stamps = memoryview(ffi.buffer(self._controls))
        self._came = 0.0
        self.stamped = has_stamps(sock)
        names = memoryview(ffi.buffer(self._names)).cast("B")
        self._slots: list[tuple[PacketBuffer, memoryview, Any]] = []
        for i, buffer in enumerate(buffers):
            message = self._messages[i]
            self._vectors[i].iov_base = ffi.cast("void *", buffer.address)
            self._vectors[i].iov_len = BUFFER_SIZE
            message.msg_hdr.msg_iov = ffi.addressof(self._vectors[i])
            message.msg_hdr.msg_iovlen = 1
            message.msg_hdr.msg_name = self._names + i * size
            message.msg_hdr.msg_namelen = size
            message.msg_hdr.msg_control = self._controls + i * _STAMP.size
            message.msg_hdr.msg_controllen = _STAMP.size  # the kernel makes it what it wrote, which is the same
            self._slots.append((buffer, names[i * size : (i + 1) * size], message))
        self._recvmmsg = system_call("recvmmsg")

    def receive(self, now: float) -> Iterator[Datagram]:
        """What has arrived by `now` (monotonic seconds), `SLOTS` at most; each is valid until the next call. One that
        is cut has BUFFER_SIZE bytes. Raises OSError, but not when nothing is there."""
        if self._recvmmsg is None:
            yield from self._one_by_one(now)
            return
        count = self._recvmmsg(self._descriptor, self._messages, SLOTS, socket.MSG_DONTWAIT, ffi.NULL)
        if count < 0 and ffi.errno not in _NOTHING_THERE:
            raise OSError(ffi.errno, "recvmmsg")
        count = max(count, 0)
        booted = now - time.time()
        stamps = _STAMP.iter_unpack(self._stamps[: count * _STAMP.size])
        for (buffer, name, message), (seconds, nanoseconds) in zip(self._slots[:count], stamps, strict=True):
            # Never later than now and never before the last one, whatever somebody does to the wall clock.
            stamp = booted + seconds + nanoseconds * 1e-9 if self.stamped else now
            self._came = came = min(max(stamp, self._came), now)
            yield buffer, message.msg_len, bytes(name), came

    def _one_by_one(self, now: float) -> Iterator[Datagram]:
        for buffer, _, _ in self._slots:
            try:
                length, address = self._socket.recvfrom_into(buffer.view)
            except (BlockingIOError, InterruptedError):
                return
            yield buffer, length, pack_address(address), now
