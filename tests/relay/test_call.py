"""Stock aiortc clients talk to each other through a relay process."""

from __future__ import annotations

import pytest

from tests.relay.clients import Client, tracks_of
from tests.relay.conftest import Stage

pytestmark = pytest.mark.slow


async def test_two_clients_see_and_hear_each_other(stage: Stage) -> None:
    ann, ben = Client(stage.site, "room"), Client(stage.site, "room")
    try:
        assert (await ann.join())["fresh"] is True
        assert (await ben.join())["tracks"] == []
        await ann.publish()
        await ben.publish()
        tracks = await tracks_of(stage.site, "room", 4)
        for client in (ann, ben):
            others = [track for track in tracks if track["peer"] != client.peer]
            assert [(t["kind"], t["source"]) for t in others] == [("audio", "mic"), ("video", "camera")]
            await client.subscribe(others)
        for client in (ann, ben):
            for received in client.received.values():
                await received.more(20)
    finally:
        print("\n".join(stage.relay.log))
        await ann.close()
        await ben.close()
