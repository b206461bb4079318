"""Throwaway PostgreSQL and Redis of the large form: own directory, free port, gone at the end."""

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 60


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find(name: str) -> str | None:
    """The path of a program, or the newest file that matches an absolute pattern; Debian keeps PostgreSQL's server
    outside PATH."""
    pattern = name if name.startswith("/") else f"/usr/lib/postgresql/*/bin/{name}"
    newest = sorted(glob.glob(pattern), reverse=True)
    return shutil.which(name) or (newest[0] if newest else None)


def _needed(name: str) -> str:
    path = find(name)
    if path is None:
        raise RuntimeError(f"{name} is missing: `make test` installs it, or says what to install")
    return path


@contextlib.contextmanager
def _scratch(prefix: str) -> Iterator[Path]:
    """A directory the servers' user may write; a short path, for PostgreSQL's socket."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the user to run it as then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


def _ended(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise RuntimeError(f"server ended at once:\n{log.read_text(errors='replace')[-2000:]}")


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        _ended(process, log)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"server does not answer:\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis that keeps nothing; its URL."""
    port = free_port()
    with _scratch("telemed-redis-") as home:
        log = home / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [_needed("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)],
                stdout=out,
                stderr=out,
            )
        try:
            _wait_for(port, process, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _stop(process)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL cluster without durability; the URL of its database `postgres`."""
    port = free_port()
    user = _unprivileged()
    run_as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with _scratch("telemed-pg-") as home:
        if user:
            os.chown(home, user.pw_uid, user.pw_gid)
        data, log = home / "data", home / "log"
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}
        made = subprocess.run(
            [_needed("initdb"), "-D", data, "-U", "telemed", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            env=env,
            cwd=home,
            capture_output=True,
            **run_as,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr.decode(errors='replace')}")
        settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
        settings += [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={home}"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [_needed("postgres"), "-D", data, *(part for each in settings for part in ("-c", each))],
                env=env,
                cwd=home,
                stdout=out,
                stderr=out,
                **run_as,
            )
        try:
            _wait_for(port, process, log)
            yield f"postgresql://telemed@127.0.0.1:{port}/postgres"
        finally:
            _stop(process)
