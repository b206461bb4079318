"""The room socket of one participant: signalling to the relay, presence, and what nobody stores. Knows no media."""

import asyncio
from dataclasses import asdict
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from django.utils import translation
from django.utils.translation import gettext as _

from consult import policies
from consult.errors import Refusal
from consult.live import looking, protocol
from consult.live.asking import Asker, NoAnswer, RelayRefused
from consult.live.fields import Message
from consult.live.lending import Lending
from consult.live.linking import TRACKS
from consult.live.ratelimit import Bucket
from consult.live.relays import UP, room_group
from consult.live.socket import NOT_ALLOWED, NOT_SIGNED_IN, NOT_VISIBLE
from consult.models import Relay
from consult.services import relay as relays
from consult.services import turn

LOST_SECONDS = 0.25  # between looks for a relay while there is none
LOOK_SECONDS = 5.0  # between looks whether ours still lives


class Room(Lending):
    commands: ClassVar[dict[str, type[Message]]] = protocol.ROOM_COMMANDS
    news_fields: ClassVar[dict[str, tuple[str, ...]]] = protocol.ROOM_NEWS
    name: ClassVar[str] = "room"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = ""
        self.side = ""
        self.relay_channel = ""
        self.people: dict[str, str] = {}  # session -> username, as the page knows it
        self.wake = asyncio.Event()
        self.look_again = asyncio.Event()
        self.joining = asyncio.Lock()
        self.probes = Bucket(rate=0.5, burst=4)

    # handshake

    async def admit(self) -> int:
        self.pk = int(self.scope["url_route"]["kwargs"]["pk"])
        self.group = room_group(self.pk)
        for group in (self.group, f"consultation.{self.pk}", f"person.{self.user.pk}", UP):
            await self.subscribe(group)
        return int(await self.still_allowed())

    async def admitted(self) -> None:
        self.asker = Asker(self.channel_layer, self.channel_name)
        self.spawn(self._renew_turn())
        self.spawn(self._watch_relay())
        self.spawn(self._show_changes())

    async def _renew_turn(self) -> None:
        """Who may join may use the TURN servers; as long as this socket is open their credentials never expire."""
        while True:
            given = turn.admit(person=self.user, call=self.pk)
            self.tell("ice", servers=given.servers, seconds=given.seconds, relays=await looking.addresses())
            await asyncio.sleep(given.seconds / 2)

    @database_sync_to_async
    def still_allowed(self) -> int:
        consultation = policies.visible_consultations(self.user).filter(pk=self.pk).first()
        if consultation is None:
            return NOT_VISIBLE
        self.side = policies.side_of(self.user, consultation)
        self.message_seq = consultation.message_seq
        return 0 if policies.may_join(self.user, consultation) else NOT_ALLOWED

    async def shut(self, code: int) -> None:
        if code in {NOT_SIGNED_IN, NOT_ALLOWED, NOT_VISIBLE}:
            await self._leave()
        await super().shut(code)

    # joining and leaving

    async def on_join(self, command: protocol.Join) -> None:
        if not self.busy("join"):
            self.spawn(self._join(command))

    async def _join(self, command: protocol.Join) -> None:
        async with self.joining:
            self.session = command.session
            take = {"type": "room.take", "person": self.user.pk, "session": command.session}
            await self.channel_layer.group_send(self.group, take)
            try:
                fresh, tracks = await self._join_relay(command)
            except NoAnswer:
                self.relay_channel = ""
                fresh, tracks = True, []
            except RelayRefused as refused:
                self.session = ""
                self._refuse_relay(refused.code, "join")
                return
            except Refusal as refusal:
                self.session = ""
                self.refuse(refusal.code, refusal.message, "join")
                return
            people = await looking.people(self.pk, self.language)
            self.people = {person["session"]: person["username"] for person in people}
            self.tell(
                "joined",
                you=self.user.username,
                session=self.session,
                fresh=fresh,
                people=people,
                tracks=tracks,
                relay="ready" if self.relay_channel else "lost",
                message_seq=self.message_seq,
            )
            self.wake.set()

    async def _join_relay(self, command: protocol.Join) -> tuple[bool, list[dict[str, str]]]:
        """Raises NoAnswer, RelayRefused and Refusal."""
        relay, peers = await self._look_for_relay()
        if relay is None:
            raise NoAnswer
        self.relay_channel = relay.channel
        for peer in peers:  # one person, one session: the newest page counts
            if peer["username"] == self.user.username and peer["peer"] != command.session:
                await self.asker.say(relay.channel, "leave", room=str(self.pk), peer=peer["peer"])
        answer = await self.asker.ask(
            relay.channel,
            "join",
            room=str(self.pk),
            peer=command.session,
            username=self.user.username,
            mic=command.mic,
            cam=command.cam,
        )
        return bool(answer["fresh"]), looking.shape(TRACKS(answer["tracks"]), without=command.session)

    @database_sync_to_async
    def _look_for_relay(self) -> tuple[Relay | None, list[dict[str, Any]]]:
        """The room's relay, and who is there."""
        return relays.place(self.pk), relays.presence(self.pk)[0]

    async def room_take(self, event: dict[str, Any]) -> None:
        """The same person joined from another page: this one has left."""
        if event["person"] == self.user.pk and self.session and event["session"] != self.session:
            self.session = ""
            with translation.override(self.language):
                self.refuse("elsewhere", _("You joined this call from another window."), "join")

    async def on_leave(self, command: protocol.Leave) -> None:
        await self._leave()

    async def _leave(self) -> None:
        session, self.session = self.session, ""
        if session and self.relay_channel:
            await self._say("leave", peer=session)

    # signalling

    async def on_offer(self, command: protocol.Offer) -> None:
        if self._is_in("offer") and not self.busy("offer"):
            self.spawn(self._offer(command))

    async def _offer(self, command: protocol.Offer) -> None:
        fields: dict[str, Any] = {"room": str(self.pk), "peer": self.session, "pc": command.pc, "sdp": command.sdp}
        if command.pc == "pub":
            fields["tracks"] = list(command.tracks)
        elif command.want is not None:
            fields["want"] = command.want
        if sdp := await self._negotiate("offer", fields):
            self.tell("answer", pc=command.pc, sdp=sdp, rev=command.rev)

    async def on_probe(self, command: protocol.Probe) -> None:
        if not self.probes.take():
            with translation.override(self.language):
                self.refuse("busy", _("Too much at once. Wait a moment."), "probe")
        elif not self.busy("probe"):
            self.spawn(self._probe(command))

    async def _probe(self, command: protocol.Probe) -> None:
        relay = await database_sync_to_async(relays.place)(self.pk)
        self.relay_channel = relay.channel if relay else ""
        peer = f"probe-{self.channel_name[-12:]}"
        if sdp := await self._negotiate("probe", {"peer": peer, "sdp": command.sdp}):
            self.tell("answer", pc="probe", sdp=sdp, rev=0)

    async def _negotiate(self, t: str, fields: dict[str, Any]) -> str:
        """The relay's SDP, or "" after telling the page why not."""
        try:
            if not self.relay_channel:
                raise NoAnswer
            return str((await self.asker.ask(self.relay_channel, t, **fields))["sdp"])
        except NoAnswer:
            self._refuse_relay("relay-lost", t)
            self.wake.set()
        except RelayRefused as refused:
            self._refuse_relay(refused.code, t)
        return ""

    def _refuse_relay(self, code: str, to: str) -> None:
        with translation.override(self.language):
            words = {
                "room_full": _("The room is full."),
                "relay_full": _("The media relay is full. Try again in a few minutes, or tell the scheduler."),
                "relay-lost": _("The media relay does not answer. The call comes back by itself."),
            }.get(code, _("The media connection was refused. It is tried again."))
        self.refuse(code, words, to)

    async def relay_answered(self, event: dict[str, Any]) -> None:
        self.asker.answered(event)

    async def _say(self, t: str, **fields: Any) -> None:
        try:
            await self.asker.say(self.relay_channel, t, room=str(self.pk), **fields)
        except NoAnswer:
            self.wake.set()

    # the relay's coming and going

    async def relay_up(self, event: dict[str, Any]) -> None:
        self.wake.set()

    async def relay_lost(self, event: dict[str, Any]) -> None:
        self.wake.set()

    async def _watch_relay(self) -> None:
        while True:
            await self._woken(LOOK_SECONDS if self.relay_channel else LOST_SECONDS)
            if not self.session:
                continue
            async with self.joining:
                relay = await database_sync_to_async(relays.place)(self.pk)
                channel = relay.channel if relay else ""
                if channel == self.relay_channel:
                    continue
                reason = ("moved" if self.relay_channel else "") if channel else "link"
                self.relay_channel = channel
                self.tell("relay", state="ready" if channel else "lost", reason=reason)

    async def _woken(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.wake.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self.wake.clear()

    # presence

    async def on_state(self, command: protocol.State) -> None:
        if self._is_in("state") and self.relay_channel:
            await self._say("state", peer=self.session, **asdict(command))

    async def on_show(self, command: protocol.Show) -> None:
        if self._is_in("show") and self.relay_channel:
            await self._say("show", peer=self.session, heights=dict(command.heights))

    async def room_renegotiate(self, event: dict[str, Any]) -> None:
        if self.session and event["session"] == self.session:
            self.tell("renegotiate")

    async def room_changed(self, event: dict[str, Any]) -> None:
        self.look_again.set()

    async def _show_changes(self) -> None:
        """However many changes ring, one look at the rows at a time."""
        while True:
            await self.look_again.wait()
            self.look_again.clear()
            if not self.session:
                continue
            if self.relay_channel and not await database_sync_to_async(relays.lives_on)(self.pk, self.relay_channel):
                self.wake.set()  # the room moved: what it has there is told when the page has joined there
                continue
            people = await looking.people(self.pk, self.language)
            tracks = await looking.tracks(self.pk, without=self.session)
            now = {person["session"]: person["username"] for person in people}
            gone = {session: name for session, name in self.people.items() if session not in now}
            self.people = now
            for session, username in gone.items():
                self.tell("left", username=username, session=session)
            self.tell("people", people=people)
            self.tell("tracks", tracks=tracks)

    async def room_speaker(self, event: dict[str, Any]) -> None:
        """Who speaks, and whose microphone gives nothing, as the relay hears it."""
        if self.session:
            self.tell("speaker", key="speaker", session=event["session"], silent=event["silent"])

    # what nobody stores

    async def on_quality(self, command: protocol.Quality) -> None:
        await self._pass_on(command)

    async def on_pointer(self, command: protocol.Pointer) -> None:
        await self._pass_on(command)

    async def on_view(self, command: protocol.View) -> None:
        await self._pass_on(command)

    async def on_follow(self, command: protocol.Follow) -> None:
        await self._pass_on(command)

    async def on_typing(self, command: protocol.Typing) -> None:
        await self._pass_on(command)

    async def _pass_on(self, command: Message) -> None:
        if not self._is_in(command.t):
            return
        event = {"type": "room.passed", "t": command.t, "by": self.user.username, "from": self.channel_name}
        await self.channel_layer.group_send(self.group, {**event, "side": self.side, "fields": asdict(command)})

    async def room_passed(self, event: dict[str, Any]) -> None:
        if not self.session or event["from"] == self.channel_name:
            return
        if event["fields"].get("where") == "opinion" and event["side"] != self.side:
            return  # that somebody writes an opinion is not for the asking side
        self.tell(event["t"], key=(event["t"], event["by"]), by=event["by"], **event["fields"])

    async def news(self, event: dict[str, Any]) -> None:
        if event["consultation"] != self.pk:
            return  # of another consultation of this person
        self.tell("news", kind=event["kind"], seq=event["seq"], mark=event["mark"])
        if event["kind"] == "consultation":
            self.spawn(self.check())

    async def on_ping(self, command: protocol.Ping) -> None:
        self.tell("pong", n=command.n)
