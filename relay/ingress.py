"""Reads many datagrams with one system call (recvmmsg(2)). Knows bytes and addresses, nothing of media.

The kernel writes straight into the buffers that are decrypted in place. Where recvmmsg is missing, datagrams are read
one by one.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

from relay.mmsg import NAME_LENGTH, ffi, pack_address, system_call
from relay.srtp import BUFFER_SIZE, PacketBuffer

SLOTS = 64
_NOTHING_THERE = (errno.EAGAIN, errno.EINTR)
Datagram = tuple[PacketBuffer, int, bytes]
"""The buffer it is in, its length, and the packed address it came from."""


class Ingress:
    """See the module. `sock` must not block."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._descriptor = sock.fileno()
        size = NAME_LENGTH[sock.family]
        self._vectors = ffi.new("struct iovec[]", SLOTS)
        self._messages = ffi.new("struct mmsghdr[]", SLOTS)
        self._names = ffi.new("char[]", SLOTS * size)
        names = memoryview(ffi.buffer(self._names)).cast("B")
        self._slots: list[tuple[PacketBuffer, memoryview, Any]] = []
        for i in range(SLOTS):
            buffer, message = PacketBuffer(), self._messages[i]
            self._vectors[i].iov_base = ffi.cast("void *", buffer.address)
            self._vectors[i].iov_len = BUFFER_SIZE
            message.msg_hdr.msg_iov = ffi.addressof(self._vectors[i])
            message.msg_hdr.msg_iovlen = 1
            message.msg_hdr.msg_name = self._names + i * size
            message.msg_hdr.msg_namelen = size
            self._slots.append((buffer, names[i * size : (i + 1) * size], message))
        self._recvmmsg = system_call("recvmmsg")

    def receive(self) -> Iterator[Datagram]:
        """What has arrived, `SLOTS` at most; each is valid until the next call. One that is cut has BUFFER_SIZE bytes.
        Raises OSError, but not when nothing is there."""
        if self._recvmmsg is None:
            yield from self._one_by_one()
            return
        count = self._recvmmsg(self._descriptor, self._messages, SLOTS, socket.MSG_DONTWAIT, ffi.NULL)
        if count < 0 and ffi.errno not in _NOTHING_THERE:
            raise OSError(ffi.errno, "recvmmsg")
        for buffer, name, message in self._slots[: max(count, 0)]:
            yield buffer, message.msg_len, bytes(name)

    def _one_by_one(self) -> Iterator[Datagram]:
        for buffer, _, _ in self._slots:
            try:
                length, address = self._socket.recvfrom_into(buffer.view)
            except (BlockingIOError, InterruptedError):
                return
            yield buffer, length, pack_address(address)
