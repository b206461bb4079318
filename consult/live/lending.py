"""Moving a far camera: asked for by the answering side, lent by the patient's side, taken back at once. Nothing is kept
but the audit rows: a camera is lent as long as its page says so."""

from dataclasses import asdict
from typing import Any

from channels.db import database_sync_to_async
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from consult.live import protocol
from consult.live.fields import Message
from consult.live.ratelimit import Bucket
from consult.live.socket import Socket
from consult.models import Consultation
from consult.services import session as sessions

OWNERS = frozenset({"grant", "refuse", "cannot", "revoke", "at"})


class Lending(Socket):
    """The part of a room socket that passes questions and steps to one other page of the same room."""

    pk: int
    group: str
    session: str
    side: str
    people: dict[str, str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lent_to = ""  # the session that may move this page's camera
        self.asks = Bucket(rate=1, burst=6)
        self.steps = Bucket(rate=6, burst=12)

    def _is_in(self, to: str) -> bool:
        if self.session:
            return True
        with translation.override(self.language):
            self.refuse("not-joined", _("Join the call first."), to)
        return False

    async def on_camera(self, command: protocol.Camera) -> None:
        if not self._is_in("camera"):
            return
        owner = command.act in OWNERS
        if owner != (self.side == "asking"):
            words = _("Only the answering side asks, and only the patient's side lends its camera.")
            self.refuse("not_yours", words, "camera")
        elif command.act != "at" and not self.asks.take():
            self.refuse("busy", _("Too much at once. Wait a moment."), "camera")
        elif command.act == "at" and command.to != self.lent_to:
            return  # taken back meanwhile
        else:
            if owner and command.act != "at":
                await self._lend(command)
            await self._direct(command)

    async def _lend(self, command: protocol.Camera) -> None:
        before, self.lent_to = self.lent_to, command.to if command.act == "grant" else ""
        if before != self.lent_to:
            await self._record(self.people.get(self.lent_to or before, ""), is_lent=bool(self.lent_to))

    @database_sync_to_async
    def _record(self, to: str, *, is_lent: bool) -> None:
        consultation = Consultation.objects.get(pk=self.pk)
        sessions.lent_camera(consultation=consultation, by=self.user, to=to, is_lent=is_lent)

    async def on_steer(self, command: protocol.Steer) -> None:
        if not self._is_in("steer"):
            return
        if self.steps.take():
            await self._direct(command)
        else:
            self.refuse("busy", _("Too much at once. Wait a moment."), "steer")

    async def _direct(self, command: Message) -> None:
        fields = asdict(command)
        event = {"type": "room.directed", "t": command.t, "to": fields.pop("to"), "by": self.user.username}
        await self.channel_layer.group_send(self.group, {**event, "session": self.session, "fields": fields})

    async def room_directed(self, event: dict[str, Any]) -> None:
        """For one page; the camera's own socket lets only those steps through that its page has allowed."""
        if not self.session or event["to"] != self.session or event["session"] == self.session:
            return
        t, act = event["t"], event["fields"].get("act")
        if t == "steer" and event["session"] != self.lent_to:
            return
        if t == "camera" and (act in OWNERS) == (self.side == "asking"):
            return
        if act == "drop" and event["session"] == self.lent_to:
            await self._record(event["by"], is_lent=False)
            self.lent_to = ""
        self.tell(t, by=event["by"], session=event["session"], **event["fields"])
