"""GStreamer's `webrtcbin` as a participant: starts `webrtcbin.py` under Debian's Python, where its bindings are."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relay.bench.site import SiteEnd
from tests.relay.browser import Background

PYTHON = "/usr/bin/python3"
LIFETIME = 120
"""Seconds after which a participant is ended: one that hangs fails its test and not the whole run."""
PROGRAM = Path(__file__).with_name("webrtcbin.py")


class GStreamer:
    """A participant in a process of its own."""

    def __init__(
        self, process: subprocess.Popen[str], background: Background, site: SiteEnd, room: str, peer: str
    ) -> None:
        self._process, self._background, self._site = process, background, site
        self.room, self.peer = room, peer

    def join(self) -> None:
        self._ask("join", username="doctor", mic=True, cam=True)

    def publish(self) -> None:
        offered = self._do("publish")
        self._negotiate("pub", offered["sdp"], tracks=offered["tracks"])

    def subscribe(self, tracks: list[dict[str, str]]) -> None:
        offered = self._do("subscribe", tracks=tracks)
        self._negotiate("sub", offered["sdp"], want=offered["want"])

    def received(self) -> dict[str, Any]:
        """Pictures and audible sounds decoded so far, and how large the last picture was."""
        return self._do("received")

    def confirmed(self) -> int:
        """Packets it sent of which the relay's transport-wide feedback says that they arrived, in the last second."""
        return int(self._do("confirmed")["packets"])

    def _negotiate(self, pc: str, sdp: str, **fields: Any) -> None:
        answer = self._ask("offer", pc=pc, sdp=sdp, **fields)["sdp"]
        self._do("answer", pc=pc, sdp=answer)

    def _ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        return self._background.run(self._site.ask(kind, room=self.room, peer=self.peer, **fields))

    def _do(self, what: str, **fields: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": what, **fields}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the GStreamer participant ended; what it said is above"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def gstreamer(background: Background, site: SiteEnd, room: str, peer: str, codec: str) -> Iterator[GStreamer]:
    """Somebody with GStreamer who knows one video codec ("VP8", "H264") and has not joined."""
    pipe = subprocess.PIPE
    with subprocess.Popen([PYTHON, PROGRAM, codec], stdin=pipe, stdout=pipe, text=True) as process:
        limit = threading.Timer(LIFETIME, process.kill)
        limit.start()
        try:
            yield GStreamer(process, background, site, room, peer)
        finally:
            limit.cancel()
            process.kill()
