"""Carries the logs of recordings to the site, piece by piece, and removes what the site has kept. Reads no log.

A log is only appended to, so the site has a prefix of it and says how long that is: whoever died, both go on there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

log = logging.getLogger("relay.upload")

POLL = 0.5
"""Seconds between two looks for something to send."""
MAX_BACKOFF = 5.0
PIECE = 48 * 1024
"""Bytes of one message: the site takes 64 KiB."""
ANSWER_SECONDS = 20.0
HEAD = struct.Struct("!32sQ")
"""Before every piece: the log's name (32 hexadecimal digits) and where in it the piece begins."""


class Refused(Exception):
    """The site said something that is no answer to the question."""


class Uploader:
    """See the module. `is_whole` says whether nothing more will be written to a log."""

    def __init__(self, url: str, secret: str, folder: Path, is_whole: Callable[[Path], bool]) -> None:
        self._url, self._secret, self._folder, self._is_whole = url, secret, folder, is_whole
        self._unknown: set[str] = set()

    async def run(self) -> None:
        """Carries logs until cancelled."""
        backoff = POLL
        while True:
            await asyncio.sleep(backoff)
            if not await asyncio.to_thread(self.logs):
                continue
            try:
                await self._carry()
                backoff = POLL
            except (OSError, TimeoutError, WebSocketException, Refused, ValueError) as error:
                log.warning("recordings wait for the site: %s", error)
                backoff = min(backoff * 2, MAX_BACKOFF)

    async def _carry(self) -> None:
        headers = {"Authorization": f"Bearer {self._secret}"}
        async with connect(self._url, additional_headers=headers, compression=None, proxy=None) as socket:
            while logs := await asyncio.to_thread(self.logs):
                for path in logs:
                    await self._send(socket, path)
                await asyncio.sleep(POLL)

    def logs(self) -> list[Path]:
        """Those the site does not have whole."""
        found = sorted(self._folder.glob("*.log")) if self._folder.is_dir() else []
        return [path for path in found if path.stem not in self._unknown]

    async def _send(self, socket: ClientConnection, path: Path) -> None:
        """Sends what the site does not have yet; a log that is whole and there is removed here."""
        whole, size = await asyncio.to_thread(lambda: (self._is_whole(path), path.stat().st_size))
        offset = await self._ask(socket, path, {"t": "have", "log": path.stem, "size": size, "whole": whole})
        while offset is not None and offset < size:
            piece = await asyncio.to_thread(_read, path, offset)
            offset = await self._ask(socket, path, HEAD.pack(path.stem.encode(), offset) + piece)
        if whole and offset == size:
            await self._ask(socket, path, {"t": "have", "log": path.stem, "size": size, "whole": True})

    async def _ask(self, socket: ClientConnection, path: Path, message: dict[str, object] | bytes) -> int | None:
        """How many bytes the site has; None when this log is no longer ours to send."""
        await socket.send(message if isinstance(message, bytes) else json.dumps(message))
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = json.loads(await socket.recv())
        kind = answer.get("t") if isinstance(answer, dict) and answer.get("log") == path.stem else None
        if kind == "at" and isinstance(answer["offset"], int):
            return int(answer["offset"])
        if kind == "kept":
            await asyncio.to_thread(path.unlink, missing_ok=True)
        elif kind == "unknown":
            log.error("the site knows nothing of recording %s: it stays here", path.stem)
            self._unknown.add(path.stem)
        else:
            raise Refused("the answer is not understood")
        return None


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE)
