"""The kernel's side of sending and receiving many datagrams with one call: sendmmsg(2), recvmmsg(2), socket addresses.

Knows bytes and addresses, nothing of media. Where a call is missing, `system_call` gives None.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import struct
from typing import Any

from cffi import FFI

ffi = FFI()
ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                    void *msg_control; size_t msg_controllen; int msg_flags; };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
    int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, void *timeout);
    """
)

Address = tuple[Any, ...]
"""A socket address as Python's socket module gives it: (host, port) or (host, port, flow, scope)."""
_FAMILY = struct.Struct("=H")
_INET = struct.Struct("!H4s8x")
_INET6 = struct.Struct("!HL16s")
_SCOPE = struct.Struct("=L")
NAME_LENGTH = {socket.AF_INET: 16, socket.AF_INET6: 28}
"""Bytes of a packed socket address."""


def pack_address(address: Address) -> bytes:
    """`struct sockaddr_in` or `sockaddr_in6` of Linux: the family in host order, the rest in network order."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    if host.version == 4:
        return _FAMILY.pack(socket.AF_INET) + _INET.pack(address[1], host.packed)
    flow, scope = address[2], address[3]
    return _FAMILY.pack(socket.AF_INET6) + _INET6.pack(address[1], flow, host.packed) + _SCOPE.pack(scope)


def unpack_address(name: bytes) -> Address:
    """What `pack_address` packed, or the kernel wrote."""
    if _FAMILY.unpack_from(name)[0] == socket.AF_INET:
        port, host = _INET.unpack_from(name, 2)
        return socket.inet_ntop(socket.AF_INET, host), port
    port, flow, host = _INET6.unpack_from(name, 2)
    return socket.inet_ntop(socket.AF_INET6, host), port, flow, _SCOPE.unpack_from(name, 24)[0]


@functools.cache
def system_call(name: str) -> Any:
    """sendmmsg or recvmmsg, or None where it is missing; looked up once, because cffi never lets go of a library."""
    try:
        return getattr(ffi.dlopen(None), name)
    except (AttributeError, OSError):
        return None
