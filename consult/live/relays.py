"""The link one relay dialled in on: requests out, answers and events in. Knows rooms by number, no person."""

import asyncio
import hmac
import json
import logging
from collections import OrderedDict
from time import monotonic
from typing import Any

from channels.db import database_sync_to_async
from channels.exceptions import ChannelFull, StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from consult.live import linking
from consult.live.fields import Unreadable
from consult.live.presence import book, end_move, interrupt, keep, keep_quality
from consult.live.recordings import Orders
from consult.live.sending import Sender
from consult.services import relay as relays

log = logging.getLogger("consult.live")

UNAUTHORIZED = 4401
BAD_MESSAGE = 4400
REPLACED = 4409
UP = "relays"  # the group told of every relay that comes
RESTARTED = 1012
OUR_CLOSES = {UNAUTHORIZED, BAD_MESSAGE, REPLACED, RESTARTED, 1011}
PENDING_LIMIT = 4096
PENDING_SECONDS = 30.0
SETTLED_SECONDS = 6.0  # after this, every relay that lives has dialled in again


def room_group(consultation_id: int) -> str:
    return f"room.{consultation_id}"


class RelayLink(AsyncWebsocketConsumer):
    """Room events are kept latest-first: of two for one room that wait, the older is dropped."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self.changed: OrderedDict[int, linking.Room] = OrderedDict()
        self.emptied: list[int] = []  # rooms whose people have to arrive again, before what changed in them counts
        self.booked: set[int] = set()  # rooms whose people were booked since this link stands
        self.wake = asyncio.Event()
        self.sender: Sender | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.hello: linking.Hello | None = None
        self.since = monotonic()
        self.orders = Orders(self._tell_relay)

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        given = headers.get(b"authorization", b"")
        wanted = f"Bearer {settings.RELAY_SECRET}".encode()
        if b"origin" in headers or not hmac.compare_digest(given, wanted):
            log.warning("relay link refused: wrong secret")
            await self.close(UNAUTHORIZED)
            return
        await self.accept()
        self.sender = Sender(self.send, lambda: log.error("relay link is stuck"))
        self.keeper = asyncio.create_task(self._keep_forever())
        await self.channel_layer.group_add(Orders.GROUP, self.channel_name)

    async def disconnect(self, code: int) -> None:
        if self.keeper:
            self.keeper.cancel()
            await asyncio.gather(self.keeper, return_exceptions=True)
        if self.sender:
            await self.sender.stop()
        await self.channel_layer.group_discard(Orders.GROUP, self.channel_name)
        by_relay = code not in OUR_CLOSES
        for consultation_id in await database_sync_to_async(relays.lost)(channel=self.channel_name, by_relay=by_relay):
            await self._tell_room(consultation_id, "relay.lost")
        if self.hello:
            log.warning("relay %s: link lost", self.hello.name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        try:
            await super().dispatch(message)
        except StopConsumer:
            raise
        except Exception:
            log.exception("relay link failed in %s", message.get("type"))
            if message["type"] == "websocket.disconnect":
                raise StopConsumer from None
            await self.close(1011)  # it dials again and tells everything anew

    # from the relay

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message, raw = linking.parse(text_data)
        except Unreadable as error:
            log.warning("relay link unreadable code=%s to=%s", error.code, error.to)
            await self.close(BAD_MESSAGE)
            return
        match message:
            case linking.Reply():
                await self._answered(message, raw)
            case linking.Hello():
                await self._greet(message)
            case _ if self.hello is None:
                await self.close(BAD_MESSAGE)
            case linking.Load():
                await self._report(message)
            case linking.Room():
                self.changed[int(message.room)] = message
                self.wake.set()
            case linking.Drain():
                await self._leave()
            case linking.Speaker():
                told = {"type": "room.speaker", "session": message.peer, "silent": message.silent}
                await self.channel_layer.group_send(room_group(int(message.room)), told)
            case linking.Quality():
                await keep_quality(self.channel_name, message)
            case linking.Recording():
                await self.orders.heard(self.channel_name, message)
            case linking.Gone():
                log.info("room %s: peer gone reason=%s", message.room, message.reason)
            case linking.Renegotiate():
                await self._tell_room(int(message.room), "room.renegotiate", session=message.peer)

    async def _greet(self, hello: linking.Hello) -> None:
        self.hello = hello
        rooms = [int(room) for room in hello.rooms]
        placed, emptied = await database_sync_to_async(relays.register)(
            name=hello.name,
            channel=self.channel_name,
            address=hello.address,
            port=hello.port,
            capacity=hello.capacity,
            version=hello.version,
            rooms=rooms,
        )
        log.info("relay %s: linked, %s rooms running", hello.name, len(rooms))
        await self._close_moved(rooms)
        self.emptied += emptied
        self.wake.set()
        for consultation_id in placed:
            await self._tell_room(consultation_id, "relay.up")
            await self._tell_room(consultation_id, "room.changed")
        await self.channel_layer.group_send(UP, {"type": "relay.up"})

    async def _report(self, load: linking.Load) -> None:
        duties = await database_sync_to_async(relays.report)(
            channel=self.channel_name,
            rooms=load.rooms,
            participants=load.participants,
            load=load.load,
            settled=monotonic() - self.since > SETTLED_SECONDS,
        )
        await self.orders.send(self.channel_name)
        if duties is None:
            log.warning("relay %s: another link of that name took over", self.hello and self.hello.name)
            await self.close(REPLACED)
            return
        for consultation_id in duties.wake:
            await self._tell_room(consultation_id, "relay.lost")
        for consultation_id in duties.close:
            self._close_room(consultation_id)
        for consultation_id in duties.over:
            await end_move(consultation_id)
            await self._tell_room(consultation_id, "room.changed")

    async def _leave(self) -> None:
        rooms = await database_sync_to_async(relays.leaving)(channel=self.channel_name)
        log.info("relay %s: is leaving, %s rooms move", self.hello and self.hello.name, len(rooms))
        for consultation_id in rooms:
            await self._tell_room(consultation_id, "relay.lost")

    async def _close_moved(self, rooms: list[int]) -> None:
        """Rooms that live elsewhere end here, unless their people are just moving."""
        for consultation_id in await database_sync_to_async(relays.placed_elsewhere)(rooms, self.channel_name):
            self._close_room(consultation_id)

    def _close_room(self, consultation_id: int) -> None:
        self._tell_relay({"t": "close", "id": f"close-{consultation_id}", "room": str(consultation_id)})

    async def _keep_forever(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.emptied:
                await self._interrupt(self.emptied.pop())
            while self.changed:
                consultation_id, room = self.changed.popitem(last=False)
                try:
                    await self._keep(consultation_id, room)
                except Exception:
                    log.exception("room %s: presence not kept", consultation_id)

    async def _keep(self, consultation_id: int, room: linking.Room) -> None:
        """The pages are told first: they have tracks to ask for."""
        change = await keep(self.channel_name, consultation_id, room)
        if change is None:
            await self._close_moved([consultation_id])
            return
        await self._tell_room(consultation_id, "room.changed")
        # A site that was killed may have kept what it never booked: on each new link every room is looked at once.
        if any(change) or consultation_id not in self.booked:
            await book(consultation_id)
            self.booked.add(consultation_id)

    async def _interrupt(self, consultation_id: int) -> None:
        try:
            await interrupt(consultation_id)
        except Exception:
            log.exception("room %s: not interrupted", consultation_id)

    async def _tell_room(self, consultation_id: int, kind: str, **more: str) -> None:
        await self.channel_layer.group_send(room_group(consultation_id), {"type": kind, **more})

    # requests of the site

    async def recordings_changed(self, event: dict[str, Any]) -> None:
        await self.orders.send(self.channel_name)

    async def relay_ask(self, event: dict[str, Any]) -> None:
        """A room consumer, here or in another process, asks the relay; its answer goes back to `reply_to`."""
        now = monotonic()
        while self.pending and (
            len(self.pending) >= PENDING_LIMIT or next(iter(self.pending.values()))[1] < now - PENDING_SECONDS
        ):
            self.pending.popitem(last=False)
        if event["reply_to"]:
            self.pending[event["id"]] = (event["reply_to"], now)
        self._tell_relay({**event["body"], "id": event["id"]})

    def _tell_relay(self, body: dict[str, Any]) -> None:
        if self.sender:
            self.sender.put(json.dumps(body, ensure_ascii=False, separators=(",", ":")))

    async def _answered(self, reply: linking.Reply, raw: dict[str, Any]) -> None:
        waiting = self.pending.pop(reply.re, None)
        if waiting is None:
            return
        try:
            await self.channel_layer.send(waiting[0], {"type": "relay.answered", "id": reply.re, "answer": raw})
        except ChannelFull:
            log.warning("an answer of the relay found its asker stuck")
