"""The check before the call: refused camera and microphone, a network that blocks video; joining works all the same."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.browser.pages import Call
from tests.browser.people import Person, eventually
from tests.platform.site import Site
from tests.platform.turn import SECRET, coturn

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ACCEPTED = """
from consult.models import Consultation
mine = Consultation.objects.filter(asker__username="doctor.nitun", expert__username="expert.provincial")
print("room", mine.filter(state="ACCEPTED").values_list("pk", flat=True)[0])
"""

# What kind of address this side of every connection that carries has.
LOCAL_KINDS = """async () => {
  const kinds = [];
  for (const pc of window.connections) {
    if (pc.connectionState !== "connected") continue;
    const rows = new Map((await pc.getStats()).entries());
    const chosen = [...rows.values()].find((row) => row.type === "transport").selectedCandidatePairId;
    kinds.push(rows.get(rows.get(chosen).localCandidateId).candidateType);
  }
  return kinds;
}"""


@pytest.fixture
def site() -> Iterator[Site]:
    with coturn() as turn, Site(TURN_URLS=turn.urls["tcp"], TURN_SECRET=SECRET) as running:
        yield running
        print(running.log()[-3000:])


def test_who_has_no_devices_is_told_why_and_sees_the_other_all_the_same(
    site: Site, meet: Callable[..., Person]
) -> None:
    found = re.search(r"room (\d+)", site.manage("shell", "-c", ACCEPTED))
    assert found
    doctor, expert = meet("doctor.nitun", site.url, devices=False), meet("expert.provincial", site.url)
    here, there = Call(doctor, int(found[1])), Call(expert, int(found[1]))

    doctor.go(f"/consultations/{here.number}/room/")
    marks = {name: doctor.page.locator(f"[data-row={name}]") for name in ("camera", "mic", "network")}
    eventually(lambda: marks["network"].get_attribute("class") == "check-good", "the way to the relay is found")
    for name in ("camera", "mic"):
        assert marks[name].get_attribute("class") == "check-bad"
        assert marks[name].locator("[data-help]").is_visible()
    assert doctor.page.locator(".check-ready-yes").count() == 0
    doctor.shot("device-check-blocked")
    here.join()

    there.check_devices()
    network = expert.page.locator("[data-row=network]")
    assert "directly by UDP" in network.inner_text()
    expert.page.get_by_label("My network blocks video").check()
    eventually(lambda: "through the TURN server by TCP" in network.inner_text(), "the way is named")
    expert.shot("device-check-turn")
    there.join()
    video = doctor.page.locator("video[data-participant='expert.provincial']")
    eventually(lambda: video.count() and video.evaluate("node => node.videoWidth > 0"), "the other's picture")
    before = doctor.received()
    eventually(lambda: doctor.received()["energy"] > before["energy"], "the other's voice")
    muted = expert.page.locator("[data-tile='doctor.nitun'] .tile-muted-mark")
    eventually(muted.is_visible, "the other side sees that they are muted")

    doctor.page.keyboard.press("m")  # asked for what is refused: says so in words, breaks nothing
    eventually(lambda: doctor.page.locator("[data-banner=mic]").is_visible(), "a banner says it")
    doctor.shot("room-without-devices")
    before = doctor.received()
    eventually(lambda: doctor.received()["frames"] > before["frames"], "the call goes on")
    assert set(expert.page.evaluate(LOCAL_KINDS)) == {"relay"}
    assert doctor.complaints == expert.complaints == []
