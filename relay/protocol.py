"""The messages of the relay link (docs/protocol.md): the only reader of the site's raw JSON."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

MAX_MESSAGE = 256 * 1024
"""Bytes. The site lets 64 KiB through from a browser; escaping may make it longer."""
MAX_HEIGHT = 10_000
PUBLISH, SUBSCRIBE = "pub", "sub"
SOURCES = ("mic", "camera", "screen", "clinical", "stethoscope")
KEY_BYTES = 32
_LOG = re.compile(r"[0-9a-f]{32}\Z")
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")


class BadMessage(ValueError):
    """Not a command; the message says why. `reply_to` is its id when it had one."""

    def __init__(self, text: str, reply_to: object = None, code: str = "bad_message") -> None:
        super().__init__(text)
        self.reply_to, self.code = reply_to, code


@dataclass(frozen=True, slots=True)
class Join:
    """Lets a session into a room."""

    t: ClassVar[str] = "join"
    room: str
    peer: str
    username: str
    mic: bool
    cam: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A browser's offer for one of its two connections."""

    t: ClassVar[str] = "offer"
    room: str
    peer: str
    pc: str
    sdp: str
    tracks: dict[str, str]
    want: dict[str, str]


@dataclass(frozen=True, slots=True)
class Probe:
    """An offer of the device check, outside all rooms."""

    t: ClassVar[str] = "probe"
    peer: str
    sdp: str


@dataclass(frozen=True, slots=True)
class State:
    """What a participant shows."""

    t: ClassVar[str] = "state"
    room: str
    peer: str
    mic: bool
    cam: bool
    screen: bool
    clinical: str
    stethoscope: bool


@dataclass(frozen=True, slots=True)
class Show:
    """How large a page shows each track: pixel height by track id, 0 for not visible."""

    t: ClassVar[str] = "show"
    room: str
    peer: str
    heights: dict[str, int]


@dataclass(frozen=True, slots=True)
class Leave:
    """A session leaves its room."""

    t: ClassVar[str] = "leave"
    room: str
    peer: str


@dataclass(frozen=True, slots=True)
class Close:
    """A room ends."""

    t: ClassVar[str] = "close"
    room: str


@dataclass(frozen=True, slots=True)
class Record:
    """A room is recorded into `log` while nobody but `people` is there; `on` false: no longer."""

    t: ClassVar[str] = "record"
    room: str
    on: bool
    log: str
    key: bytes
    people: frozenset[str]


Command = Join | Offer | Probe | State | Show | Leave | Close | Record
COMMANDS: dict[str, type[Any]] = {kind.t: kind for kind in (Join, Offer, Probe, State, Show, Leave, Close, Record)}
EVENTS: dict[str, tuple[str, ...]] = {
    "hello": ("name", "address", "port", "capacity", "version", "rooms"),
    "load": ("rooms", "participants", "load", "packets_in", "packets_out", "lost"),
    "room": ("room", "peers", "tracks", "paused"),
    "gone": ("room", "peer", "reason"),
    "drain": ("seconds",),
    "renegotiate": ("room", "peer"),
    "speaker": ("room", "peer", "silent"),
    "quality": ("room", "peers"),
    "recording": ("room", "log", "state", "reason", "seconds", "lost"),
}


def parse(text: str | bytes) -> tuple[object, Command]:
    """The request id and the command in `text`. Raises BadMessage."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("the message is not JSON") from None
    if not isinstance(message, dict):
        raise BadMessage("the message is not an object")
    request = message.get("id")
    if not isinstance(request, int | str):
        raise BadMessage("the message has no id")
    kind = COMMANDS.get(str(message.get("t")))
    if kind is None:
        raise BadMessage("the command is unknown", request, "unknown_command")
    try:
        fields = {field.name: _READERS[field.name](message) for field in dataclasses.fields(kind)}
    except BadMessage as error:
        raise BadMessage(str(error), request) from None
    return request, kind(**fields)


def _text(name: str, longest: int) -> Callable[[Mapping[str, Any]], str]:
    def read(message: Mapping[str, Any]) -> str:
        value = message.get(name)
        if not isinstance(value, str) or len(value) > longest:
            raise BadMessage(f"{name} is not a text of at most {longest} characters")
        return value

    return read


def _name(name: str) -> Callable[[Mapping[str, Any]], str]:
    def read(message: Mapping[str, Any]) -> str:
        value = message.get(name)
        # Rooms may be numbered by the site.
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(value, str) or not _NAME.match(value):
            raise BadMessage(f"{name} is not a name")
        return value

    return read


def _word(name: str, longest: int) -> Callable[[Mapping[str, Any]], str]:
    """As `_text`, but absent is empty."""
    read = _text(name, longest)
    return lambda message: read(message) if message.get(name) is not None else ""


def _flag(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda message: message.get(name) is True


def _connection(message: Mapping[str, Any]) -> str:
    if message.get("pc") not in (PUBLISH, SUBSCRIBE):
        raise BadMessage("pc is neither pub nor sub")
    return str(message["pc"])


def _tracks(message: Mapping[str, Any]) -> dict[str, str]:
    listed = message.get("tracks") or []
    if not isinstance(listed, list) or len(listed) > 64:
        raise BadMessage("tracks is not a short list")
    sources: dict[str, str] = {}
    for item in listed:
        if not isinstance(item, dict) or item.get("source") not in SOURCES:
            raise BadMessage("a track has no known source")
        if not isinstance(item.get("mid"), str):
            raise BadMessage("a track has no mid")
        sources[item["mid"]] = item["source"]
    return sources


def _want(message: Mapping[str, Any]) -> dict[str, str]:
    wanted = message.get("want") or {}
    if not isinstance(wanted, dict) or len(wanted) > 64:
        raise BadMessage("want is not a short object")
    if not all(isinstance(track, str) for track in wanted.values()):
        raise BadMessage("want names something that is not a track id")
    return wanted


def _heights(message: Mapping[str, Any]) -> dict[str, int]:
    heights = message.get("heights")
    if not isinstance(heights, dict) or len(heights) > 128:
        raise BadMessage("heights is not a short object")
    if not all(isinstance(height, int) and 0 <= height <= MAX_HEIGHT for height in heights.values()):
        raise BadMessage("a height is not a number of pixels")
    return heights


def _log(message: Mapping[str, Any]) -> str:
    value = message.get("log")
    if not isinstance(value, str) or not _LOG.match(value):
        raise BadMessage("log is not 32 hexadecimal digits")
    return value


def _key(message: Mapping[str, Any]) -> bytes:
    try:
        key = base64.b64decode(message.get("key") or "", validate=True)
    except (TypeError, ValueError):
        raise BadMessage("key is not base64") from None
    if message.get("on") is True and len(key) != KEY_BYTES:
        raise BadMessage(f"key has not {KEY_BYTES} bytes")
    return key


def _people(message: Mapping[str, Any]) -> frozenset[str]:
    listed = message.get("people") or []
    if not isinstance(listed, list) or len(listed) > 1000 or not all(isinstance(name, str) for name in listed):
        raise BadMessage("people is not a list of names")
    return frozenset(listed)


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "room": _name("room"),
    "peer": _name("peer"),
    "username": _text("username", 150),
    "sdp": _text("sdp", 65536),
    "mic": _flag("mic"),
    "cam": _flag("cam"),
    "screen": _flag("screen"),
    "clinical": _word("clinical", 20),
    "stethoscope": _flag("stethoscope"),
    "pc": _connection,
    "tracks": _tracks,
    "want": _want,
    "heights": _heights,
    "on": _flag("on"),
    "log": _log,
    "key": _key,
    "people": _people,
}
