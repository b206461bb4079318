"""What sending one packet costs at the least: one SRTP protect and one sendto, as plain as Python allows."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time

from pylibsrtp import Policy, Session

PACKETS = 20_000
SIZE = 1100


def measure() -> dict[str, float]:
    """CPU microseconds for each of the two, best of five runs, on loopback."""
    protect, sendto = min(_protect() for _ in range(5)), min(_sendto() for _ in range(5))
    return {"protect_us": round(protect, 2), "sendto_us": round(sendto, 2), "us": round(protect + sendto, 2)}


def _protect() -> float:
    policy = Policy(
        key=os.urandom(28),
        ssrc_type=Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    session = Session(policy)
    header, payload = bytes([0x80, 96]), bytes(8) + os.urandom(SIZE)
    packets = [header + (number & 0xFFFF).to_bytes(2, "big") + payload for number in range(PACKETS)]
    start = time.process_time()
    for packet in packets:
        session.protect(packet)
    return (time.process_time() - start) / PACKETS * 1e6


def _sendto() -> float:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source,
    ):
        sink.bind(("127.0.0.1", 0))
        address, packet = sink.getsockname(), os.urandom(SIZE + 28)
        start = time.process_time()
        for _ in range(PACKETS):
            source.sendto(packet, address)
        return (time.process_time() - start) / PACKETS * 1e6


async def measure_beside() -> dict[str, float]:
    """The same in a process of its own, while this one goes on with its work: the cores, their caches and clocks are as
    busy as for the server that is measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay.bench.floor", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the floor was not measured (exit code {process.returncode})")
    figures: dict[str, float] = json.loads(out)
    return figures


if __name__ == "__main__":
    print(json.dumps(measure()))
