"""Two cameras in three sizes each, from one Chromium to another: switches, pauses, nothing broken on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from relay.bench.process import running_relay
from relay.bench.site import site_end
from tests.relay.browser import Background, BrowserStage, Guest, chromium, served_page, until
from tests.relay.conftest import SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage() -> Iterator[BrowserStage]:
    background = Background()
    stack = contextlib.AsyncExitStack()
    try:
        site, port = background.run(stack.enter_async_context(site_end(SECRET)))
        relay = background.run(stack.enter_async_context(running_relay(port, SECRET)))
        background.run(site.connected())
        with chromium() as browser, served_page() as url:
            yield BrowserStage(background, site, relay, browser, url)
    finally:
        background.run(stack.aclose())
        background.stop()


def received(guest: Guest) -> list[dict[str, Any]]:
    return guest.stats("sub", "inbound-rtp", "video")


def heights(guest: Guest) -> list[int]:
    return [entry.get("frameHeight", 0) for entry in received(guest)]


def test_two_cameras_in_three_sizes_switch_without_a_broken_picture(stage: BrowserStage) -> None:
    ann, ben = stage.guest("sizes", "ann"), stage.guest("sizes", "ben")
    for guest in (ann, ben):
        guest.join()
    ann.publish_layers(["camera", "clinical"])
    want = ben.subscribe(stage.tracks("sizes", 2, besides="ben"))
    first, second = want["0"], want["1"]
    until(lambda: heights(ben) == [540, 540], within=40)
    before = received(ben)
    for shown in [(135, 540), (270, 135), (540, 270), (135, 540)]:
        ben.ask("show", heights=dict(zip((first, second), shown, strict=True)))
        until(lambda shown=shown: heights(ben) == list(shown))  # type: ignore[misc]
    for then, now in zip(before, received(ben), strict=True):
        # A decoder that cannot go on asks for a keyframe; numbers with a hole would have been asked for again.
        asked = [now[name] - then[name] for name in ("pliCount", "firCount", "nackCount", "packetsLost")]
        assert asked == [0, 0, 0, 0]
        assert now["keyFramesDecoded"] - then["keyFramesDecoded"] >= 3
        assert now["framesReceived"] - now["framesDecoded"] - now["framesDropped"] <= 5


def test_what_is_not_shown_is_not_sent(stage: BrowserStage) -> None:
    ann, ben = stage.guest("unseen", "ann"), stage.guest("unseen", "ben")
    for guest in (ann, ben):
        guest.join()
    ann.publish_layers(["camera", "clinical"])
    want = ben.subscribe(stage.tracks("unseen", 2, besides="ben"))
    until(lambda: len(heights(ben)) == 2 and min(heights(ben)) > 0)
    ben.ask("show", heights={want["0"]: 0, want["1"]: 135})
    until(lambda: heights(ben)[1] == 135)
    before = received(ben)
    until(lambda: received(ben)[1]["framesDecoded"] > before[1]["framesDecoded"] + 30)
    assert received(ben)[0]["packetsReceived"] == before[0]["packetsReceived"]
    ben.ask("show", heights={want["0"]: 135, want["1"]: 135})
    until(lambda: received(ben)[0]["framesDecoded"] > before[0]["framesDecoded"] + 10)
    assert heights(ben) == [135, 135]


def watches_h264(guest: Guest, tracks: list[dict[str, str]]) -> None:
    """This one can show nothing else."""
    offered = guest.page.evaluate("tracks => subscribe(tracks)", tracks)
    guest.page.evaluate("onlyCodec('sub', 'video/H264')")
    guest.negotiate("sub", guest.page.evaluate("renew('sub')"), want=offered["want"])


def comes_as(guest: Guest, codec: str) -> None:
    """The picture is of this codec, and moves."""
    until(lambda: guest.page.evaluate("codecsOf('sub')") == [f"video/{codec}"], within=40)
    frames = guest.frames()[0]
    until(lambda: guest.frames()[0] > frames + 20, within=40)


def times_asked(stage: BrowserStage, room: str) -> int:
    return len([e for e in stage.site.events if e["t"] == "renegotiate" and e["room"] == room])


def test_three_sizes_turn_to_h264_when_somebody_cannot_show_vp8(stage: BrowserStage) -> None:
    ann, ben, cat = (stage.guest("codecs", name) for name in ("ann", "ben", "cat"))
    for guest in (ann, ben, cat):
        guest.join()
    published = ann.publish_layers(["camera"])
    tracks = stage.tracks("codecs", 1, besides="ben")
    ben.subscribe(tracks)
    until(lambda: heights(ben) == [540], within=40)
    assert ben.page.evaluate("codecsOf('sub')") == ["video/VP8"]
    watches_h264(cat, tracks)
    until(lambda: times_asked(stage, "codecs") == 1)
    ann.negotiate("pub", ann.page.evaluate("renew('pub')"), tracks=published)
    for guest in (ben, cat):
        comes_as(guest, "H264")
    track = tracks[0]["id"]
    ben.ask("show", heights={track: 135})
    until(lambda: 0 < heights(ben)[0] < 140, within=40)  # H.264 has even heights only
    frames = cat.frames()[0]
    until(lambda: cat.frames()[0] > frames + 20, within=40)


@pytest.mark.lab
def test_pictures_are_vp8_again_when_nobody_needs_h264(stage: BrowserStage) -> None:
    ann, ben, cat = (stage.guest("back", name) for name in ("ann", "ben", "cat"))
    for guest in (ann, ben, cat):
        guest.join()
    published = ann.publish_layers(["camera"])
    tracks = stage.tracks("back", 1, besides="ben")
    ben.subscribe(tracks)
    watches_h264(cat, tracks)
    until(lambda: times_asked(stage, "back") == 1)
    ann.negotiate("pub", ann.page.evaluate("renew('pub')"), tracks=published)
    comes_as(ben, "H264")
    cat.ask("leave")
    until(lambda: times_asked(stage, "back") == 2, within=40)
    ann.negotiate("pub", ann.page.evaluate("renew('pub')"), tracks=published)
    comes_as(ben, "VP8")
    until(lambda: heights(ben) == [540], within=40)
