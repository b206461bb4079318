"""What every browser socket shares: handshake, limits, re-checking its person, errors that end nobody's call."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Coroutine
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import parse_qs

from channels.auth import get_user
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from consult.errors import Refusal
from consult.live import protocol
from consult.live.fields import Message, Unreadable
from consult.live.ratelimit import Bucket, Strikes
from consult.live.sending import Sender
from consult.models import User

log = logging.getLogger("consult.live")

NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403
NOT_VISIBLE = 4404
TOO_MUCH = 1008
TRY_AGAIN = 1013
RECHECK_SECONDS = 60.0
TASKS_LIMIT = 24

open_sockets: Counter[str] = Counter()
"""Sockets this process holds, by name."""


class Socket(AsyncWebsocketConsumer):
    """One person's socket. Subclasses name their messages and handle each in `on_<t>`.

    Handlers are awaited one at a time, so what takes long (the database, the relay) goes to `spawn`.
    """

    commands: ClassVar[dict[str, type[Message]]] = {}
    news_fields: ClassVar[dict[str, tuple[str, ...]]] = {}
    name: ClassVar[str] = "socket"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bucket = Bucket(rate=20, burst=40)
        self.strikes = Strikes(limit=10, window=60)
        self.tasks: set[asyncio.Task[None]] = set()
        self.joined_groups: list[str] = []
        self.sender: Sender | None = None
        self.closing = False
        self.user: User

    async def admit(self) -> int:
        """Subscribe, then look: 0 to let this person in, or the close code."""
        raise NotImplementedError

    async def admitted(self) -> None:
        """First words after the handshake."""

    async def departed(self) -> None:
        """The socket is gone; tidy up."""

    async def still_allowed(self) -> int:
        """0 while the person may be here, or the close code. The person has just been read again."""
        return 0

    # handshake and end

    async def connect(self) -> None:
        user = self.scope["user"]
        code = NOT_SIGNED_IN
        if user.is_authenticated:
            self.user = user
            code = await self.admit()
        await self.accept()  # a refused handshake could not tell the page its reason
        if code:
            log.info("%s refused code=%s", self.name, code)
            await self.close(code)
            return
        self.sender = Sender(self.send, lambda: self.spawn(self.shut(TRY_AGAIN)))
        open_sockets[self.name] += 1
        self.spawn(self._recheck_forever())
        await self.admitted()

    async def subscribe(self, group: str) -> None:
        self.joined_groups.append(group)
        await self.channel_layer.group_add(group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        self.closing = True
        for group in self.joined_groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        await self.departed()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.sender:
            open_sockets[self.name] -= 1
            await self.sender.stop()

    async def shut(self, code: int) -> None:
        """Close from our side; the peer's `disconnect` follows."""
        if self.closing:
            return
        self.closing = True
        log.info("%s closed code=%s person=%s", self.name, code, self.user.pk)
        if self.sender:
            await self.sender.drain()
        await self.close(code)

    # messages

    def tell(self, t: str, key: object = None, **fields: Any) -> None:
        if self.sender:
            self.sender.put(protocol.write(t, self.news_fields, fields), key)

    def refuse(self, code: str, message: object, to: str = "") -> None:
        with translation.override(self.language):
            self.tell("refused", code=code, message=str(message), to=to)

    @property
    def language(self) -> str:
        """The account's, else the one the page was written in (`?language=`)."""
        asked = parse_qs(self.scope["query_string"].decode("latin1")).get("language", [""])[0]
        known = dict(settings.LANGUAGES)
        return self.user.language or (asked if asked in known else settings.LANGUAGE_CODE)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closing or self.sender is None:
            return
        if not self.bucket.take():
            log.warning("%s too fast person=%s", self.name, self.user.pk)
            await self.shut(TOO_MUCH)
            return
        try:
            command = protocol.parse(text_data, self.commands)
        except Unreadable as error:
            await self._unreadable(error)
            return
        await getattr(self, f"on_{command.t}")(command)

    async def _unreadable(self, error: Unreadable) -> None:
        log.warning("%s unreadable person=%s code=%s to=%s", self.name, self.user.pk, error.code, error.to)
        with translation.override(self.language):
            words = _("The page sent something this site does not understand. Reload the page.")
        self.refuse("unreadable", words, error.to)
        if self.strikes.out():
            await self.shut(TOO_MUCH)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """A bug in one handler costs one message, not the call."""
        try:
            await super().dispatch(message)
        except StopConsumer:
            raise
        except Exception:
            ident = self._log_bug(str(message.get("type", "")))
            if message["type"] == "websocket.connect":
                raise
            self._tell_bug(ident)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the handlers; this consumer cancels it when the socket ends."""
        task = asyncio.create_task(self._guard(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refusal as refusal:
            self.refuse(refusal.code, refusal.message)
        except Exception:
            self._tell_bug(self._log_bug(getattr(work, "__name__", "work")))

    def busy(self, to: str) -> bool:
        """Whether this socket has too much under way for one more request; says so to the page."""
        if len(self.tasks) < TASKS_LIMIT:
            return False
        with translation.override(self.language):
            self.refuse("busy", _("Too much at once. Wait a moment."), to)
        return True

    def _log_bug(self, where: str) -> str:
        ident = secrets.token_hex(4)
        log.exception("%s failed in %s id=%s", self.name, where, ident)
        return ident

    def _tell_bug(self, ident: str) -> None:
        with translation.override(self.language):
            self.refuse("error", _("Something went wrong here. Error id %(id)s") % {"id": ident})

    # who is this still?

    async def recheck(self, event: dict[str, Any]) -> None:
        """`events.revoke`: read the person again."""
        self.spawn(self.check())

    async def _recheck_forever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            await self.check()

    async def check(self) -> None:
        """Close the socket when its login, its person or their right to be here has ended."""
        store = import_module(settings.SESSION_ENGINE).SessionStore(self.scope["session"].session_key)
        user = await get_user({"session": store})
        if not user.is_authenticated or not user.is_active or user.pk != self.user.pk:
            await self.shut(NOT_SIGNED_IN)
            return
        self.user = user
        if code := await self.still_allowed():
            await self.shut(code)
