"""A computer with two network interfaces: a network namespace of Linux, joined to this machine by two cables.

Needs root and iproute2. What happens to the cables is what happens to a laptop when one network goes and another comes:
link, address and default route.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SERVER = "198.18.9.1"
"""Where the computer finds this machine by either cable; 198.18.0.0/15 is for tests (RFC 2544)."""


@dataclass(frozen=True, slots=True)
class Cable:
    """`name` is the interface in the namespace, `far` the one here; `net` the first three bytes of its /24. Of two that
    are plugged in the one with the lower `metric` is used."""

    name: str
    far: str
    net: str
    metric: int


class Computer:
    """See the module. `lan` is plugged in at first, `mobile` is not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lan = Cable("lan", f"{name}-l", "198.18.1", 100)
        self.mobile = Cable("mobile", f"{name}-m", "198.18.2", 200)

    def make(self) -> None:
        """Creates it, connected by `lan`."""
        _ip("netns", "add", self.name)
        self._inside("link", "set", "lo", "up")
        for cable in (self.lan, self.mobile):
            _ip("link", "add", cable.far, "type", "veth", "peer", "name", cable.name, "netns", self.name)
            _ip("address", "add", f"{cable.net}.1/24", "dev", cable.far)
            _ip("link", "set", cable.far, "up")
        _ip("address", "add", f"{SERVER}/32", "dev", self.lan.far)
        self.plug(self.lan)

    def plug(self, cable: Cable) -> None:
        """The network on `cable` can be used."""
        self._inside("link", "set", cable.name, "up")
        self._inside("address", "add", f"{cable.net}.2/24", "dev", cable.name)
        self._inside("route", "add", "default", "via", f"{cable.net}.1", "metric", str(cable.metric))

    def pull(self, cable: Cable) -> None:
        """It is gone, with its address."""
        self._inside("address", "flush", "dev", cable.name)
        self._inside("link", "set", cable.name, "down")

    def program(self, path: str, folder: Path) -> str:
        """A program in `folder` that runs the one at `path` on this computer."""
        made = folder / f"{self.name}-{Path(path).name}"
        made.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {path} "$@"\n')
        made.chmod(0o700)
        return str(made)

    def remove(self) -> None:
        """The cables go with it, and the addresses here with the cables."""
        for words in (("link", self.lan.far), ("link", self.mobile.far), ("netns", self.name)):
            with suppress(subprocess.CalledProcessError):  # making it ended before this
                _ip(words[0], "delete", words[1])

    def _inside(self, *words: str) -> None:
        _ip("-netns", self.name, *words)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def computer() -> Iterator[Computer]:
    """One that is removed at the end."""
    if os.geteuid() != 0:
        raise PermissionError("only root makes network namespaces: run this test as root")
    made = Computer(f"tm{os.getpid()}")
    try:
        made.make()
        yield made
    finally:
        made.remove()
