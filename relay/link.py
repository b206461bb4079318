"""The WebSocket to the site: dials, says hello, takes commands, sends events. Knows nothing of media.

Calls go on while the site is away. What could not be said meanwhile is not kept: `hello` and a `room` event for
every room tell the site all it needs when it is back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from relay import protocol
from relay.protocol import BadMessage, Command
from relay.room import Refusal
from relay.tally import tally

log = logging.getLogger("relay.link")

MIN_BACKOFF, MAX_BACKOFF = 0.2, 2.0
QUEUE_SIZE = 1000
"""Messages the site may be behind. More, and the link is dialled anew: what it missed comes with hello."""

Message = dict[str, Any]


class Link:
    """See the module. `handle` answers a command or raises Refusal; `greet` gives the messages after connecting."""

    def __init__(
        self,
        url: str,
        secret: str,
        handle: Callable[[Command], Message],
        greet: Callable[[], Iterable[Message]],
    ) -> None:
        self._url, self._secret = url, secret
        self._handle, self._greet = handle, greet
        self._queue: asyncio.Queue[Message] | None = None
        self._overrun = asyncio.Event()

    @property
    def queued(self) -> int | None:
        """Messages waiting for the site; None while it is away."""
        return None if self._queue is None else self._queue.qsize()

    def send(self, message: Message) -> None:
        """Sends an event to the site, if it is there."""
        if self._queue is None:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._overrun.set()

    async def run(self) -> None:
        """Keeps the link up until cancelled."""
        backoff, away = MIN_BACKOFF, False
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._secret}"},
                    max_size=protocol.MAX_MESSAGE,
                    compression=None,
                    proxy=None,
                    open_timeout=5,
                    close_timeout=1,
                    ping_interval=5,
                    ping_timeout=10,
                ) as socket:
                    log.info("site connected")
                    backoff, away = MIN_BACKOFF, False
                    await self._talk(socket)
                    log.warning("site closed the link: %s", socket.close_code)
            except (OSError, TimeoutError, WebSocketException) as error:
                if not away:
                    log.warning("site not reachable, calls go on: %s", error)
                away = True
            except Exception:
                # Whatever the other end made the library do, calls must not end for it.
                log.exception("link failed")
            # Spread the relays that lost the same site at the same moment.
            await asyncio.sleep(backoff * (0.75 + secrets.randbelow(500) / 1000))
            backoff = min(backoff * 2, MAX_BACKOFF)

    async def _talk(self, socket: ClientConnection) -> None:
        queue = self._queue = asyncio.Queue(QUEUE_SIZE)
        self._overrun.clear()
        tasks = [
            asyncio.create_task(self._read(socket)),
            asyncio.create_task(self._write(socket, queue)),
            asyncio.create_task(self._overrun.wait()),
        ]
        try:
            for message in self._greet():
                self.send(message)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._queue = None
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close(1001)
        for outcome in ended:
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketException | OSError):
                log.error("link broke off", exc_info=outcome)

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            answer = self.answer(text)
            if answer is not None:
                self.send(answer)

    async def _write(self, socket: ClientConnection, queue: asyncio.Queue[Message]) -> None:
        while True:
            message = await queue.get()
            await socket.send(json.dumps(message, separators=(",", ":"), ensure_ascii=False))

    def answer(self, text: str | bytes) -> Message | None:
        """The answer to one message of the site; None when it cannot be told whom to answer."""
        try:
            request, command = protocol.parse(text)
        except BadMessage as error:
            log.warning("unreadable command (%d characters): %s", len(text), error)
            return _refused(error.reply_to, error.code, str(error)) if error.reply_to is not None else None
        try:
            return {"re": request, "ok": True, **self._handle(command)}
        except Refusal as refusal:
            tally.refusals += 1
            log.info("%s refused: %s", command.t, refusal.message)
            return _refused(request, refusal.code, refusal.message)
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("command %s failed, incident %s", command.t, incident)
            return _refused(request, "internal", f"the relay failed, incident {incident}")


def _refused(request: object, code: str, message: str) -> Message:
    return {"re": request, "ok": False, "code": code, "message": message}
