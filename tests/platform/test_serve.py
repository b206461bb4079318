"""`manage.py serve` as people use it: parts killed, ports taken, Ctrl-C; the health page of the whole."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from telemed.env import Env
from telemed.management.commands.serve import SITE_SECRETS
from tests.platform.site import JOBS_DONE, ROOT, WRITE_JOB, Site, environment, health, wait_until

pytestmark = pytest.mark.slow
COUNT = "from consult.models import User; print(User.objects.count())"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(SMS_HOOK_URL="http://127.0.0.1:9/", SMS_HOOK_SECRET="never told to a relay") as running:
        yield running


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_everything_is_up_and_the_address_and_accounts_are_printed(site: Site) -> None:
    status, body = health(site.port)
    relays = body.pop("relays")
    assert (status, body) == (
        200,
        {"status": "ok", "version": "0.1.0", "database": "up", "channel_layer": "up", "worker": "up"},
    )
    assert [(relay["name"], relay["rooms"], relay["participants"]) for relay in relays] == [("relay", 0, 0)]
    assert 0 <= relays[0]["load"] <= 1
    wait_until(lambda: "  regulator " in site.log(), "greeting", 20)
    assert "Telemed is ready" in site.log()
    assert f"{site.url}/" in site.log()
    for account in ("doctor.nitun", "doctor.haizhou", "expert.provincial", "expert.bethune", "scheduler", "regulator"):
        assert f"  {account} " in site.log()
    assert {kind: len(pids) for kind, pids in site.pids().items()} == {"serve": 1, "site": 1, "relay": 1}


def test_a_killed_relay_and_a_killed_site_come_back(site: Site) -> None:
    for kind in ("relay", "site"):
        before = site.kill9(kind)
        wait_until(lambda k=kind, b=before: site.pids().get(k, [b]) != [b], f"another {kind}", 20)
        site.ready()
        assert site.pids()[kind] != [before]
        assert f"serve   | {kind} ended (SIGKILL)" in site.log()


def test_who_asks_while_the_site_restarts_waits_instead_of_being_turned_away(site: Site) -> None:
    site.kill9("site")
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    site.ready()


def test_a_job_whose_bell_rang_in_another_process_is_found_and_done(site: Site) -> None:
    site.python(WRITE_JOB)
    wait_until(lambda: site.python(JOBS_DONE) == "1", "job done", 40)


def test_no_secret_is_printed(site: Site) -> None:
    files = [path for path in (site.data_dir / "secrets").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"django", "relay", "recording", "vapid"}
    secrets = [path.read_text().strip() for path in files if path.suffix in ("", ".pass")]
    assert len(secrets) > 4
    assert all(secrets)
    assert [secret for secret in secrets if secret in site.log()] == []


def test_a_relay_knows_none_of_the_sites_secrets(site: Site) -> None:
    env = psutil.Process(site.pids()["relay"][0]).environ()
    assert "RELAY_SECRET" in env
    assert SITE_SECRETS & set(env) == set()
    every = {name.upper() for name in Env.model_fields if re.search(r"secret|key|token|_url$", name)}
    assert every - {"RELAY_SECRET"} == SITE_SECRETS


@pytest.mark.parametrize(
    ("variable", "kind", "words"),
    [("PORT", socket.SOCK_STREAM, "is already in use"), ("RELAY_PORT", socket.SOCK_DGRAM, "UDP port")],
)
def test_a_port_in_use_is_said_at_once(site: Site, variable: str, kind: socket.SocketKind, words: str) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment(DATA_DIR=str(site.data_dir), **{"PORT": "0", variable: port} | _free(variable)),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert words in done.stderr
    assert port in done.stderr
    assert f"{variable}=" in done.stderr


def _free(variable: str) -> dict[str, str]:
    from tests.platform.servers import free_port

    return {"PORT": str(free_port())} if variable != "PORT" else {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_every_process(number: signal.Signals) -> None:
    with Site() as running:
        pids = [pid for found in running.pids().values() for pid in found]
        serve = running.started[0]
        os.kill(serve.pid, number)
        assert serve.wait(20) == 0
        assert [pid for pid in pids if not gone(pid)] == []
        assert "serve   | ended" in running.log()


def test_a_killed_supervisor_leaves_no_orphan() -> None:
    with Site() as running:
        pids = [pid for found in running.pids().values() for pid in found]
        running.kill9("serve")
        running.started[0].wait(10)
        wait_until(lambda: all(gone(pid) for pid in pids), "children gone", 10)


def test_stopping_and_starting_again_finds_everything_as_it_was() -> None:
    with Site() as running:
        before = running.manage(
            "shell", "--no-imports", "-c", "from consult.models import *; print(User.objects.count())"
        )
        running.started[0].terminate()
        assert running.started[0].wait(20) == 0
        began = time.monotonic()
        running.serve()
        running.ready()
        print(f"second start: {time.monotonic() - began:.1f} s")
        after = running.manage(
            "shell", "--no-imports", "-c", "from consult.models import *; print(User.objects.count())"
        )
    assert before == after
    assert int(before) >= 6
