"""`make fuzz`: mutates the corpus for FUZZ_SECONDS (60) a target and keeps what reaches a line nothing reached before.

Guided by the lines executed in relay/, which the interpreter itself can tell (sys.settrace): nothing to install. An
input that fails is written to the corpus as well, so that `make test` fails until the code is mended.
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from relay import rtcp, twcc
from tests.relay.fuzzing import CORPUS, TARGETS, kept

SECONDS = float(os.environ.get("FUZZ_SECONDS", 60))
RELAY = str(Path(rtcp.__file__).parent)
OFFERS = Path(__file__).parent / "offers"
LONGEST = {"sdp": 20_000}
Line = tuple[str, int]


def lines_of(target: Callable[[bytes], None], data: bytes) -> set[Line]:
    """The lines of relay/ that `target` runs for `data`, each with the line before it."""
    seen: set[Line] = set()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(RELAY):
            return None
        before = 0

        def local(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            if event == "line":
                seen.add((frame.f_code.co_filename, frame.f_lineno << 16 | before))
                before = frame.f_lineno
            return local

        return local

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return seen


def seeds(name: str) -> list[bytes]:
    """Where a target starts."""
    if name == "sdp":
        return [path.read_bytes() for path in sorted(OFFERS.glob("*.sdp"))]
    header = struct.pack("!BBHLL", 0x90, 96, 1, 2, 3) + b"\xbe\xde\x00\x01\x40\x30\x00\x00"
    report = rtcp.pack_receiver_report(1, [rtcp.ReceptionReport(5, 1, 2, 3, 4, 5, 6)]) + rtcp.pack_cname(1, "ann")
    check = bytes.fromhex("000100182112a442") + bytes(12) + b"\x00\x06\x00\x03a:b\x00\x00\x08\x00\x04abcd"
    heard = twcc.ArrivalLog()
    for number in range(20):
        heard.arrived(number, 100 + number * 0.006)
    heard.arrived(25, 100.2)
    arrivals = heard.feedback(1, 2)[0]
    limit = rtcp.pack_remb(1, 300_000, [2])
    return {
        # One byte of what and of size, two of number, then elements as Chromium writes them: MID, RID, repaired, level.
        "extensions": [
            b"\x31\x00\x01\x40\x30\x10" + b"\x21\x00\x02\x10\x85",
            b"\x53\x00\x01\x40\x31\xa0\x66\x00" + b"\x5d\x00\x02\x40\x31\xb0\x66\x00",
            b"\x33\x00\x05\x31\x00\x07" + b"\x32\x00\x06\x04\x01\x31",
        ],
        "feedback": [
            b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)
            for packets in ([arrivals, arrivals], [limit, arrivals], [report, arrivals, limit])
        ],
        "stun": [check],
        "rtp": [header + b"payload", b"\x90" + header[1:12] + b"\x10\x00\x00\x01\x04\x01\x30\x00"],
        "rtcp": [
            report,
            arrivals,
            limit,
            rtcp.pack_nack(1, 2, [3, 5]),
            rtcp.pack_pli(1, 2),
            b"\x84\xce\x00\x04" + bytes(16),
        ],
        "payload": [
            b"\x90\x80\x80\x01\x10\x02\x00\x9d\x01\x2a\x00\x05\xd0\x02",
            b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x01\x65",
        ],
        "stream": [b"\x40\x00\x01\x10\x10\x02\x00\x40\x00\x03\x10\x11\x02\x00\x4a\x00\x02\x10\x11\x02\x00\x0c\x00\x01"],
    }[name]


def mutated(chance: random.Random, data: bytes, others: list[bytes], longest: int) -> bytes:
    """Some bytes of `data` altered, dropped, doubled, or taken from another input."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(out) + 1)
        way = chance.randrange(6)
        if way == 0 and out:
            out[at % len(out)] ^= 1 << chance.randrange(8)
        elif way == 1 and out:
            out[at % len(out)] = chance.choice((0, 1, 15, 16, 127, 128, 255))
        elif way == 2:
            del out[at : at + chance.randrange(1, 9)]
        elif way == 3:
            out[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif way == 4:
            out[at:at] = out[at : at + chance.randrange(1, 33)]
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            out[at : at + 8] = other[start : start + chance.randrange(1, 65)]
    return bytes(out[:longest])


def keep(name: str, data: bytes) -> None:
    """Writes an input into the corpus, named by its digest."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def search(name: str, seconds: float, seed: int) -> int:
    """Fuzzes one target; how many inputs failed."""
    target, chance = TARGETS[name], random.Random(seed)
    inputs, seen, failures, runs = [*kept(name), *seeds(name)], set[Line](), set[str](), 0
    for data in inputs:
        seen |= lines_of(target, data)
    for data in seeds(name):
        keep(name, data)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(chance, chance.choice(inputs), inputs, LONGEST.get(name, 1500))
        runs += 1
        try:
            found = lines_of(target, data)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            if words not in failures:
                failures.add(words)
                keep(name, data)
                print(f"{name}: {words} for {data[:60].hex()}", flush=True)
            continue
        if found - seen:
            seen |= found
            inputs.append(data)
            keep(name, data)
    print(f"{name}: {runs} runs, {len(seen)} steps of code, {len(inputs)} inputs, {len(failures)} failures", flush=True)
    return len(failures)


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(TARGETS)
    sys.exit(1 if sum(search(name, SECONDS, seed=time.time_ns()) for name in wanted) else 0)
