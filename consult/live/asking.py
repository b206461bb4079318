"""Asks the relay of a room, whichever process holds its link, and waits for the answer."""

import asyncio
import secrets
from typing import Any

from channels.exceptions import ChannelFull

from consult.live import linking

ANSWER_SECONDS = 5.0


class NoAnswer(Exception):
    """The relay did not answer: its link is dead or stuck."""


class RelayRefused(Exception):
    """The relay answered no; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Asker:
    """The requests of one room consumer, each matched to its answer by id."""

    def __init__(self, layer: Any, channel_name: str) -> None:
        self._layer, self._channel_name = layer, channel_name
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, relay_channel: str, t: str, **fields: Any) -> dict[str, Any]:
        """The relay's answer. Raises NoAnswer and RelayRefused."""
        ident = secrets.token_hex(8)
        answer = self._waiting[ident] = asyncio.get_running_loop().create_future()
        try:
            await self._send(relay_channel, ident, self._channel_name, t, fields)
            raw = await asyncio.wait_for(answer, ANSWER_SECONDS)
        except (TimeoutError, ChannelFull):
            raise NoAnswer from None
        finally:
            del self._waiting[ident]
        if not raw["ok"]:
            raise RelayRefused(str(raw.get("code", "")))
        answered: dict[str, Any] = raw
        return answered

    async def say(self, relay_channel: str, t: str, **fields: Any) -> None:
        """A request whose answer nobody waits for."""
        try:
            await self._send(relay_channel, secrets.token_hex(8), "", t, fields)
        except ChannelFull:
            raise NoAnswer from None

    async def _send(self, relay_channel: str, ident: str, reply_to: str, t: str, fields: dict[str, Any]) -> None:
        if set(fields) - set(linking.REQUESTS[t]):
            raise AssertionError(f"{t} takes {linking.REQUESTS[t]}, not {sorted(fields)}")
        event = {"type": "relay.ask", "id": ident, "reply_to": reply_to, "body": {"t": t, **fields}}
        await self._layer.send(relay_channel, event)

    def answered(self, event: dict[str, Any]) -> None:
        future = self._waiting.get(event["id"])
        if future and not future.done():
            future.set_result(event["answer"])
