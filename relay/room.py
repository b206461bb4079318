"""Who is in a room, what each publishes and who gets it. Knows no sockets, no SRTP and no site."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from relay.connection import Connection, Context
from relay.publisher import Publisher
from relay.sdp import Offer, SdpError, parse_offer
from relay.speaker import Speakers, Speaking
from relay.subscriber import Subscriber
from relay.track import AUDIO, VIDEO, Track

PEER_TIMEOUT = 45.0
"""Seconds without anything valid after which a participant, or one connection of it, is dropped: half a minute
without a network, and the time to find a new one."""
KINDS = {
    "mic": (AUDIO,),
    "camera": (VIDEO,),
    "screen": (AUDIO, VIDEO),
    "clinical": (VIDEO,),
    "stethoscope": (AUDIO,),
}
"""What each source may be; at most one of a kind."""
DTLS_GRACE = 5.0
"""Seconds a participant whose connections all ended may take to offer new ones."""
CODEC_LOOK = 1.0
CODEC_CALM = 15.0
"""Seconds another codec must have suited all the while before a publisher is asked for it although everybody can show
the one it sends: who reloads the page, or comes back after a moment, finds it as it was."""


class Refusal(Exception):
    """A command cannot be carried out: `code` for programs, `message` for the log and developers."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Shown:
    """What a participant says is on; `clinical` names the kind of the second camera, "" while there is none."""

    mic: bool = False
    cam: bool = False
    screen: bool = False
    clinical: str = ""
    stethoscope: bool = False


@dataclass(slots=True)
class Participant:
    """One session of a person in a room. Tracks are kept by source and kind, so they outlive connections;
    `paused` are the ids of those it cannot be sent, its line being too weak; `suited_at` is when no other codec
    suited its viewers better than the one it sends."""

    peer: str
    username: str
    shown: Shown = field(default_factory=Shown)
    publisher: Publisher | None = None
    subscriber: Subscriber | None = None
    tracks: dict[tuple[str, str], Track] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    heights: Mapping[str, int] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)
    suited_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None

    def connections(self) -> Iterator[Connection]:
        """The connections there are: publishing, then subscribing."""
        if self.publisher is not None:
            yield self.publisher
        if self.subscriber is not None:
            yield self.subscriber

    def forget(self, connection: Connection) -> None:
        """`connection` is over."""
        connection.close()
        if self.publisher is connection:
            self.publisher = None
            for track in self.tracks.values():
                track.end()
            self.tracks.clear()
        elif self.subscriber is connection:
            self.subscriber = None
            self.paused = frozenset()


class Room:
    """The participants of one consultation. `on_change` is called after whatever `snapshot` shows has changed,
    `on_renegotiate` when a peer shall offer its publishing connection again."""

    def __init__(
        self,
        name: str,
        size: int,
        context: Context,
        on_change: Callable[[Room], None],
        on_renegotiate: Callable[[Room, str], None],
    ) -> None:
        self.name, self._size, self._context = name, size, context
        self._on_change, self._on_renegotiate = on_change, on_renegotiate
        self.participants: dict[str, Participant] = {}
        self._speakers = Speakers()
        self.speaking = Speaking()
        self._codecs_at = 0.0

    def join(self, peer: str, username: str, mic: bool, cam: bool) -> bool:
        """Lets `peer` in; whether it has to build new connections. Refuses (`room_full`)."""
        known = self.participants.get(peer)
        if known is None:
            if len(self.participants) >= self._size:
                raise Refusal("room_full", f"the room has {self._size} participants already")
            known = self.participants[peer] = Participant(peer, username)
        known.username, known.shown = username, replace(known.shown, mic=mic, cam=cam)
        known.seen = time.monotonic()
        self._on_change(self)
        return not any(True for _ in known.connections())

    def state(self, peer: str, shown: Shown) -> None:
        """What `peer` shows of itself."""
        self._participant(peer).shown = shown
        self._on_change(self)

    def publish(self, peer: str, sdp: str, sources: Mapping[str, str]) -> str:
        """The answer for a publishing connection; `sources` says what each mid carries."""
        participant, offer = self._participant(peer), _parse(sdp)
        tracks = self._tracks_of(participant, offer, sources)
        connection = participant.publisher
        if connection is None or not connection.continues(offer):
            if connection is not None:
                connection.close()
            connection = Publisher(self._context, offer, f"{self.name}/{peer}/pub")
            participant.publisher = connection
        participant.ended_at = None
        answer = connection.negotiate(offer, tracks, self._readers(besides=peer))
        self._replace_tracks(participant, tracks)
        self._on_change(self)
        return answer

    def subscribe(self, peer: str, sdp: str, want: Mapping[str, str]) -> str:
        """The answer for a subscribing connection; `want` says which track id each mid shall carry. Unknown ids are
        answered inactive: the track may have ended a moment ago."""
        participant, offer = self._participant(peer), _parse(sdp)
        published = {track.id: track for track in self.tracks(besides=peer)}
        wanted = {mid: published[track_id] for mid, track_id in want.items() if track_id in published}
        connection = participant.subscriber
        if connection is None or not connection.continues(offer):
            if connection is not None:
                connection.close()
            connection = Subscriber(
                self._context, offer, f"{self.name}/{peer}/sub", lambda paused: self._paused(participant, paused)
            )
            connection.show(participant.heights)
            participant.subscriber, participant.paused = connection, frozenset()
        participant.ended_at = None
        answer = connection.negotiate(offer, wanted)
        self._ask_for_other_codecs()
        return answer

    def show(self, peer: str, shown: Mapping[str, int]) -> None:
        """How large the page of `peer` shows each track: pixel height by track id, 0 for not visible."""
        participant = self._participant(peer)
        participant.heights = shown
        if participant.subscriber is not None:
            participant.subscriber.show(shown)

    def _readers(self, besides: str) -> list[frozenset[str]]:
        """The video codecs each other participant can show."""
        subscribers = [p.subscriber for p in self.participants.values() if p.peer != besides]
        return [s.codecs for s in subscribers if s is not None and s.codecs is not None]

    def _ask_for_other_codecs(self) -> None:
        """Publishers whose codec somebody cannot show are asked to offer again; the answer names another one."""
        for participant in self.participants.values():
            publisher = participant.publisher
            if publisher is not None and publisher.would_change(self._readers(besides=participant.peer), needed=True):
                self._on_renegotiate(self, participant.peer)

    def turn_back(self, now: float) -> None:
        """Asks those publishers whom another codec has suited better for `CODEC_CALM` seconds: who could not show
        the preferred one has left, or the first request was lost. To be called often."""
        if now < self._codecs_at:
            return
        self._codecs_at = now + CODEC_LOOK
        for participant in self.participants.values():
            publisher = participant.publisher
            if publisher is None or not publisher.would_change(self._readers(besides=participant.peer)):
                participant.suited_at = now
            elif now - participant.suited_at >= CODEC_CALM:
                participant.suited_at = now
                self._on_renegotiate(self, participant.peer)

    def _paused(self, participant: Participant, paused: frozenset[str]) -> None:
        participant.paused = paused
        self._on_change(self)

    def leave(self, peer: str) -> None:
        """`peer` is gone; unknown ones are gone already."""
        participant = self.participants.pop(peer, None)
        if participant is None:
            return
        for connection in list(participant.connections()):
            participant.forget(connection)
        for track in participant.tracks.values():
            track.end()
        self._on_change(self)

    def ended(self, connection: Connection, now: float) -> None:
        """The browser closed `connection`, or its handshake failed."""
        for participant in self.participants.values():
            if connection in list(participant.connections()):
                participant.forget(connection)
                if not any(True for _ in participant.connections()):
                    participant.ended_at = now
                self._on_change(self)
                return

    def overdue(self, now: float) -> list[tuple[str, str]]:
        """Peers to drop, each with the reason; single dead connections are closed here."""
        found = []
        for participant in self.participants.values():
            for connection in list(participant.connections()):
                participant.seen = max(participant.seen, connection.transport.last_valid)
                if now - connection.transport.last_valid > PEER_TIMEOUT:
                    participant.forget(connection)
                    self._on_change(self)
            if now - participant.seen > PEER_TIMEOUT:
                found.append((participant.peer, "timeout"))
            elif participant.ended_at is not None and now - participant.ended_at > DTLS_GRACE:
                found.append((participant.peer, "dtls"))
        return found

    def listen(self, now: float) -> bool:
        """Look who speaks; whether `speaking` has changed. To be called every `speaker.STEP` seconds."""
        levels: dict[str, int | None] = {}
        for participant in self.participants.values():
            microphone = participant.tracks.get(("mic", AUDIO))
            if microphone is not None:
                levels[participant.peer] = microphone.take_loudest()
        on = {peer for peer in levels if self.participants[peer].shown.mic}
        before, self.speaking = self.speaking, self._speakers.look(levels, on, now)
        for participant in self.participants.values():
            for track in participant.tracks.values():
                track.speaking = participant.peer == self.speaking.peer
        return self.speaking != before

    def tracks(self, besides: str | None = None) -> list[Track]:
        """Everything published here, except by `besides`."""
        return [
            track
            for participant in self.participants.values()
            if participant.peer != besides
            for track in participant.tracks.values()
        ]

    def describe(self, track: Track) -> dict[str, str]:
        """`track` as the site knows it."""
        return {
            "id": track.id,
            "peer": track.peer,
            "username": self.participants[track.peer].username,
            "kind": track.kind,
            "source": track.source,
        }

    def voices(self) -> dict[str, object]:
        """The fields of the `speaker` event."""
        return {"room": self.name, "peer": self.speaking.peer, "silent": list(self.speaking.silent)}

    def snapshot(self) -> dict[str, object]:
        """The fields of the `room` event."""
        peers = [{"peer": p.peer, "username": p.username, **asdict(p.shown)} for p in self.participants.values()]
        paused = {p.peer: sorted(p.paused) for p in self.participants.values() if p.paused}
        tracks = [self.describe(t) for t in self.tracks()]
        return {"room": self.name, "peers": peers, "tracks": tracks, "paused": paused}

    def _participant(self, peer: str) -> Participant:
        participant = self.participants.get(peer)
        if participant is None:
            raise Refusal("unknown_peer", "join the room first")
        return participant

    def _tracks_of(self, participant: Participant, offer: Offer, sources: Mapping[str, str]) -> dict[str, Track]:
        tracks: dict[str, Track] = {}
        for media in offer.media:
            source = sources.get(media.mid)
            if source is None or media.rejected or not media.sends:
                continue
            if media.kind not in KINDS[source]:
                raise Refusal("bad_offer", f"mid {media.mid} is {media.kind}, not a {source}")
            key = (source, media.kind)
            if any((known.source, known.kind) == key for known in tracks.values()):
                raise Refusal("bad_offer", f"two m-lines are the {source}")
            tracks[media.mid] = participant.tracks.get(key) or Track(
                f"{source}-{secrets.token_hex(6)}", participant.peer, media.kind, source
            )
        return tracks

    def _replace_tracks(self, participant: Participant, tracks: Mapping[str, Track]) -> None:
        kept = {(track.source, track.kind): track for track in tracks.values()}
        for key, track in participant.tracks.items():
            if key not in kept:
                track.end()
        participant.tracks = kept


def _parse(sdp: str) -> Offer:
    try:
        return parse_offer(sdp)
    except SdpError as error:
        raise Refusal("bad_offer", str(error)) from None
