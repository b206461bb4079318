"""What a call is for: ultrasound, stethoscope, a camera moved from afar, a still at its source. One call."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Playwright

from tests.browser.pages import Call
from tests.browser.people import eventually, profiles
from tests.browser.test_device_check import ACCEPTED
from tests.platform.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.lab]
Pair = tuple[Call, Call]
FLOWING = """async (source) => {
  const sum = {bytes: 0, channels: 0};
  for (const pc of window.connections) {
    if (pc.connectionState === "closed") continue;
    for (const transceiver of pc.getTransceivers()) {
      if (transceiver.sender.track?.label !== source) continue;
      for (const row of (await transceiver.sender.getStats()).values()) {
        if (row.type === "outbound-rtp") sum.bytes += row.bytesSent;
        if (row.type === "codec") sum.sdp = row.sdpFmtpLine;
      }
      sum.settings = transceiver.sender.track.getSettings();
      sum.hint = transceiver.sender.track.contentHint;
    }
  }
  return sum;
}"""
LEFT_IN_QUALITY = """
import json
from consult.models import CallQuality
rows = CallQuality.objects.order_by("seconds").values_list("person__username", "seconds", "down_kbps", "relay_packets")
print("kept", json.dumps(list(rows)))
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running
        print(running.log()[-4000:])


@pytest.fixture(scope="module")
def number(site: Site) -> int:
    """The consultation all of it happens in."""
    found = re.search(r"room (\d+)", site.manage("shell", "-c", ACCEPTED))
    assert found
    return int(found[1])


@pytest.fixture(scope="module")
def pair(site: Site, number: int, playwright_engine: Playwright) -> Iterator[Pair]:
    """Nitun with three cameras, two of them in use, and a stethoscope; the specialist with an ordinary computer."""
    with profiles(playwright_engine) as meet:
        doctor = meet("doctor.nitun", site.url, cameras=3)
        # A picture comes as large as it is shown: 1080 lines only on a screen that has room for them.
        expert = meet("expert.provincial", site.url, viewport={"width": 1920, "height": 1200})
        doctor.let_move_camera()
        here, there = Call(doctor, number), Call(expert, number)
        here.check_devices()
        check = here.page.locator("[data-row=clinical]")
        check.locator("select[data-device]").select_option(label="fake_device_2")
        check.locator("[data-clinical-kind]").select_option("ultrasound")
        here.page.locator("[data-row=stethoscope] select").select_option(label="Fake Audio Input 2")
        for row in ("clinical", "stethoscope"):
            eventually(here.page.locator(f"[data-row={row}].check-good").is_visible, f"{row} works")
        here.person.shot("device-check-clinical")
        here.join()
        there.check_devices()
        there.join()
        yield here, there
        assert (doctor.complaints, expert.complaints) == ([], [])


def tile(call: Call, username: str, source: str) -> Locator:
    return call.page.locator(f"[data-tile='{username}'][data-source='{source}']")


def sent(call: Call, device: str) -> dict[str, Any]:
    """What goes out of that device: bytes, its codec's parameters, its settings."""
    return dict(call.page.evaluate(FLOWING, device))


def ended(video: Locator) -> None:
    """What the browser tells when the device is pulled out, or sharing is ended in its own bar."""
    video.evaluate(
        "node => {const [track] = node.srcObject.getTracks(); track.stop(); track.dispatchEvent(new Event('ended'))}"
    )


def test_second_camera_and_stethoscope_reach_the_other_side(pair: Pair) -> None:
    here, there = pair
    ultrasound = tile(there, "doctor.nitun", "clinical")
    eventually(lambda: ultrasound.count() and ultrasound.locator("video").evaluate("n => n.videoWidth"), "its picture")
    assert there.page.locator("[data-stage-main] [data-source]").get_attribute("data-source") == "clinical"
    assert "Ultrasound" in ultrasound.inner_text()
    # Two processors encode six pictures and decode four here: the browser's own estimate takes its time.
    eventually(lambda: ultrasound.locator("video").evaluate("n => n.videoWidth") == 1920, "1080p", 90)
    assert sent(here, "fake_device_2")["hint"] == "detail"
    sound = sent(here, "Fake Audio Input 2")
    processing = [sound["settings"][name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")]
    assert (processing, sound["settings"]["channelCount"]) == ([False] * 3, 2)
    assert ("stereo=1" in sound["sdp"], "maxaveragebitrate=128000" in sound["sdp"], "dtx" in sound["sdp"]) == (
        True,
        True,
        False,
    )
    line = there.page.locator("[data-listening='doctor.nitun']")
    eventually(lambda: line.locator("meter").evaluate("node => node.value > 0.1"), "its level moves at the listener")
    line.locator("input").fill("30")
    volumes = "node => [...node.querySelectorAll('audio')].map(each => Math.round(each.volume * 100)).sort()"
    assert there.page.locator("[data-sound]").evaluate(volumes) == [100, 30]  # as text
    own = here.page.locator("[data-stethoscope]")
    own.locator("[data-hint] button").click()  # the hint: mute the microphone meanwhile
    eventually(tile(there, "doctor.nitun", "camera").locator(".tile-muted-mark").is_visible, "the microphone is muted")
    there.person.shot("room-clinical")
    own.locator("[data-stop]").click()
    eventually(lambda: line.count() == 0, "the stethoscope has ended")
    here.page.keyboard.press("m")


def test_the_far_camera_is_moved_only_with_consent(pair: Pair) -> None:
    here, there = pair
    settings = "n => {const s = n.srcObject.getVideoTracks()[0].getSettings(); return [s.pan, s.tilt, s.zoom]}"
    own = here.page.locator("video[data-own=camera]")
    asked, pad = here.page.locator("[data-notice=mount]"), there.page.locator(".far-pad")
    tile(there, "doctor.nitun", "camera").locator("[data-move]").click()
    asked.get_by_role("button", name="Refuse").click()
    eventually(lambda: "did not allow" in there.page.locator("[data-notice=far]").inner_text(), "refused in words")
    assert pad.count() == 0
    tile(there, "doctor.nitun", "camera").locator("[data-move]").click()
    asked.get_by_role("button", name="Allow").click()
    pad.wait_for()
    assert own.evaluate(settings) == [100, 100, 100]
    for step in ("right", "closer"):
        pad.locator(f"[data-step={step}]").evaluate("node => node.click()")
    eventually(lambda: own.evaluate(settings) == [124, 100, 124], "panned and zoomed by a step")
    here.person.shot("room-camera-lent")
    asked.get_by_role("button", name="Stop").click()
    eventually(lambda: pad.count() == 0, "taken back at once")


def test_a_still_is_taken_at_its_source_and_is_an_image_for_both(pair: Pair) -> None:
    here, there = pair
    tile(there, "doctor.nitun", "clinical").locator("[data-still]").click()
    arrived, told = (call.page.locator("[data-notice^=still]") for call in (there, here))
    eventually(lambda: "arrived" in arrived.first.inner_text(), "the still arrives")
    eventually(lambda: "takes a still" in told.first.inner_text() and told.locator("a").count(), "its owner sees it")
    for call in pair:
        call.tab("images")
        note = call.page.locator(".thumb-note")
        eventually(lambda note=note: note.count() == 1, "both see the image")
        assert ("Zhang Wenbo" in note.inner_text(), "Li Xiulan" in note.inner_text()) == (True, True)
    images = there.person.context.request.get(f"{there.person.url}/consultations/{there.number}/images/list/").json()
    assert [(image["width"], image["height"]) for image in images["images"] if image["still"]] == [(1920, 1080)]
    told.get_by_role("button", name="Remove").click()
    eventually(lambda: there.page.locator(".thumb-note").count() == 0, "its owner has removed it")


def test_a_screen_brings_its_sound_and_may_be_ended_in_the_browsers_own_bar(pair: Pair) -> None:
    here, there = pair
    before = there.page.locator("[data-sound] audio").count()
    here.page.keyboard.press("s")
    screen = tile(there, "doctor.nitun", "screen")
    eventually(lambda: screen.count() and screen.locator("video").evaluate("n => n.videoWidth > 0"), "the screen")
    eventually(lambda: there.page.locator("[data-sound] audio").count() == before + 1, "its sound")
    ended(here.page.locator("video[data-own=screen]"))
    here.person.sees("Screen sharing has ended.")
    eventually(lambda: screen.count() == 0, "gone for the other side")
    eventually(lambda: there.page.locator("[data-sound] audio").count() == before, "its sound too")


def test_a_camera_that_is_pulled_out_is_said_and_the_next_is_offered(pair: Pair) -> None:
    here, there = pair
    ended(here.page.locator("video[data-own=camera]"))
    banner = here.page.locator("[data-banner=camera]")
    assert "unplugged" in banner.inner_text()
    here.person.shot("room-camera-unplugged")
    off = tile(there, "doctor.nitun", "camera").locator(".tile-off")
    eventually(off.is_visible, "the other side sees that it is off")
    banner.get_by_role("button", name="Use fake_device_1").click()
    eventually(lambda: here.banner() == "", "it is in use")
    here.page.locator("[data-opens=device-dialog]").click()  # that one speaks no format of ours: plugged in again
    here.page.locator("#device-camera").select_option(label="fake_device_0")
    here.page.locator("#device-dialog [value=done]").click()
    there.sees_and_hears("doctor.nitun")
    eventually(lambda: here.banner() == "", "nothing is wrong any more")


def test_who_speaks_and_how_good_the_line_is(site: Site, pair: Pair) -> None:
    here, there = pair
    there.page.keyboard.press("m")  # both sound alike: who speaks already goes on speaking
    eventually(
        tile(there, "doctor.nitun", "camera").and_(there.page.locator(".tile-speaking")).is_visible, "she speaks"
    )
    tile(there, "doctor.nitun", "camera").locator("[data-quality]").click()
    box = there.page.locator("[data-quality-box]")
    eventually(lambda: "there and back" in box.inner_text(), "the details in words")
    there.person.shot("room-quality")
    for call in (there, here):
        call.leave()
    eventually(lambda: len(kept(site)) == 2 and all(row[3] for row in kept(site)), "kept for both, by page and relay")
    assert [row[0] for row in sorted(kept(site))] == ["doctor.nitun", "expert.provincial"]
    assert all(seconds > 0 and rate > 0 for _name, seconds, rate, _packets in kept(site))


def kept(site: Site) -> list[list[Any]]:
    found = re.search(r"kept (.*)", site.manage("shell", "-c", LEFT_IN_QUALITY))
    assert found
    return list(json.loads(found[1]))


def test_a_page_that_may_not_play_sound_asks_for_a_click(site: Site, number: int, meet: Callable[..., Any]) -> None:
    """The browser's rule against sound without a click, as a page feels it: `play` is refused until there was one."""
    doctor, expert = meet("doctor.nitun", site.url), meet("expert.provincial", site.url)
    expert.context.add_init_script(HOLD_BACK)
    calls = Call(doctor, number), Call(expert, number)
    for call in calls:
        call.check_devices()
        call.join()
    listen = expert.page.locator("[data-banner=listen] button")
    listen.wait_for()
    assert expert.page.locator("[data-sound]").evaluate(SILENT) is True
    listen.click()
    eventually(lambda: expert.page.locator("[data-sound]").evaluate(SILENT) is False, "heard after the click")
    eventually(lambda: calls[1].banner() == "", "the banner goes")


SILENT = "node => [...node.querySelectorAll('audio')].every(each => each.paused)"
HOLD_BACK = """
let clicked = false;
addEventListener("click", (event) => { if (event.target.closest("[data-banner=listen]")) clicked = true; }, true);
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  if (this.muted || clicked) return play.call(this);
  this.autoplay = false;
  this.pause();
  return Promise.reject(new DOMException("play() needs a click", "NotAllowedError"));
};
"""
