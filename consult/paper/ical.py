"""Text of a calendar after RFC 5545: lines ended by CRLF, folded at 75 octets, moments in UTC. Knows no model."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

FOLD = 75


@dataclass(frozen=True, slots=True)
class Event:
    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    is_busy: bool = True


def calendar(name: str, events: Iterable[Event], at: datetime) -> bytes:
    """The whole document; `at` is the DTSTAMP of all events. Programs ask again every hour where they heed it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//telemed//roster//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"X-WR-CALNAME:{text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{event.uid}",
            f"DTSTAMP:{moment(at)}",
            f"DTSTART:{moment(event.starts_at)}",
            f"DTEND:{moment(event.ends_at)}",
            f"SUMMARY:{text(event.summary)}",
            f"LOCATION:{text(event.location)}",
            f"TRANSP:{'OPAQUE' if event.is_busy else 'TRANSPARENT'}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def moment(at: datetime) -> str:
    """RFC 5545 section 3.3.5, form 2."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def text(words: str) -> str:
    """RFC 5545 section 3.3.11."""
    escaped = words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def folded(line: str) -> bytes:
    """RFC 5545 section 3.1: at most 75 octets a line, never inside a character."""
    found, rest, room = [], b"", FOLD
    for character in line:
        octets = character.encode()
        if len(rest) + len(octets) > room:
            found.append(rest)
            rest, room = b"", FOLD - 1  # the space that continues counts
        rest += octets
    return b"\r\n ".join([*found, rest]) + b"\r\n"
