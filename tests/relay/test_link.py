"""The site's end misbehaves, goes away and comes back; so does the relay."""

from __future__ import annotations

import json
import signal

import pytest

from relay.bench.process import running_relay
from relay.bench.site import RefusedByRelay, SiteEnd, site_end
from tests.relay.clients import Client, eventually, tracks_of
from tests.relay.conftest import SECRET, Stage

pytestmark = pytest.mark.slow


async def test_nonsense_is_answered_or_logged_and_changes_nothing(stage: Stage) -> None:
    ann = Client(stage.site, "room")
    await ann.join()
    await ann.publish()
    for text in ("", "{", "[]", '"x"', '{"t": "join"}', "\x00", "[" * 50_000, b"\xff\xfe"):
        await stage.site.send_raw(text)
    await stage.site.send_raw('{"id": 900, "t": "explode"}')
    await stage.site.send_raw(json.dumps({"id": 901, "t": "offer", "room": "room", "peer": 5, "pc": {}, "sdp": []}))
    await eventually(lambda: len(stage.site.unsolicited) == 2)
    assert [(m["re"], m["ok"], m["code"]) for m in stage.site.unsolicited] == [
        (900, False, "unknown_command"),
        (901, False, "bad_message"),
    ]
    assert (await ann.join())["fresh"] is False
    assert not any("Traceback" in line for line in stage.relay.log)
    await ann.close()


async def test_refusals_have_codes(stage: Stage) -> None:
    ask = stage.site.ask
    with pytest.raises(RefusedByRelay, match="unknown_room"):
        await ask("offer", room="none", peer="ann", pc="pub", sdp="v=0", tracks=[])
    await ask("join", room="room", peer="ann", username="x", mic=True, cam=True)
    with pytest.raises(RefusedByRelay, match="unknown_peer"):
        await ask("offer", room="room", peer="ben", pc="pub", sdp="v=0", tracks=[])
    with pytest.raises(RefusedByRelay, match="bad_offer"):
        await ask("offer", room="room", peer="ann", pc="pub", sdp="nonsense", tracks=[])
    for number in range(7):
        await ask("join", room="room", peer=f"peer-{number}", username="x", mic=True, cam=True)
    with pytest.raises(RefusedByRelay, match="room_full"):
        await ask("join", room="room", peer="ninth", username="x", mic=True, cam=True)


async def test_state_leave_and_close_are_told(stage: Stage) -> None:
    ask = stage.site.ask
    for peer in ("ann", "ben"):
        await ask("join", room="room", peer=peer, username=peer, mic=True, cam=False)
    shown = {"mic": False, "cam": True, "screen": True, "clinical": "document", "stethoscope": True}
    nothing = {"screen": False, "clinical": "", "stethoscope": False}
    await ask("state", room="room", peer="ann", **shown)
    assert stage.site.events[-1] == {
        "t": "room",
        "room": "room",
        "peers": [
            {"peer": "ann", "username": "ann", **shown},
            {"peer": "ben", "username": "ben", "mic": True, "cam": False, **nothing},
        ],
        "tracks": [],
        "paused": {},
    }
    await ask("leave", room="room", peer="ann")
    assert await stage.site.event("gone", peer="ann") == {
        "t": "gone", "room": "room", "peer": "ann", "reason": "left",
    }  # fmt: skip
    await ask("leave", room="room", peer="ann")
    await ask("close", room="room")
    assert (await stage.site.event("gone", peer="ben"))["reason"] == "left"
    assert (await ask("join", room="room", peer="ann", username="ann", mic=True, cam=True))["fresh"] is True


async def test_the_call_goes_on_without_the_site_and_is_told_when_it_is_back() -> None:
    site = SiteEnd(SECRET)
    port = await site.start()
    async with running_relay(port, SECRET):
        ann, ben = Client(site, "room", "ann"), Client(site, "room", "ben")
        for client in (ann, ben):
            await client.join()
        await ann.publish()
        await ben.subscribe(await tracks_of(site, "room", 2))
        for received in ben.received.values():
            await received.more(5)
        await site.stop()
        for received in ben.received.values():
            await received.more(20)
        again = SiteEnd(SECRET)
        await again.start(port)
        hello = await again.connected()
        assert {p["peer"] for p in hello["rooms"]["room"]} == {"ann", "ben"}
        tracks = (await again.event("room", room="room"))["tracks"]
        assert [(t["peer"], t["source"]) for t in tracks] == [("ann", "mic"), ("ann", "camera")]
        ann.site = again
        assert (await ann.join())["fresh"] is False
        await ann.close()
        await ben.close()
        await again.stop()


async def test_a_killed_relay_comes_back_and_takes_new_connections() -> None:
    async with site_end(SECRET) as (site, port), running_relay(port, SECRET) as relay:
        ann = Client(site, "room", "ann")
        await ann.join()
        await ann.publish()
        await relay.stop(signal.SIGKILL)
        site.events.clear()
        await eventually(lambda: not site.is_connected)
        await relay.start()
        await site.connected()
        replaced, ben = Client(site, "room", "ann"), Client(site, "room", "ben")
        assert (await replaced.join())["fresh"] is True
        await replaced.publish()
        await ben.join()
        await ben.subscribe(await tracks_of(site, "room", 2))
        for received in ben.received.values():
            await received.more(5)
        for client in (ann, replaced, ben):
            await client.close()
