"""Every message of the room and inbox sockets: the only reader of their raw JSON. See docs/protocol.md."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from consult.live.fields import (
    Message,
    Unreadable,
    exactly,
    flag,
    loads,
    mapping,
    number,
    one_of,
    optional,
    part,
    point,
    reads,
    rows,
    several,
    text,
    whole,
)

SDP_MAX = 60_000
MAX_ID = 2**53 - 1
TRACK_ID = text(1, 128, r"[A-Za-z0-9_.:{}-]+")
MID = text(1, 32, r"[A-Za-z0-9_.-]+")
SESSION = text(16, 64, r"[A-Za-z0-9_-]+")
SOURCE = one_of("mic", "camera", "screen", "clinical", "stethoscope")
CLINICAL = one_of("", "document", "ultrasound", "dermatoscope", "other")  # kinds of second camera
SDP = text(10, SDP_MAX, r"v=0\r?\n[\s\S]*")


@dataclass(frozen=True, slots=True)
class Join(Message):
    t: ClassVar[str] = "join"
    session: str = reads(SESSION)
    mic: bool = reads(flag)
    cam: bool = reads(flag)


@dataclass(frozen=True, slots=True)
class Offer(Message):
    t: ClassVar[str] = "offer"
    pc: str = reads(one_of("pub", "sub"))
    sdp: str = reads(SDP)
    rev: int = reads(whole(0, MAX_ID), default=0)
    tracks: Sequence[dict[str, str]] = reads(rows(16, mid=MID, source=SOURCE), default=())
    want: Mapping[str, str] | None = reads(mapping(64, MID, TRACK_ID), default=None)


@dataclass(frozen=True, slots=True)
class Probe(Message):
    t: ClassVar[str] = "probe"
    sdp: str = reads(SDP)


@dataclass(frozen=True, slots=True)
class State(Message):
    t: ClassVar[str] = "state"
    mic: bool = reads(flag)
    cam: bool = reads(flag)
    screen: bool = reads(flag)
    clinical: str = reads(CLINICAL, default="")
    stethoscope: bool = reads(flag, default=False)


@dataclass(frozen=True, slots=True)
class Show(Message):
    t: ClassVar[str] = "show"
    heights: Mapping[str, int] = reads(mapping(128, TRACK_ID, whole(0, 10_000)))


@dataclass(frozen=True, slots=True)
class Quality(Message):
    t: ClassVar[str] = "quality"
    level: int = reads(whole(0, 3))
    loss: float = reads(number(0, 1), default=0.0)
    trip: int = reads(whole(0, 10**6), default=0)
    jitter: int = reads(whole(0, 10**6), default=0)
    frozen: float = reads(number(0, 1), default=0.0)
    up: int = reads(whole(0, 10**6), default=0)
    down: int = reads(whole(0, 10**6), default=0)


@dataclass(frozen=True, slots=True)
class Camera(Message):
    """About moving the camera of the page `to`; pan, tilt and zoom are where it is (0-1), None where it cannot."""

    t: ClassVar[str] = "camera"
    to: str = reads(SESSION)
    act: str = reads(one_of("ask", "drop", "grant", "refuse", "cannot", "revoke", "at"))
    pan: float | None = reads(number(0, 1), default=None)
    tilt: float | None = reads(number(0, 1), default=None)
    zoom: float | None = reads(number(0, 1), default=None)


@dataclass(frozen=True, slots=True)
class Steer(Message):
    """One step of a far camera, each as a part of its whole range."""

    t: ClassVar[str] = "steer"
    to: str = reads(SESSION)
    pan: float = reads(number(-1, 1), default=0.0)
    tilt: float = reads(number(-1, 1), default=0.0)
    zoom: float = reads(number(-1, 1), default=0.0)


@dataclass(frozen=True, slots=True)
class Pointer(Message):
    t: ClassVar[str] = "pointer"
    image: int = reads(whole(1, MAX_ID))
    frame: int = reads(whole(0, 1_000_000))
    x: float = reads(number(0, 1))
    y: float = reads(number(0, 1))
    on: bool = reads(flag)


@dataclass(frozen=True, slots=True)
class Look(Message):
    """How one image is looked at."""

    t: ClassVar[str] = "view"
    image: int = reads(whole(1, MAX_ID))
    frame: int = reads(whole(0, 1_000_000))
    preset: str | None = reads(text(0, 40, r"[A-Za-z0-9_.:-]*"), default=None)
    center: float | None = reads(number(-1e7, 1e7), default=None)
    width: float | None = reads(number(0, 1e7), default=None)
    zoom: float = reads(number(0.1, 5000), default=1.0)
    x: float = reads(number(0, 1), default=0.5)
    y: float = reads(number(0, 1), default=0.5)
    turn: int = reads(whole(0, 3), default=0)
    flip: bool = reads(flag, default=False)
    invert: bool = reads(flag, default=False)


POINT = point(10_000)  # mm in the patient's coordinates


@dataclass(frozen=True, slots=True)
class Plane(Message):
    """What one plane of a volume shows: its middle, and how many mm the shorter side of the screen is."""

    t: ClassVar[str] = "view"
    at: Sequence[float] = reads(POINT)
    mm: float = reads(number(1, 10_000))


@dataclass(frozen=True, slots=True)
class Planes(Message):
    """A series cut in three planes: where they cross, the axial, coronal and sagittal one, the layer's mm."""

    t: ClassVar[str] = "view"
    at: Sequence[float] = reads(POINT)
    looks: Sequence[Plane] = reads(exactly(3, part(Plane)))
    slab: float = reads(number(0, 200), default=0.0)


LAYOUTS = {"1x1": 1, "1x2": 2, "2x1": 2, "2x2": 4}  # rows x columns: panes


@dataclass(frozen=True, slots=True)
class View(Look):
    """What the active pane shows, and the others beside it in their order; None is an empty one."""

    layout: str = reads(one_of(*LAYOUTS), default="1x1")
    active: int = reads(whole(0, 3), default=0)
    linked: bool = reads(flag, default=False)
    beside: Sequence[Look | None] = reads(several(3, optional(part(Look))), default=())
    mpr: Planes | None = reads(part(Planes), default=None)  # noqa: RUF009 (a field)

    def __post_init__(self) -> None:
        """Raises Unreadable for more or fewer panes than the layout has."""
        if self.active >= LAYOUTS[self.layout]:
            raise Unreadable("wrong:active", self.t)
        if len(self.beside) != LAYOUTS[self.layout] - 1:
            raise Unreadable("wrong:beside", self.t)


@dataclass(frozen=True, slots=True)
class Follow(Message):
    """How this page looks at the shared image: where the others look, on its own, or not at all."""

    t: ClassVar[str] = "follow"
    how: str = reads(one_of("follows", "free", "closed"))


@dataclass(frozen=True, slots=True)
class Typing(Message):
    t: ClassVar[str] = "typing"
    where: str = reads(one_of("chat", "opinion"))


@dataclass(frozen=True, slots=True)
class Leave(Message):
    t: ClassVar[str] = "leave"


@dataclass(frozen=True, slots=True)
class Ping(Message):
    t: ClassVar[str] = "ping"
    n: int = reads(whole(0, MAX_ID), default=0)


ROOM_COMMANDS: dict[str, type[Message]] = {
    each.t: each
    for each in (Join, Offer, Probe, State, Show, Quality, Camera, Steer, Pointer, View, Follow, Typing, Leave, Ping)
}
INBOX_COMMANDS: dict[str, type[Message]] = {Ping.t: Ping}

ROOM_NEWS: dict[str, tuple[str, ...]] = {
    "joined": ("you", "session", "fresh", "people", "tracks", "relay", "message_seq"),
    "ice": ("servers", "seconds", "relays"),
    "people": ("people",),
    "tracks": ("tracks",),
    "answer": ("pc", "sdp", "rev"),
    "quality": ("by", "level", "loss", "trip", "jitter", "frozen", "up", "down"),
    "speaker": ("session", "silent"),
    "camera": ("by", "session", "act", "pan", "tilt", "zoom"),
    "steer": ("by", "session", "pan", "tilt", "zoom"),
    "pointer": ("by", "image", "frame", "x", "y", "on"),
    "view": ("by", *(each.name for each in fields(View))),
    "follow": ("by", "how"),
    "typing": ("by", "where"),
    "renegotiate": (),
    "relay": ("state", "reason"),
    "news": ("kind", "seq", "mark"),
    "pong": ("n",),
    "refused": ("code", "message", "to"),
    "left": ("username", "session"),
}
INBOX_NEWS: dict[str, tuple[str, ...]] = {
    "hello": ("seq",),
    "news": ("seq", "kind", "consultation", "url", "mark"),
    "refused": ("code", "message", "to"),
}


def parse(text: str | None, commands: dict[str, type[Message]]) -> Message:
    """The command in `text`. Raises Unreadable."""
    raw = loads(text)
    kind = raw.get("t")
    if not isinstance(kind, str) or kind not in commands:
        raise Unreadable("unknown")
    return commands[kind].read(raw)


def write(t: str, known: dict[str, tuple[str, ...]], fields: dict[str, Any]) -> str:
    """The JSON of one message to the browser; wrong fields are a bug of ours (AssertionError)."""
    if set(fields) != set(known[t]):
        raise AssertionError(f"{t} takes {known[t]}, not {sorted(fields)}")
    return json.dumps({"t": t, **fields}, ensure_ascii=False, separators=(",", ":"))
