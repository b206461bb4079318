"""Small electrocardiograms in several formats, made byte by byte, of known waves."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 500


def wave(seconds: float, millivolts: float = 1.0) -> NDArray[np.float64]:
    """A triangle of `millivolts` at the start of every second, 0.1 s wide, on a flat line."""
    at = np.arange(round(seconds * RATE)) / RATE % 1.0
    return millivolts * np.clip(1 - np.abs(at - 0.2) / 0.05, 0, None)


def edf(
    leads: dict[str, NDArray[np.float64]], unit: str = "uV", patient: str = "X-7 F 02-MAR-1956 Wang_Guiying"
) -> bytes:
    """EDF (Kemp et al. 1992) with data records of one second; values in `unit`, +-5,000 of it over 16 bits."""
    count = len(next(iter(leads.values()))) // RATE
    names = list(leads)

    def fields(width: int, *texts: object) -> bytes:
        return b"".join(str(text).encode().ljust(width)[:width] for text in texts)

    head = fields(8, "0") + fields(80, patient, "Startdate 22-NOV-2026 X X X") + fields(8, "22.11.26", "10.00.00")
    head += fields(8, 256 * (1 + len(names))) + fields(44, "") + fields(8, count, 1) + fields(4, len(names))
    each = len(names)
    head += fields(16, *names) + fields(80, *[""] * each) + fields(8, *[unit] * each)
    head += fields(8, *[-5000] * each) + fields(8, *[5000] * each)
    head += fields(8, *[-32768] * each) + fields(8, *[32767] * each)
    head += fields(80, *[""] * each) + fields(8, *[RATE] * each) + fields(32, *[""] * each)
    body = b""
    for record in range(count):
        for values in leads.values():
            physical = values[record * RATE : (record + 1) * RATE]
            digital = np.round((physical + 5000) / 10_000 * 65535 - 32768)
            body += digital.astype("<i2").tobytes()
    return head + body


def aecg(leads: dict[str, NDArray[np.float64]], scale: float = 5.0, name: str = "王桂英") -> bytes:
    """HL7 aECG (ANSI/HL7 V3 ECG R1): one rhythm series, microvolts in steps of `scale`."""
    digits = {lead: " ".join(str(round(value / scale)) for value in values) for lead, values in leads.items()}
    sequences = "".join(
        f"""<component><sequence><code code="MDC_ECG_LEAD_{lead}" codeSystem="2.16.840.1.113883.6.24"/>
        <value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="{scale}" unit="uV"/>
        <digits>{said}</digits></value></sequence></component>"""
        for lead, said in digits.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1"/><code code="93000" codeSystem="2.16.840.1.113883.6.12"/>
<effectiveTime><low value="20261122100000.000"/><high value="20261122100010.000"/></effectiveTime>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id root="2" extension="N-7"/>
<subjectDemographicPerson><name>{name}</name><administrativeGenderCode code="F"/><birthTime value="19560308"/>
</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series><id root="3"/><code code="RHYTHM" codeSystem="2.16.840.1.113883.5.4"/>
<effectiveTime><low value="20261122100000.000"/><high value="20261122100010.000"/></effectiveTime>
<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE" codeSystem="2.16.840.1.113883.5.4"/>
<value xsi:type="GLIST_TS"><head value="20261122100000.000"/><increment value="{1 / RATE}" unit="s"/></value>
</sequence></component>{sequences}</sequenceSet></component></series></component></AnnotatedECG>""".encode()


def scp(leads: dict[int, NDArray[np.float64]], nanovolts: int = 5000) -> bytes:
    """SCP-ECG (EN 1064): sections 0, 1, 3 and 6; 16-bit values without compression, `nanovolts` a step."""
    tag = b"\x02" + struct.pack("<H", 4) + b"N-7\0" + b"\x00" + struct.pack("<H", 5) + b"Wang\0"
    tag += b"\xff" + struct.pack("<H", 0)
    size = len(next(iter(leads.values())))
    three = struct.pack("<BB", len(leads), 0x04 | len(leads) << 3)
    three += b"".join(struct.pack("<LLB", 1, size, number) for number in leads)
    values = [np.round(each * 1000 / nanovolts).astype("<i2").tobytes() for each in leads.values()]
    six = struct.pack("<HHBB", nanovolts, 1_000_000 // RATE, 0, 0)
    six += b"".join(struct.pack("<H", len(each)) for each in values) + b"".join(values)
    parts = {0: b"", 1: tag, 3: three, 6: six}
    parts[0] = bytes(10 * len(parts))
    made, at, rows = {}, 7, b""
    for number, body in parts.items():
        body += b"\0" * (len(body) % 2)
        made[number] = body
        rows += struct.pack("<HLL", number, len(body) + 16, at)
        at += len(body) + 16
    made[0] = rows
    whole = b"".join(_section(number, body) for number, body in made.items())
    whole = struct.pack("<L", len(whole) + 6) + whole
    return struct.pack("<H", _crc(whole)) + whole


def _section(number: int, body: bytes) -> bytes:
    reserved = b"SCPECG" if number == 0 else bytes(6)
    head = struct.pack("<HLBB", number, len(body) + 16, 20, 20) + reserved
    return struct.pack("<H", _crc(head + body)) + head + body


def _crc(content: bytes) -> int:
    """CRC-CCITT, 0xFFFF to begin with (EN 1064 section 5.2.8)."""
    value = 0xFFFF
    for byte in content:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def dark(picture: Any) -> NDArray[np.bool_]:
    """Where ink is, and neither paper nor grid."""
    return np.asarray(picture.convert("RGB")).max(axis=2) < 110
