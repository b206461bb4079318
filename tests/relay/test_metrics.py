"""/metrics of a relay, read over HTTP while a call runs."""

from __future__ import annotations

import asyncio
import re
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.bench.process import running_relay
from relay.bench.site import site_end
from tests.relay.clients import Client, eventually, tracks_of
from tests.relay.conftest import SECRET

pytestmark = pytest.mark.slow


def read(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        sample.name.removeprefix("telemed_relay_"): sample.value for family in families for sample in family.samples
    }


async def test_a_call_shows_in_the_figures_and_names_nobody() -> None:
    async with (
        site_end(SECRET) as (site, port),
        running_relay(port, SECRET, RELAY_METRICS_PORT="0", RELAY_CAPACITY="7") as relay,
    ):
        await site.connected()
        await eventually(lambda: any("metrics tcp=" in line for line in relay.log))
        url = f"http://127.0.0.1:{re.search('metrics tcp=([0-9]+)', ' '.join(relay.log))[1]}/metrics"  # type: ignore[index]
        before = await asyncio.to_thread(read, url)
        assert (before["rooms"], before["capacity"], before["link_up"], before["draining"]) == (0, 7, 1, 0)
        ann, ben = Client(site, "room-of-ann"), Client(site, "room-of-ann")
        for client in (ann, ben):
            await client.join()
        await ann.publish()
        await ben.subscribe(await tracks_of(site, "room-of-ann", 2))
        for received in ben.received.values():
            await received.more(5)
        after = await asyncio.to_thread(read, url)
        assert (after["rooms"], after["participants"], after["connections"], after["joins_total"]) == (1, 2, 2, 2)
        assert after["packets_received_total"] > 10 < after["packets_sent_total"]
        assert after["plis_sent_total"] >= 1 <= after["keyframes_total"]
        assert (after["dtls_connected_total"], after["dtls_failed_total"]) == (2, 0)
        assert after["process_resident_memory_bytes"] > 1e6 < after["process_cpu_seconds_total"] * 1e8
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())
        assert "room-of-ann" not in text
        assert ann.peer not in text
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await asyncio.to_thread(read, url.removesuffix("metrics"))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
        writer.write(b"x" * 20_000)  # no request, and larger than one
        assert await reader.read() == b""
        assert (await asyncio.to_thread(read, url))["rooms"] == 1
        for client in (ann, ben):
            await client.close()
