"""Strangers who flood the port: STUN that is nearly right, DTLS hellos, RTP, from many addresses, in a process apart.

`python -m tests.net.flood PORT SECONDS PER_SECOND` sends; prints how many it sent.
"""

from __future__ import annotations

import random
import socket
import sys
import time

SOCKETS = 64
BATCH = 20


def datagrams(chance: random.Random) -> list[bytes]:
    """One of each kind."""
    username = b"\x00\x06\x00\x0a" + b"%08x:x" % chance.randrange(1 << 32) + b"\0\0"
    code = b"\x00\x08\x00\x14" + chance.randbytes(20)
    body = username + code
    check = b"\x00\x01" + len(body).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + chance.randbytes(12) + body
    hello = b"\x16\xfe\xff" + bytes(8) + b"\x00\x80\x01" + chance.randbytes(127)
    return [check, hello, b"\x80" + chance.randbytes(200), chance.randbytes(60)]


def flood(port: int, seconds: float, rate: float) -> int:
    """Sends about `rate` datagrams a second to 127.0.0.1:`port`; how many."""
    chance = random.Random(1)
    sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(SOCKETS)]
    every = [datagram for _ in range(50) for datagram in datagrams(chance)]
    began = now = time.monotonic()
    sent = 0
    while now - began < seconds:
        while sent < (now - began) * rate:
            for _ in range(BATCH):
                sockets[sent % SOCKETS].sendto(every[sent % len(every)], ("127.0.0.1", port))
                sent += 1
        time.sleep(0.001)
        now = time.monotonic()
    return sent


if __name__ == "__main__":
    print(flood(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
