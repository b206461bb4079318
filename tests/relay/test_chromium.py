"""Chromium through the relay, with itself and with stock aiortc clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiortc.mediastreams import VideoStreamTrack

from tests.relay.browser import BrowserStage, Guest, browser_stage, until
from tests.relay.clients import Client, Tone

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage() -> Iterator[BrowserStage]:
    with browser_stage() as stage:
        yield stage


def sees_and_hears(guest: Guest, people: int = 1) -> None:
    """The pictures of so many people move and their sound is heard, from now on."""
    until(lambda: len(guest.frames()) >= people and len(guest.energy()) >= people)
    frames, energy = guest.frames(), guest.energy()
    until(lambda: all(now > then + 10 for now, then in zip(guest.frames(), frames, strict=True)))
    until(lambda: all(now > then for now, then in zip(guest.energy(), energy, strict=True)))


def test_two_chromiums_see_and_hear_each_other(stage: BrowserStage) -> None:
    ann, ben = stage.guest("pair", "ann"), stage.guest("pair", "ben")
    for guest in (ann, ben):
        assert guest.join()["fresh"] is True
        guest.publish()
    for guest in (ann, ben):
        guest.subscribe(stage.tracks("pair", 4, besides=guest.peer))
    for guest in (ann, ben):
        sees_and_hears(guest)
    assert ann.join()["fresh"] is False


def test_chromium_and_aiortc_see_and_hear_each_other(stage: BrowserStage) -> None:
    ann = stage.guest("mixed", "ann")
    ann.join()
    ann.publish()
    ben = Client(stage.site, "mixed", "ben")

    async def enter() -> None:
        await ben.join()
        await ben.publish((Tone(), "mic"), (VideoStreamTrack(), "camera"))

    stage.background.run(enter())
    tracks = stage.tracks("mixed", 4, besides="ann")
    ann.subscribe(tracks)

    async def watch() -> int:
        await ben.subscribe(stage.tracks("mixed", 4, besides="ben"))
        for received in ben.received.values():
            await received.more(20)
        return max(received.loudest for received in ben.received.values())

    sees_and_hears(ann)
    assert stage.background.run(watch()) > 1000
    stage.background.run(ben.close())


def test_ice_restart_keeps_keys_and_media(stage: BrowserStage) -> None:
    ann, ben = stage.guest("restart", "ann"), stage.guest("restart", "ben")
    for guest in (ann, ben):
        guest.join()
    published = ann.publish()
    want = ben.subscribe(stage.tracks("restart", 2, besides="ben"))
    sees_and_hears(ben)
    handshakes = len([line for line in stage.relay.log if "restart/" in line and "dtls connected" in line])
    ann.restart("pub", tracks=published)
    ben.restart("sub", want=want)
    restarts = [line for line in stage.relay.log if "restart/" in line and "ice restart" in line]
    assert len(restarts) == 2
    until(lambda: len([line for line in stage.relay.log if "restart/" in line and "address" in line]) >= 4)
    sees_and_hears(ben)
    assert len([line for line in stage.relay.log if "restart/" in line and "dtls connected" in line]) == handshakes


def test_screen_shared_and_stopped_during_the_call(stage: BrowserStage) -> None:
    ann, ben = stage.guest("screen", "ann"), stage.guest("screen", "ben")
    for guest in (ann, ben):
        guest.join()
    published = ann.publish()
    want = ben.subscribe(stage.tracks("screen", 2, besides="ben"))
    sees_and_hears(ben)
    shared = ann.page.evaluate("share()")
    screen = [*published, {"mid": shared["mid"], "source": "screen"}]
    ann.negotiate("pub", shared["sdp"], tracks=screen)
    tracks = stage.tracks("screen", 3, besides="ben")
    want = ben.subscribe([track for track in tracks if track["source"] == "screen"], want)
    until(lambda: len(ben.frames()) == 2 and all(count > 10 for count in ben.frames()))
    ann.negotiate("pub", ann.page.evaluate("unshare()"), tracks=published)
    assert [t["source"] for t in stage.tracks("screen", 2, besides="ben")] == ["mic", "camera"]
    until(lambda: min(ben.frames()) > 0)
    camera = ben.frames()[0]
    until(lambda: ben.frames()[0] > camera + 10)


def test_full_rate_within_five_seconds(stage: BrowserStage) -> None:
    ann = stage.guest("rate", "ann")
    ann.join()
    ann.publish({"width": 1280, "height": 720})
    until(lambda: any(e.get("targetBitrate", 0) > 1_200_000 for e in ann.stats("pub", "outbound-rtp", "video")), 5)
