"""Fifty people enter one room in one second: a teaching round. One teacher is seen by all."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from relay.bench.canned import FRAMES_PER_SECOND, Profile
from relay.bench.load import Pacer
from relay.bench.party import Party
from relay.bench.process import running_relay
from relay.bench.site import site_end
from relay.dtls import Certificate
from tests.relay.clients import eventually, tracks_of
from tests.relay.conftest import SECRET

pytestmark = pytest.mark.slow
CROWD = 50


async def enter(party: Party, tracks: list[dict[str, str]]) -> float:
    """Joins and watches; seconds until the first packet of a picture."""
    began = time.monotonic()
    await party.join()
    await party.subscribe(tracks)
    video = next(party.sinks[track["id"]] for track in tracks if track["kind"] == "video")
    await eventually(lambda: video.received > 0, 30)
    return time.monotonic() - began


async def test_fifty_join_in_a_second_and_all_see_the_teacher() -> None:
    """A viewer's first picture is a keyframe: the relay sends none before one."""
    certificate = Certificate()
    async with site_end(SECRET) as (site, port), running_relay(port, SECRET, RELAY_ROOM_SIZE="60"):
        await site.connected()
        teacher = Party(site, "round", certificate, Profile(video=120))
        await teacher.publish()
        pacer = Pacer()
        pacer.every(1 / FRAMES_PER_SECOND, teacher.send_picture)
        pacer.every(1 / 50, teacher.send_audio)
        pacer.every(1.0, teacher.send_reports)
        pacing = asyncio.create_task(pacer.run())
        tracks = await tracks_of(site, "round", 2)
        await asyncio.sleep(1)
        crowd = [Party(site, "round", certificate, Profile()) for _ in range(CROWD)]
        asked, began = teacher.plis, time.monotonic()
        entering = []
        for party in crowd:
            entering.append(asyncio.create_task(enter(party, tracks)))
            await asyncio.sleep(1 / CROWD)
        waits = sorted(await asyncio.gather(*entering))
        passed = time.monotonic() - began
        pacing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pacing
        print(
            f"{CROWD} joined in {passed:.1f} s: first picture after {waits[CROWD // 2]:.2f} s (middle), "
            f"{waits[-1]:.2f} s (last); {teacher.plis - asked} keyframe requests"
        )
        assert len(waits) == CROWD
        assert 1 <= teacher.plis - asked <= 2 * passed + 1
        for party in (teacher, *crowd):
            party.close()
