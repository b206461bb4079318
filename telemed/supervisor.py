"""Keeps the processes of `manage.py serve` alive: starts, restarts with backoff, prefixes their lines, ends them all.

Knows nothing of what the children do. When the supervisor itself is killed the kernel ends its children.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
FIRST_DELAY = 0.2
LAST_DELAY = 5.0
STEADY_SECONDS = 30  # alive for so long: the next end counts as the first again
PORT_TRIES = 5
STOP_SECONDS = 10
LINE_BYTES = 64 * 1024
PORT_IN_USE = "already in use"

_libc = ctypes.CDLL(None, use_errno=True)


class GaveUp(Exception):
    """A child cannot run here; the message says why and what to do."""


@dataclass
class Child:
    """A command line, its whole environment and the descriptors it inherits; `port` is named when it is taken.

    `stop` is the signal that ends it when all end.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    port: str = ""
    pass_fds: tuple[int, ...] = ()
    stop: signal.Signals = signal.SIGTERM
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    port_conflicts: int = field(default=0, init=False)


def die_with_parent() -> None:
    """In the child, before it becomes the program: be killed by the kernel when the supervisor is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<8}| {line}\n")
    sys.stdout.flush()


class Supervisor:
    """Runs `children` until SIGINT, SIGTERM or GaveUp."""

    def __init__(self, children: list[Child]) -> None:
        self.children = children
        self._ending = asyncio.Event()

    async def run(self, beside: Callable[[], Coroutine[None, None, None]] | None = None) -> None:
        """Keep every child running; `beside` runs once next to them. Raises GaveUp."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        tasks = [asyncio.create_task(self._keep(child)) for child in self.children]
        extra = asyncio.create_task(beside()) if beside else None
        end = asyncio.create_task(self._ending.wait())
        try:
            done, _ = await asyncio.wait([*tasks, end], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending.set()
            for task in [end, *([extra] if extra else [])]:
                task.cancel()
            await self._end_all()
            await asyncio.gather(*tasks, *([extra] if extra else []), return_exceptions=True)
        for task in done & set(tasks):
            task.result()

    async def _keep(self, child: Child) -> None:
        delay = FIRST_DELAY
        while not self._ending.is_set():
            began = time.monotonic()
            code = await self._once(child)
            if self._ending.is_set():
                return
            if time.monotonic() - began > STEADY_SECONDS:
                delay, child.port_conflicts = FIRST_DELAY, 0
            if child.port_conflicts >= PORT_TRIES:
                raise GaveUp(f"{child.name}: {child.port} is in use by another program.")
            say("serve", f"{child.name} ended ({_how(code)}), started again in {delay:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), delay)
            delay = min(LAST_DELAY, delay * 2)

    async def _once(self, child: Child) -> int:
        """Start the child, pass its lines on until it ends, answer its exit code."""
        child.process = await asyncio.create_subprocess_exec(
            *child.argv,
            env=child.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
            pass_fds=child.pass_fds,
            limit=LINE_BYTES,
        )
        say("serve", f"{child.name} started, process {child.process.pid}")
        if self._ending.is_set():  # asked to end while it was being started
            child.process.terminate()
        if child.process.stdout is not None and await self._pass_on(child.name, child.process.stdout):
            child.port_conflicts += 1
        return await child.process.wait()

    async def _pass_on(self, name: str, lines: asyncio.StreamReader) -> bool:
        """Print a child's lines under its name; True when one of them says that its port is taken."""
        taken = False
        while True:
            try:
                raw = await lines.readline()
            except ValueError:  # a line longer than LINE_BYTES: asyncio has dropped it
                say(name, "(a line too long to show)")
                continue
            if not raw:
                return taken
            line = raw.decode(errors="replace").rstrip()
            taken = taken or PORT_IN_USE in line.lower()
            say(name, line)

    async def _end_all(self) -> None:
        """Each child's own signal, up to STOP_SECONDS of patience, then SIGKILL for whole sessions."""
        running = []
        for child in self.children:
            if child.process is not None and child.process.returncode is None:
                running.append(child.process)
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(child.stop)
        if running:
            await asyncio.wait([asyncio.create_task(p.wait()) for p in running], timeout=STOP_SECONDS + 1)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
