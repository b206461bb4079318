"""Three relays on one machine: one is drained, one is killed, and the call goes on."""

import re
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.browser.pages import Call, talking
from tests.browser.people import Person, eventually
from tests.platform.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]
LOST_SECONDS = 5.0  # without media when a relay is killed
GAP_SECONDS = 1.0  # of received media while a relay is drained
ACCEPTED = """
from consult.models import Consultation
mine = Consultation.objects.filter(asker__username="doctor.nitun", expert__username="expert.provincial")
print("room", mine.filter(state="ACCEPTED").values_list("pk", flat=True)[0])
"""
PLACED = "from consult.models import Placement; print('on', *Placement.objects.values_list('relay__name', flat=True))"
# The longest time without a new frame, and without a new packet of sound, over whichever connections there are.
WATCH_GAPS = """
window.gaps = {video: 0, audio: 0};
(async () => {
  const before = {video: -1, audio: -1}, at = {video: performance.now(), audio: performance.now()};
  for (;;) {
    const now = {video: 0, audio: 0};
    for (const pc of window.connections) {
      if (pc.connectionState === "closed") continue;
      for (const row of (await pc.getStats()).values()) {
        if (row.type !== "inbound-rtp") continue;
        const seen = row.kind === "video" ? row.framesDecoded : row.packetsReceived;
        window.counted = window.counted || new Map();
        const key = window.connections.indexOf(pc) + row.id;
        if (seen > (window.counted.get(key) || 0)) now[row.kind] = 1;
        window.counted.set(key, seen || 0);
      }
    }
    for (const kind of ["video", "audio"]) {
      if (now[kind]) at[kind] = performance.now();
      window.gaps[kind] = Math.max(window.gaps[kind], (performance.now() - at[kind]) / 1000);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
})();
0
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(RELAYS="3", RELAY_PORT="0") as running:
        yield running
        print(running.log()[-6000:])


@pytest.fixture
def pair(site: Site, meet: Callable[..., Person]) -> tuple[Call, Call]:
    """Two people in a call."""
    return talking(meet("doctor.nitun", site.url), meet("expert.provincial", site.url), accepted(site))


def accepted(site: Site) -> int:
    """The number of a consultation of the demo whose call may begin."""
    found = re.search(r"room (\d+)", site.manage("shell", "-c", ACCEPTED))
    assert found
    return int(found[1])


def placed(site: Site) -> str:
    """The name of the relay the room lives on."""
    return site.python(PLACED).removeprefix("on ")


def process_of(site: Site, name: str) -> int:
    found = [pid for pid in site.pids()["relay"] if psutil.Process(pid).environ()["RELAY_NAME"] == name]
    assert len(found) == 1
    return found[0]


def test_a_drained_relay_drops_nobody_and_a_killed_one_is_replaced(site: Site, pair: tuple[Call, Call]) -> None:
    here, there = pair
    first = placed(site)
    for call in pair:
        call.page.evaluate(WATCH_GAPS)
    assert "draining" in site.manage("relays", "drain", first)
    second = eventually(lambda: (now := placed(site)) != first and now, "the room has moved")
    eventually(lambda: _live_connections(here) == _live_connections(there) == 2, "the old connections are closed")
    gaps = [call.page.evaluate("window.gaps") for call in pair]
    print("longest gaps while drained:", gaps)
    assert max(gap for each in gaps for gap in each.values()) < GAP_SECONDS
    for call, other in ((here, "expert.provincial"), (there, "doctor.nitun")):
        call.sees_and_hears(other)
        assert call.banner() == ""
        assert call.page.locator(f"[data-tile='{other}']").count() == 1

    psutil.Process(process_of(site, second)).kill()
    eventually(lambda: placed(site) not in {first, second}, "the room is neither where it was drained nor killed")
    here.sees_and_hears("expert.provincial")
    there.sees_and_hears("doctor.nitun")
    gaps = [call.page.evaluate("window.gaps") for call in pair]
    print("longest gaps with the relay killed:", gaps)
    assert max(gap for each in gaps for gap in each.values()) < LOST_SECONDS


def _live_connections(call: Call) -> int:
    return int(call.page.evaluate("connections.filter((pc) => pc.connectionState !== 'closed').length"))
