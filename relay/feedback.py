"""Reads transport-wide feedback, in Python (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1)."""

from __future__ import annotations

import struct

TICK = 0.00025
"""Seconds of one tick."""
TICK_WRAP = 1 << 32
"""Ticks after which they are taken to begin anew: far more than a reference of 24 bits tells."""
TICKS_PER_REFERENCE = 256
MAX_PACKETS = 1024
"""Packets one feedback may be about: more is somebody keeping us busy."""

HEAD = struct.Struct("!LLHHL")
CHUNK = struct.Struct("!H")
LARGE = struct.Struct("!h")
MISSING, SMALL, BIG = 0, 1, 2
REFERENCE_WRAP = 1 << 24


def read_feedback(body: bytes) -> tuple[int, int, int, tuple[int | None, ...]]:
    """The fields of `twcc.Arrivals` from the `body` of an RTCP packet. Raises ValueError when it is cut short, too long
    or says nothing."""
    if len(body) < HEAD.size + 2:
        raise ValueError("transport feedback is cut short")
    _, ssrc, base, total, last = HEAD.unpack_from(body)
    if not 0 < total <= MAX_PACKETS:
        raise ValueError("transport feedback is about no packet, or too many")
    symbols, at = _symbols(body, HEAD.size, total)
    reference = last >> 8
    if reference >= REFERENCE_WRAP >> 1:
        reference -= REFERENCE_WRAP
    ticks = reference * TICKS_PER_REFERENCE
    if len(body) - at < symbols.count(SMALL) + 2 * symbols.count(BIG):
        raise ValueError("transport feedback has too few deltas")
    arrivals: list[int | None] = []
    for symbol in symbols:
        if symbol == SMALL:
            ticks += body[at]
            at += 1
            arrivals.append(ticks)
        elif symbol == BIG:
            ticks += LARGE.unpack_from(body, at)[0]
            at += 2
            arrivals.append(ticks)
        else:
            arrivals.append(None)
    return ssrc, base, last & 0xFF, tuple(arrivals)


def _symbols(body: bytes, at: int, total: int) -> tuple[list[int], int]:
    """The status of each packet (section 3.1.1) and where the deltas begin; the reserved status 3 is refused."""
    symbols: list[int] = []
    while len(symbols) < total:
        if at + 2 > len(body):
            raise ValueError("transport feedback has too few chunks")
        chunk = body[at] << 8 | body[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, total - len(symbols))
            if not chunk & 0x1FFF:
                raise ValueError("transport feedback has an empty run")
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> bit & 1 for bit in range(13, -1, -1)]
    del symbols[total:]
    if 3 in symbols:
        raise ValueError("transport feedback has a reserved status")
    return symbols, at
