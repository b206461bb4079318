"""Two people in the real room pages, each on a line of their own to the relay."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any

from tests.browser.pages import Call
from tests.browser.people import Person, eventually
from tests.browser.test_relays import ACCEPTED
from tests.net.line import CLEAR
from tests.net.proxy import Proxy
from tests.platform.site import Site
from tests.relay.browser import Background

DOCTOR, EXPERT = "doctor.nitun", "expert.provincial"
# The page takes the answer's candidates; this puts the person's line in their place.
THROUGH = """
const take = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  const known = /(a=candidate:\\S+ 1 udp \\d+) \\S+ \\d+ typ host/g;
  const sdp = description.sdp.replace(known, "$1 127.0.0.1 PORT typ host");
  return take.call(this, {type: description.type, sdp});
};
"""


def joined(site: Site, doctor: Person, expert: Person) -> tuple[Call, Call]:
    """Both in the room of the demo's accepted consultation; they see and hear each other."""
    found = re.search(r"room (\d+)", site.manage("shell", "-c", ACCEPTED))
    assert found
    calls = Call(doctor, int(found[1])), Call(expert, int(found[1]))
    for call in calls:
        call.person.go(f"/consultations/{call.number}/room/")
        call.join()
    calls[0].sees_and_hears(EXPERT)
    calls[1].sees_and_hears(DOCTOR)
    return calls


class Lines:
    """The two people's proxies, in a loop of their own."""

    def __init__(self, background: Background, relay_port: int) -> None:
        self._background = background
        self.of = {name: self._run(self._make(relay_port, seed)) for seed, name in enumerate((DOCTOR, EXPERT))}

    async def _make(self, port: int, seed: int) -> Proxy:
        return Proxy(CLEAR, CLEAR, seed, ("127.0.0.1", port))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._background.run(coroutine)

    def change(self, name: str, act: Callable[[Proxy], None]) -> None:
        """Does something to one person's line, where it lives."""

        async def run() -> None:
            act(self.of[name])

        self._run(run())

    def use(self, person: Person) -> None:
        """Leads that person's media through their line."""
        person.context.add_init_script(THROUGH.replace("PORT", str(self.of[person.username].port)))

    def close(self) -> None:
        """Ends both."""

        async def run() -> None:
            for proxy in self.of.values():
                proxy.close()
            await asyncio.sleep(0)

        self._run(run())


def until_both_flow(here: Call, there: Call, seconds: float) -> float:
    """Waits until both see and hear the other again from now on; how long that took."""
    began = time.monotonic()
    # From one look to the next: the sums begin anew with every connection.
    last = [call.person.received() for call in (here, there)]
    flowed = 0

    def flows() -> bool:
        nonlocal last, flowed
        now = [call.person.received() for call in (here, there)]
        rises = all(b["frames"] > a["frames"] and b["energy"] > a["energy"] for a, b in zip(last, now, strict=True))
        last, flowed = now, flowed + 1 if rises else 0
        return flowed > 1

    eventually(flows, "both see and hear each other", seconds)
    return time.monotonic() - began
