"""What a relay is ordered to record, and the socket its logs arrive on. Knows no media and no person."""

import hmac
import json
import logging
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from consult.errors import StorageFull, StoreAway
from consult.live import linking
from consult.live.fields import Message, Unreadable, flag, loads, reads, whole
from consult.live.protocol import MAX_ID
from consult.services import recording, recording_files

log = logging.getLogger("consult.live")

UNAUTHORIZED, BAD_MESSAGE, DISK_FULL = 4401, 4400, 4507
PIECE_HEAD = struct.Struct("!32sQ")
PIECE_ANSWERS: dict[str, tuple[str, ...]] = {"at": ("log", "offset"), "kept": ("log",), "unknown": ("log",)}


class Orders:
    """The orders of one relay's link. The rows say what is to be recorded; this says it on, and when it ends."""

    GROUP: ClassVar[str] = "recordings"

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._told: dict[str, str] = {}  # room -> log

    async def send(self, channel: str) -> None:
        """Called on every change and with every load report: an order holds only 6 s at the relay."""
        orders = await database_sync_to_async(recording.orders)(channel=channel)
        now = {order.room: order.log for order in orders}
        for room, name in self._told.items():
            if room not in now:
                self._order(room=room, on=False, log=name, key="", people=[])
        for order in orders:
            self._order(room=order.room, on=True, log=order.log, key=order.key, people=order.people)
        self._told = now

    def _order(self, **fields: Any) -> None:
        self._tell({"t": "record", "id": f"record-{secrets.token_hex(4)}", **fields})

    async def heard(self, channel: str, event: linking.Recording) -> None:
        """The relay says how a recording stands."""
        log.info("room %s: recording %s %s", event.room, event.state, event.reason)
        await database_sync_to_async(recording.heard)(
            channel=channel,
            log=event.log,
            state=event.state,
            reason=event.reason,
            seconds=event.seconds,
            lost=event.lost,
        )


@dataclass(frozen=True, slots=True)
class Have(Message):
    """A relay has `size` bytes of a log; `whole`: there will be no more."""

    t: ClassVar[str] = "have"
    log: str = reads(linking.LOG)
    size: int = reads(whole(0, MAX_ID))
    whole: bool = reads(flag)


class RecordingLink(AsyncWebsocketConsumer):
    """One message, one answer: a relay sends its next piece when this one is on the disk."""

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        given = headers.get(b"authorization", b"")
        wanted = f"Bearer {settings.RELAY_SECRET}".encode()
        if b"origin" in headers or not hmac.compare_digest(given, wanted):
            log.warning("recording link refused: wrong secret")
            await self.close(UNAUTHORIZED)
            return
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            answer = await (self._piece(bytes_data) if bytes_data else self._have(text_data))
        except Unreadable as error:
            log.warning("recording link unreadable code=%s", error.code)
            await self.close(BAD_MESSAGE)
        except (StorageFull, StoreAway):
            log.error("no room for recordings, or no store: the relay keeps them until there is")
            await self.close(DISK_FULL)
        else:
            await self.send(json.dumps(answer))

    async def _have(self, text: str | None) -> dict[str, Any]:
        raw = loads(text)
        if raw.get("t") != Have.t:
            raise Unreadable("unknown")
        have = Have.read(raw)
        answer: dict[str, Any] = await database_sync_to_async(_judge)(have.log, have.size, have.whole)
        return answer

    async def _piece(self, content: bytes) -> dict[str, Any]:
        if len(content) < PIECE_HEAD.size:
            raise Unreadable("piece")
        name, offset = PIECE_HEAD.unpack_from(content)
        try:
            text = name.decode("ascii")
            size = await database_sync_to_async(recording_files.append)(
                name=text, offset=offset, content=content[PIECE_HEAD.size :]
            )
        except UnicodeDecodeError:
            raise Unreadable("piece") from None
        except KeyError:
            return {"t": "unknown", "log": text}
        return {"t": "at", "log": text, "offset": size}


def _judge(name: str, size: int, is_whole: bool) -> dict[str, Any]:
    offset = recording_files.offset_of(name)
    if offset is None:
        return {"t": "unknown", "log": name}
    if recording_files.is_over(name):
        return {"t": "kept", "log": name}
    if is_whole and offset == size:
        recording_files.arrived(name=name)
        return {"t": "kept", "log": name}
    return {"t": "at", "log": name, "offset": offset}
