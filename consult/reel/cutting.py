"""Cuts the logs of a recording into films: who, when, in step. Two walks over each log: clocks first, then media."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consult.reel.clocks import Clocks, Unwrapper
from consult.reel.film import FORMATS, Film
from consult.reel.frames import Frame, Ordered, Pictures
from consult.reel.log import Clock, Mark, Packet, Record, Stream, records
from consult.reel.sealed import Frames

PERSON = ("mic", "camera")  # one film: a face and its voice
Key = tuple[str, str, str]  # username, source of the picture, codec


@dataclass(slots=True)
class Take:
    """A time without a break: seconds of the log, and where in the recording it lies."""

    start: float
    end: float
    at: float = 0.0


@dataclass(slots=True)
class Meter:
    """How far the two walks over all logs are: `tell` gets a share, 0 to 1."""

    tell: Callable[[float], None]
    total: int
    done: int = 0

    def passed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.done += len(piece)
            self.tell(min(self.done / self.total, 1.0))
            yield piece


@dataclass(slots=True)
class Reel:
    """One log after the first walk."""

    path: Path
    key: bytes
    clocks: Clocks = field(default_factory=Clocks)
    streams: dict[int, Stream] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    is_whole: bool = False
    has_losses: bool = False

    def read(self, meter: Meter) -> Iterator[Record]:
        frames = Frames(self.path, self.key)
        yield from records(meter.passed(frames))
        self.is_whole = frames.is_whole


@dataclass(frozen=True, slots=True)
class Cut:
    """A finished film."""

    username: str
    source: str
    content_type: str
    offset: float
    seconds: float
    has_video: bool
    has_sound: bool
    sink: Any


@dataclass(slots=True)
class Outcome:
    """All films, the seconds recorded, and whether something is missing that should be there."""

    films: list[Cut]
    seconds: float
    is_whole: bool


def cut(
    logs: list[tuple[Path, bytes]], sink: Callable[[], Any], advanced: Callable[[float], None] = lambda share: None
) -> Outcome:
    """`logs`: files with their keys, oldest first; `sink` opens a new file; `advanced` hears the share done.

    Raises Tampered, Unreadable and FileNotFoundError.
    """
    meter = Meter(advanced, 2 * sum(path.stat().st_size for path, _ in logs) or 1)
    reels = [_survey(Reel(path, key), meter) for path, key in logs]
    at = 0.0
    for reel in reels:
        for take in reel.takes:
            take.at = at
            at += take.end - take.start
    table = Table(sink, _keys(reels), _with_sound(reels))
    for reel in reels:
        for stream, content, moment in _media(reel, meter):
            table.put(stream, content, moment)
    is_whole = all(reel.is_whole and not reel.has_losses for reel in reels)
    return Outcome(table.close(), at, is_whole)


def _survey(reel: Reel, meter: Meter) -> Reel:
    last = 0.0
    for record in reel.read(meter):
        match record:
            case Stream():
                reel.streams[record.number] = record
                reel.clocks.begin(record.number, record.peer, record.rate)
            case Packet() if record.stream in reel.streams:
                reel.clocks.arrived(record.stream, record.timestamp, record.at)
                last = record.at
            case Clock() if record.stream in reel.streams:
                reel.clocks.reported(record)
            case Mark(event="resumed"):
                reel.takes.append(Take(record.at, record.at))
                last = record.at
            case Mark(event="paused") if reel.takes:
                reel.takes[-1].end = record.at
            case Mark(event="lost"):
                reel.has_losses = True
    if reel.takes and reel.takes[-1].end == reel.takes[-1].start:
        reel.takes[-1].end = last  # nobody was there to say that it ended
    return reel


def _keys(reels: list[Reel]) -> dict[tuple[str, str], str]:
    """Which codec the first picture of each person's source has."""
    found: dict[tuple[str, str], str] = {}
    for reel in reels:
        for stream in reel.streams.values():
            if stream.kind == "video":
                found.setdefault((stream.username, stream.source), stream.codec)
    return found


def _with_sound(reels: list[Reel]) -> set[tuple[str, str]]:
    return {
        (stream.username, _scene(stream))
        for reel in reels
        for stream in reel.streams.values()
        if stream.kind == "audio"
    }


def _scene(stream: Stream) -> str:
    return PERSON[-1] if stream.source in PERSON else stream.source


@dataclass(slots=True)
class _Lane:
    """One stream on its way: order, frames, unwrapped timestamps."""

    stream: Stream
    ordered: Ordered = field(default_factory=Ordered)
    unwrapper: Unwrapper = field(default_factory=Unwrapper)
    pictures: Pictures | None = None

    def frames(self, packets: Iterator[tuple[Packet, bool]]) -> Iterator[Frame]:
        for packet, gap in packets:
            if self.pictures is None:
                yield Frame(packet.timestamp, packet.at, packet.payload)
            else:
                yield from self.pictures.push(packet, gap)


def _media(reel: Reel, meter: Meter) -> Iterator[tuple[Stream, Frame, float]]:
    """Every frame with its moment of the recording, streams mixed as they arrived."""
    lanes: dict[int, _Lane] = {}
    takes = iter(reel.takes)
    take = Take(0.0, 0.0)

    def placed(lane: _Lane, packets: Iterator[tuple[Packet, bool]]) -> Iterator[tuple[Stream, Frame, float]]:
        for frame in lane.frames(packets):
            timestamp = lane.unwrapper.unwrap(frame.timestamp)
            captured = reel.clocks.captured(lane.stream.number, timestamp)
            yield lane.stream, frame, take.at + max(captured - take.start, 0.0)

    for record in reel.read(meter):
        match record:
            case Stream():
                for old in [number for number, lane in lanes.items() if _continues(lane.stream, record)]:
                    lane = lanes.pop(old)
                    yield from placed(lane, lane.ordered.end())
                pictures = Pictures(record.codec) if record.kind == "video" else None
                lanes[record.number] = _Lane(record, pictures=pictures)
            case Packet() if record.stream in lanes:
                lane = lanes[record.stream]
                yield from placed(lane, lane.ordered.push(record))
            case Mark(event="resumed") | Mark(event="paused"):
                for lane in lanes.values():
                    yield from placed(lane, lane.ordered.end())
                take = next(takes) if record.event == "resumed" else take
    for lane in lanes.values():
        yield from placed(lane, lane.ordered.end())


def _continues(old: Stream, new: Stream) -> bool:
    """Whether `new` takes the place of `old`: another layer, or the same person's new connection."""
    return (old.username, old.source, old.kind) == (new.username, new.source, new.kind)


class Table:
    """The films being made. A film begins when its first keyframe is there, or after WAIT seconds of sound alone."""

    WAIT = 3.0

    def __init__(
        self, sink: Callable[[], Any], codecs: dict[tuple[str, str], str], sounding: set[tuple[str, str]]
    ) -> None:
        self._sink, self._codecs, self._sounding = sink, codecs, sounding
        self._films: dict[Key, tuple[Film, Any]] = {}
        self._early: dict[tuple[str, str], list[tuple[Frame, float]]] = {}
        self._done: list[Cut] = []

    def put(self, stream: Stream, frame: Frame, at: float) -> None:
        if stream.kind == "video":
            self._picture(stream, frame, at)
        else:
            self._hear(stream, frame, at)

    def _picture(self, stream: Stream, frame: Frame, at: float) -> None:
        key = (stream.username, stream.source, stream.codec)
        if key not in self._films and frame.is_key:
            has_sound = self._is_main(key) and (stream.username, stream.source) in self._sounding
            early = self._early.pop(key[:2], []) if has_sound else []
            offset = min([at, *(moment for _, moment in early[:1])])
            self._open(key, frame, offset, has_sound)
            for sound, moment in early:
                self._films[key][0].sound(sound.content, moment)
        if key in self._films:
            self._films[key][0].picture(frame, at)

    def _is_main(self, key: Key) -> bool:
        return self._codecs.get(key[:2]) == key[2] and (*key[:2], "") not in self._films

    def _hear(self, stream: Stream, frame: Frame, at: float) -> None:
        scene = (stream.username, _scene(stream))
        for codec in ("", self._codecs.get(scene, "")):
            if (*scene, codec) in self._films:
                self._films[*scene, codec][0].sound(frame.content, at)
                return
        early = self._early.setdefault(scene, [])
        early.append((frame, at))
        if scene not in self._codecs or at - early[0][1] > self.WAIT:
            self._voice(scene)

    def _voice(self, scene: tuple[str, str]) -> None:
        """Sound without a picture: a file of its own."""
        early = self._early.pop(scene)
        self._open((*scene, ""), None, early[0][1], has_sound=True)
        for sound, moment in early:
            self._films[*scene, ""][0].sound(sound.content, moment)

    def _open(self, key: Key, first: Frame | None, offset: float, has_sound: bool) -> None:
        sink = self._sink()
        self._films[key] = Film(sink, key[2], first, offset, has_sound), sink

    def close(self) -> list[Cut]:
        """Finishes all."""
        for scene in list(self._early):
            self._voice(scene)
        cuts = []
        for (username, source, codec), (film, sink) in self._films.items():
            film.close()
            sink.close()
            cuts.append(
                Cut(
                    username,
                    source if codec or source not in PERSON else "mic",
                    FORMATS[codec][1],
                    film.offset,
                    film.seconds,
                    bool(film.pictures),
                    bool(film.packets),
                    sink,
                )
            )
        return cuts
