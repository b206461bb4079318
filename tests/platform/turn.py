"""A real coturn with the configuration of deploy/coturn, on loopback; and credentials for it as the site makes them."""

import base64
import contextlib
import hashlib
import hmac
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telemed.supervisor import die_with_parent
from tests.platform.servers import find, free_port
from tests.platform.site import ROOT, wait_until

DEPLOYED = ROOT / "deploy" / "coturn" / "turnserver.conf"
SECRET = "turn-tests-secret"
ATTEMPTS, STARTS_WITHIN = 3, 15.0


@dataclass(frozen=True)
class Turn:
    """Where it listens: `port` for UDP and TCP, `tls_port` for TLS with a certificate nobody signed."""

    port: int
    tls_port: int
    log: Path

    @property
    def urls(self) -> dict[str, str]:
        return {
            "udp": f"turn:127.0.0.1:{self.port}?transport=udp",
            "tcp": f"turn:127.0.0.1:{self.port}?transport=tcp",
            "tls": f"turns:127.0.0.1:{self.tls_port}?transport=tcp",
        }

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def credentials(seconds: int) -> tuple[str, str]:
    """Name and password that expire in so many seconds (negative: that have expired)."""
    username = f"{int(time.time()) + seconds}:1-1"
    return username, base64.b64encode(hmac.digest(SECRET.encode(), username.encode(), hashlib.sha1)).decode()


def _adapted(home: Path, port: int, tls_port: int) -> str:
    """The deployed file with its first part filled in, and loopback allowed, which it is nowhere else."""
    text = DEPLOYED.read_text()
    own = {
        "realm": "test",
        "static-auth-secret": SECRET,
        "cert": str(home / "cert.pem"),
        "pkey": str(home / "key.pem"),
        "allowed-peer-ip": "127.0.0.1",
        "listening-ip": "127.0.0.1",
        "listening-port": str(port),
        "tls-listening-port": str(tls_port),
    }
    for name, value in own.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.M)
        assert count == 1, name
    text = re.sub(r"^(proc-user|proc-group|syslog).*\n", "", text, flags=re.M)
    return f"{text}\nallow-loopback-peers\nlog-file=stdout\n"


def _start(home: Path) -> tuple[Turn, subprocess.Popen[bytes]]:
    """On ports that were free a moment ago; raises AssertionError with its own words when it does not run."""
    turn = Turn(free_port(), free_port(), home / "log")
    (home / "conf").write_text(_adapted(home, turn.port, turn.tls_port))
    command = [str(find("turnserver")), "-c", str(home / "conf"), "--pidfile", str(home / "pid")]
    with turn.log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--userdb", str(home / "db")], stdout=out, stderr=out, preexec_fn=die_with_parent
        )
    try:
        wait_until(lambda: "Total General servers" in turn.said(), "coturn runs", STARTS_WITHIN)
    except AssertionError as error:
        process.kill()
        process.wait()
        raise AssertionError(f"{error}; it said: {turn.said()[-2000:]}") from None
    return turn, process


@contextlib.contextmanager
def coturn() -> Iterator[Turn]:
    assert find("turnserver"), "coturn is missing: `make test` installs it, or says what to install"
    home = Path(tempfile.mkdtemp(prefix="telemed-turn-"))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(home / "key.pem")]
    made = ["openssl", "req", "-x509", *key, "-out", str(home / "cert.pem"), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(made, check=True, capture_output=True)
    for attempt in range(ATTEMPTS):
        try:
            turn, process = _start(home)
            break
        except AssertionError:  # a port beside ours was taken: it listens on the next ones too
            if attempt == ATTEMPTS - 1:
                raise
    try:
        yield turn
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home)
