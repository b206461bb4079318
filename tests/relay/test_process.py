"""The program: what it loads, what it says, how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from relay.bench.process import RelayProcess
from relay.bench.site import SiteEnd
from tests.relay.clients import Client, eventually
from tests.relay.conftest import SECRET, Stage

pytestmark = pytest.mark.slow

CODECS = re.compile(r"/[^/]*(?:vpx|opus|avcodec|avformat|avutil|avdevice|swscale|x264|aom|/av/)[^/]*\.so", re.I)
ROOT = Path(__file__).parents[2]


def codec_libraries(pid: int | str) -> set[str]:
    return set(CODECS.findall(Path(f"/proc/{pid}/maps").read_text()))


async def test_no_codec_library_is_loaded_during_a_call(stage: Stage) -> None:
    ann = Client(stage.site, "room")
    await ann.join()
    await ann.publish()
    await eventually(lambda: any("sends camera" in line for line in stage.relay.log))
    assert codec_libraries(stage.relay.pid) == set()
    # This process runs the stock client: the pattern finds codecs where there are some.
    assert len(codec_libraries("self")) > 3
    await ann.close()


async def test_hello_says_who_it_is(stage: Stage) -> None:
    assert {key: stage.site.hello[key] for key in ("name", "address", "capacity", "rooms")} == {
        "name": "bench",
        "address": "127.0.0.1",
        "capacity": 200,
        "rooms": {},
    }
    assert any(f"relay listening udp={stage.port}" in line for line in stage.relay.log)
    load = await stage.site.event("load")
    assert (load["rooms"], load["participants"], load["packets_in"]) == (0, 0, 0)


async def test_asked_to_end_it_waits_until_its_calls_have_moved(stage: Stage) -> None:
    ann = Client(stage.site, "room")
    await ann.join()
    await ann.publish()
    await eventually(lambda: any("sends camera" in line for line in stage.relay.log))
    os.kill(stage.relay.pid, signal.SIGTERM)
    assert (await stage.site.event("drain"))["seconds"] == 30
    await ann.sub.close()
    assert (await stage.site.ask("join", room="room", peer=ann.peer, username="doctor", mic=True, cam=True))["ok"]
    assert not any("stopped" in line for line in stage.relay.log)
    await ann.close()
    await eventually(lambda: stage.relay.log[-1].endswith("relay stopped"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_cleanly(number: int) -> None:
    relay = RelayProcess({"RELAY_SITE_URL": "ws://127.0.0.1:9/"})
    await relay.start()
    assert await relay.stop(number) == 0
    assert relay.log[-1].endswith("relay stopped")
    assert not any("Traceback" in line for line in relay.log)


async def run_to_its_end(**env: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay", env={**os.environ, **env}, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(10):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_a_port_in_use_is_said_plainly() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = taken.getsockname()[1]
        code, said = await run_to_its_end(RELAY_PORT=str(port))
    expected = f"relay: UDP port {port} on 0.0.0.0 is in use; stop the other program or set RELAY_PORT\n"
    assert (code, said) == (3, expected)


async def test_a_wrong_setting_is_said_plainly() -> None:
    code, said = await run_to_its_end(RELAY_PORT="none")
    assert (code, said) == (2, "relay: RELAY_PORT: 'none' is not a whole number from 0 to 65535\n")


async def test_a_site_that_knows_another_secret_is_dialled_again_and_again() -> None:
    site = SiteEnd("another")
    port = await site.start()
    relay = RelayProcess({"RELAY_SITE_URL": f"ws://127.0.0.1:{port}/", "RELAY_SECRET": SECRET})
    await relay.start()
    await eventually(lambda: len([line for line in relay.log if "closed the link: 4401" in line]) >= 2)
    assert await relay.stop() == 0
    await site.stop()
    assert SECRET not in "\n".join(relay.log)
