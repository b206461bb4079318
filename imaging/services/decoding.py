"""Asks the limited child for pixels. At most `POOL` children, started on first use and replaced when they die."""

import atexit
import contextlib
import json
import logging
import os
import queue
import selectors
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

POOL = 2
PATIENCE = 45  # seconds: the child's own limits end it before

log = logging.getLogger(__name__)


class Undecodable(Exception):
    """The child refused: `code` is a Reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Child:
    """One decoder process and its two pipes. Not shared between threads at the same time."""

    def __init__(self) -> None:
        global _living
        self.is_silent = False
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-s", "-m", "imaging.services.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            env=environment,
            start_new_session=True,
        )
        _living += 1

    def ask(self, request: dict) -> dict | None:
        """The child's answer; None when it is dead or silent."""
        pipe_in, pipe_out = self.process.stdin, self.process.stdout
        assert pipe_in is not None  # noqa: S101
        assert pipe_out is not None  # noqa: S101
        try:
            pipe_in.write(json.dumps(request).encode() + b"\n")
            pipe_in.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as ready:
            ready.register(pipe_out, selectors.EVENT_READ)
            if not ready.select(PATIENCE):
                self.is_silent = True
                return None
        line = pipe_out.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def end(self) -> None:
        global _living
        _living -= 1
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):  # what was written to a dead child
                    pipe.close()


_living = 0  # a wrong count costs a slower first file, no more
_idle: queue.LifoQueue[Child] = queue.LifoQueue()
_slots = threading.BoundedSemaphore(POOL)


def decode(*, kind: str, source: Path, into: Path, **more: int) -> dict:
    """Facts of the file at `source`; pixels below `into`. `more` is what the kind asks for. Raises Undecodable."""
    request = {"id": into.name, "kind": kind, "source": str(source), "into": str(into), "more": more}
    with _slots:
        answer = _answer(request)
    if answer is None:
        raise Undecodable("took_too_long")
    if "refused" in answer:
        if trace := answer.get("trace"):
            log.warning("decoder: %s", trace)
        raise Undecodable(answer["refused"])
    return answer["facts"]


def _answer(request: dict) -> dict | None:
    """One retry with a fresh child: an idle one may have died since."""
    for _ in range(2):
        try:
            child = _idle.get_nowait()
        except queue.Empty:
            child = Child()
        answer = child.ask(request)
        if answer is not None and answer.get("id") == request["id"]:
            _idle.put(child)
            return answer
        child.end()
        if child.is_silent:
            return None
    return None


def warm_up() -> None:
    """Start one child ahead of the first file."""
    if _living <= 0:
        _idle.put(Child())


@atexit.register
def _end_all() -> None:
    while not _idle.empty():
        _idle.get_nowait().end()


def process_ids() -> list[int]:
    """Of the idle children; for tests and health."""
    return [child.process.pid for child in list(_idle.queue)]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _idle.queue.clear())
