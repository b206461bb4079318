"""Starts a relay as a process of its own, for the load generator and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping

_LISTENING = re.compile(r"relay listening udp=(\d+)")


class RelayProcess:
    """`python -m relay` with its own environment; `log` collects what it says."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._port: asyncio.Future[int] | None = None
        self.log: list[str] = []
        self.port = 0

    @property
    def pid(self) -> int:
        """The process id."""
        if self._process is None:
            raise ProcessLookupError("the relay was not started")
        return self._process.pid

    async def start(self) -> int:
        """Starts it; the UDP port it listens on."""
        self._port = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "relay",
            env={**os.environ, "RELAY_PORT": "0", **self._env},
            stderr=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(15):
            self.port = await self._port
        return self.port

    async def stop(self, number: int = signal.SIGINT) -> int:
        """Sends a signal and waits for the end; the exit code."""
        if self._process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(5):
                code = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            code = await self._process.wait()
        if self._reader is not None:
            await self._reader
        return code

    async def _read(self) -> None:
        if self._process is None or self._process.stderr is None or self._port is None:
            return
        async for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            match = _LISTENING.search(line)
            if match and not self._port.done():
                self._port.set_result(int(match[1]))
        if not self._port.done():
            self._port.set_exception(RuntimeError("\n".join(self.log)))


@contextlib.asynccontextmanager
async def running_relay(site_port: int, secret: str, **env: str) -> AsyncIterator[RelayProcess]:
    """A relay that dials the site on `site_port`; stopped at the end."""
    url = f"ws://127.0.0.1:{site_port}/ws/relay/"
    relay = RelayProcess({"RELAY_SITE_URL": url, "RELAY_SECRET": secret, "RELAY_NAME": "bench", **env})
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
