"""Socket addresses that do not exist are closed, not a traceback."""

from channels.generic.websocket import AsyncWebsocketConsumer


class Nowhere(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.close(4404)
