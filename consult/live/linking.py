"""Every message of the relay link, as the site reads and writes it. See docs/protocol.md, "Relay link"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from consult.live.fields import (
    Message,
    Unreadable,
    flag,
    loads,
    mapping,
    number,
    one_of,
    reads,
    rows,
    several,
    text,
    whole,
)
from consult.live.protocol import CLINICAL, MAX_ID, SESSION, SOURCE, TRACK_ID

NAME = text(1, 60)
USERNAME = text(1, 150)
ROOM = text(1, 32, r"[0-9]+")
LOG = text(32, 32, r"[0-9a-f]+")
PEERS = rows(64, peer=SESSION, username=USERNAME, mic=flag, cam=flag, screen=flag, clinical=CLINICAL, stethoscope=flag)
TRACKS = rows(
    128,
    id=TRACK_ID,
    peer=SESSION,
    username=USERNAME,
    kind=one_of("audio", "video"),
    source=SOURCE,
)
PAUSED = mapping(64, SESSION, several(128, TRACK_ID))


@dataclass(frozen=True, slots=True)
class Hello(Message):
    t: ClassVar[str] = "hello"
    name: str = reads(NAME)
    address: str = reads(text(1, 200))
    port: int = reads(whole(1, 65535))
    capacity: int = reads(whole(0, 1_000_000))
    version: str = reads(text(0, 20))
    rooms: Mapping[str, Sequence[dict[str, str]]] = reads(
        mapping(2000, ROOM, rows(64, peer=SESSION, username=USERNAME))
    )


@dataclass(frozen=True, slots=True)
class Load(Message):
    t: ClassVar[str] = "load"
    rooms: int = reads(whole(0, 1_000_000))
    participants: int = reads(whole(0, 1_000_000))
    load: float = reads(number(0, 1000))
    packets_in: int = reads(whole(0, MAX_ID))
    packets_out: int = reads(whole(0, MAX_ID))
    lost: int = reads(whole(0, MAX_ID))


@dataclass(frozen=True, slots=True)
class Room(Message):
    t: ClassVar[str] = "room"
    room: str = reads(ROOM)
    peers: Sequence[dict[str, Any]] = reads(PEERS)
    tracks: Sequence[dict[str, str]] = reads(TRACKS)
    paused: Mapping[str, Sequence[str]] | None = reads(PAUSED, default=None)


@dataclass(frozen=True, slots=True)
class Gone(Message):
    t: ClassVar[str] = "gone"
    room: str = reads(ROOM)
    peer: str = reads(SESSION)
    reason: str = reads(text(0, 40))


@dataclass(frozen=True, slots=True)
class Drain(Message):
    """The relay is about to end: its rooms have to move."""

    t: ClassVar[str] = "drain"
    seconds: int = reads(whole(0, 3600))


@dataclass(frozen=True, slots=True)
class Recording(Message):
    t: ClassVar[str] = "recording"
    room: str = reads(ROOM)
    log: str = reads(LOG)
    state: str = reads(one_of("running", "paused", "closed"))
    reason: str = reads(text(0, 40))
    seconds: float = reads(number(0, 10_000_000))
    lost: int = reads(whole(0, MAX_ID))


@dataclass(frozen=True, slots=True)
class Renegotiate(Message):
    t: ClassVar[str] = "renegotiate"
    room: str = reads(ROOM)
    peer: str = reads(SESSION)


@dataclass(frozen=True, slots=True)
class Speaker(Message):
    t: ClassVar[str] = "speaker"
    room: str = reads(ROOM)
    peer: str = reads(text(0, 64))
    silent: Sequence[str] = reads(several(64, SESSION))


@dataclass(frozen=True, slots=True)
class Quality(Message):
    t: ClassVar[str] = "quality"
    room: str = reads(ROOM)
    peers: Sequence[dict[str, Any]] = reads(
        rows(
            64,
            peer=SESSION,
            packets=whole(0, MAX_ID),
            lost=whole(0, MAX_ID),
            jitter=number(0, 1e9),
            trip=number(0, 1e9),
        )
    )


@dataclass(frozen=True, slots=True)
class Reply(Message):
    """An answer to a request of the site; `body` is the whole object."""

    re: str = reads(text(1, 64))
    ok: bool = reads(flag)
    code: str = reads(text(0, 60), default="")
    message: str = reads(text(0, 500), default="")


EVENTS: dict[str, type[Message]] = {
    each.t: each for each in (Hello, Load, Room, Gone, Drain, Renegotiate, Speaker, Quality, Recording)
}
REQUESTS: dict[str, tuple[str, ...]] = {
    "join": ("room", "peer", "username", "mic", "cam"),
    "offer": ("room", "peer", "pc", "sdp", "tracks", "want"),
    "probe": ("peer", "sdp"),
    "state": ("room", "peer", "mic", "cam", "screen", "clinical", "stethoscope"),
    "show": ("room", "peer", "heights"),
    "leave": ("room", "peer"),
    "close": ("room",),
    "record": ("room", "on", "log", "key", "people"),
}
ANSWERS: dict[str, tuple[str, ...]] = {"join": ("fresh", "tracks"), "offer": ("sdp",), "probe": ("sdp",)}


def parse(text: str | None) -> tuple[Message, dict[str, Any]]:
    """One message of a relay, and its raw object. Raises Unreadable."""
    raw = loads(text)
    if "re" in raw:
        return Reply.read(raw), raw
    kind = raw.get("t")
    if not isinstance(kind, str) or kind not in EVENTS:
        raise Unreadable("unknown")
    return EVENTS[kind].read(raw), raw
