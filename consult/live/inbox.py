"""The inbox socket: rings when something changed that this person may see. Knows no page."""

from typing import Any, ClassVar

from channels.db import database_sync_to_async
from django.db.models import Max
from django.urls import reverse

from consult.live import protocol
from consult.live.fields import Message
from consult.live.socket import Socket
from consult.services import account


class Inbox(Socket):
    commands: ClassVar[dict[str, type[Message]]] = protocol.INBOX_COMMANDS
    news_fields: ClassVar[dict[str, tuple[str, ...]]] = protocol.INBOX_NEWS
    name: ClassVar[str] = "inbox"

    async def admit(self) -> int:
        await self.subscribe(f"person.{self.user.pk}")
        return 0

    async def admitted(self) -> None:
        await self.note_online()
        self.tell("hello", seq=await self.newest())

    async def still_allowed(self) -> int:
        await self.note_online()
        return 0

    @database_sync_to_async
    def note_online(self) -> None:
        account.note_online(self.user)

    @database_sync_to_async
    def newest(self) -> int:
        return self.user.notifications.aggregate(seq=Max("id"))["seq"] or 0

    async def news(self, event: dict[str, Any]) -> None:
        consultation = event["consultation"]
        url = reverse("consultation", args=[consultation]) if consultation else ""
        seq = await self.newest()
        self.tell("news", seq=seq, kind=event["kind"], consultation=consultation, url=url, mark=event["mark"])

    async def on_ping(self, command: protocol.Ping) -> None:
        """Keeps proxies from closing a quiet line; needs no answer."""
