"""GStreamer's `webrtcbin` and Chromium through the relay: a stack that shares no code with a browser's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.bench import machine
from tests.relay.browser import BrowserStage, browser_stage, until
from tests.relay.gstreamer import gstreamer
from tests.relay.test_chromium import sees_and_hears

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage() -> Iterator[BrowserStage]:
    """libnice leaves loopback out of its candidates."""
    with browser_stage(RELAY_PUBLIC_ADDRESS=machine.own_address()) as stage:
        yield stage


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_chromium_and_gstreamer_see_and_hear_each_other(stage: BrowserStage, codec: str) -> None:
    """Who knows H.264 only turns Chromium's VP8 into it. Decoded at both ends; the relay's feedback is understood."""
    room = f"mixed-{codec}"
    with gstreamer(stage.background, stage.site, room, "gus", codec) as gus:
        ann = stage.guest(room, "ann")
        for guest in (ann, gus):
            guest.join()
        published = ann.publish()
        gus.publish()
        for guest in (ann, gus):
            guest.subscribe(stage.tracks(room, 4, besides=guest.peer))
        if codec == "H264":
            stage.background.run(stage.site.event("renegotiate", room=room, peer="ann"))
            ann.negotiate("pub", ann.page.evaluate("renew('pub')"), tracks=published)
        sees_and_hears(ann)
        before = gus.received()
        until(lambda: gus.received()["frames"] > before["frames"] + 20)
        until(lambda: gus.received()["sounds"] > before["sounds"] + 5)
        assert gus.received()["size"] == [640, 480]
        until(lambda: gus.confirmed() > 0)
        assert f"video/{codec}" in ann.page.evaluate("codecsOf('sub')")
