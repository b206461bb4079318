"""Real site processes for tests: `Site` (small form: `manage.py serve`) and `LargeSite` (PostgreSQL and Redis).

    with Site() as site:
        page.goto(site.url)
        site.kill9("relay")

Each has free ports and its own DATA_DIR: a copy of one that was migrated and filled with the demo data once.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from telemed.supervisor import die_with_parent
from tests.platform.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90
OURS = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "DEBUG", "WORKER", "RELAYS", "DJANGO_SETTINGS_MODULE")


def environment(**given: str) -> dict[str, str]:
    """This process's environment without what configures the site, and `given`."""
    return {key: value for key, value in os.environ.items() if key not in OURS} | given


def manage(*args: str, **env: str) -> str:
    """Run manage.py in its own process; its output, or an AssertionError with it."""
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=environment(**env), capture_output=True, text=True
    )
    assert done.returncode == 0, f"manage.py {' '.join(args)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _code() -> str:
    """A name for the present state of everything that decides what a fresh installation holds."""
    total = hashlib.sha256(f"{os.geteuid()}{ROOT}".encode())
    for folder in ("telemed", "consult", "imaging"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


WRITE_JOB = "from consult.services import outbox; outbox.later(kind='notification.deliver', payload={'key': 'nobody'})"
JOBS_DONE = """
from consult.models import Job
print(Job.objects.exclude(done_at=None).filter(payload__key="nobody").count())
"""


@contextlib.contextmanager
def _alone(name: str) -> Iterator[Path]:
    """One process at a time makes the template called `name`."""
    base = Path(tempfile.gettempdir()) / f"telemed-tests-{os.geteuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield base


def template() -> Path:
    """A DATA_DIR with migrated database and demo data, made once for the present code.

    Those of other checkouts, whose tests may run at this moment, stay for a day after they were last used.
    """
    code = _code()
    with _alone("sqlite") as base:
        made = base / f"data-{code}"
        if not made.exists():
            for old in base.glob("data-*"):
                if old.stat().st_mtime < time.time() - 86_400:
                    shutil.rmtree(old)
            filling = base / f"filling-{os.getpid()}"
            manage("migrate", "--verbosity=0", DATA_DIR=str(filling))
            manage("demo", DATA_DIR=str(filling))
            filling.rename(made)
        os.utime(made)
        return made


def wait_until(question: Callable[[], Any], what: str, seconds: float = READY_SECONDS) -> Any:
    """The first true answer of `question`; AssertionError naming `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def health(port: int) -> tuple[int, dict[str, Any]]:
    """Status and body of /healthz; (0, {}) while nobody answers."""
    probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        probe.request("GET", "/healthz")
        answer = probe.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        probe.close()


class Processes:
    """Programs with one log file, killed with everything they started when the block ends."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="telemed-site-"))
        self.started: list[subprocess.Popen[bytes]] = []
        self._log = self.home / "log"

    def start(self, argv: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=die_with_parent,  # a test run that is killed leaves nothing behind
            )
        self.started.append(process)
        return process

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def pids(self) -> dict[str, list[int]]:
        """Living processes by what they are: `serve`, `site`, `relay`, `worker`."""
        found: dict[str, list[int]] = {}
        for parent in self.started:
            with contextlib.suppress(psutil.Error):
                top = psutil.Process(parent.pid)
                for process in [top, *top.children()]:
                    kind = _kind(process)
                    if kind and process.status() != psutil.STATUS_ZOMBIE:
                        found.setdefault(kind, []).append(process.pid)
        return found

    def kill9(self, kind: str, which: int = 0) -> int:
        """kill -9 one process of that kind; the process id it had."""
        pid = self.pids()[kind][which]
        os.kill(pid, signal.SIGKILL)
        return pid

    def end(self) -> None:
        """SIGTERM, then SIGKILL, for all; the files of the block are removed."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self.started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def _kind(process: psutil.Process) -> str:
    words = process.cmdline()
    for kind in ("serve", "site", "worker"):
        if "manage.py" in words and kind in words:
            return kind
    return "relay" if words[1:3] == ["-m", "relay"] else ""


class Site(Processes):
    """The small form: `manage.py serve` on SQLite with demo data. `env` adds or changes variables."""

    def __init__(self, **env: str) -> None:
        super().__init__()
        self.port = free_port()
        self.relay_port = free_port(socket.SOCK_DGRAM)
        self.data_dir = self.home / "data"
        own = {"PORT": str(self.port), "RELAY_PORT": str(self.relay_port), "DATA_DIR": str(self.data_dir)}
        self.env = environment(**(own | env))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        shutil.copytree(template(), self.data_dir)
        self.serve()
        try:
            self.ready()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def serve(self) -> subprocess.Popen[bytes]:
        return self.start([sys.executable, "manage.py", "serve"], self.env)

    def manage(self, *args: str) -> str:
        """Run a command on this site's data."""
        return manage(*args, **{key: self.env[key] for key in (*OURS, "SECRET_KEY", "PORT") if key in self.env})

    def python(self, code: str) -> str:
        """Run code with this site's models and data in a process of its own; what it prints last."""
        return self.manage("shell", "--no-imports", "-c", code).strip().rsplit("\n", 1)[-1]

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """Wait until every part is up; the body of /healthz. AssertionError with the log when it is not."""
        try:
            return dict(wait_until(lambda: self._well(self.port), "every part up", seconds))
        except AssertionError as error:
            raise AssertionError(f"{error}: {health(self.port)}\n{self.log()[-6000:]}") from None

    @staticmethod
    def _well(port: int) -> dict[str, Any] | None:
        status, body = health(port)
        return body if status == 200 else None


class LargeSite(Site):
    """The large form: `sites` site processes, a worker and one relay (linked to the first) on PostgreSQL and Redis.

    `postgres_url` names a database of a cluster where this may make another; `urls` are the sites' addresses.
    """

    def __init__(self, postgres_url: str, redis_url: str, *, sites: int = 2, **env: str) -> None:
        super().__init__(**env)
        self.ports = [self.port, *(free_port() for _ in range(sites - 1))]
        self.admin_url = postgres_url
        self.database = f"telemed_{os.getpid()}_{time.monotonic_ns()}"
        self.env |= {
            "DATABASE_URL": f"{postgres_url.rsplit('/', 1)[0]}/{self.database}",
            "REDIS_URL": redis_url,
            "WORKER": "none",
            "SECRET_KEY": "one-key-for-all-processes-of-this-test",
            "RELAY_SECRET": "one-secret-for-all-processes-of-this-test",
        }

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def __enter__(self) -> Self:
        source = _postgres_template(self.admin_url)
        self._sql(f'CREATE DATABASE "{self.database}" TEMPLATE "{source[0]}"')
        shutil.copytree(source[1], self.data_dir)
        for port in self.ports:
            self.start([sys.executable, "manage.py", "site"], self.env | {"PORT": str(port)})
        self.start([sys.executable, "manage.py", "worker"], self.env)
        self.start([sys.executable, "-m", "relay"], self.relay_env())
        try:
            self.ready()
        except BaseException:
            self.end()
            raise
        return self

    def relay_env(self) -> dict[str, str]:
        return self.env | {
            "RELAY_SITE_URL": f"ws://127.0.0.1:{self.ports[0]}/ws/relay/",
            "RELAY_NAME": "relay",
            "RELAY_DRAIN_SECONDS": "0",
            "RELAY_PUBLIC_ADDRESS": "127.0.0.1",
        }

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        body = super().ready(seconds)
        for port in self.ports[1:]:
            wait_until(lambda port=port: self._well(port), f"every part up at {port}", seconds)
        return body

    def end(self) -> None:
        super().end()
        self._sql(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def _postgres_template(admin_url: str) -> tuple[str, Path]:
    """Name of a filled database in this cluster and the DATA_DIR (files, secrets) that belongs to it."""
    name = f"template_{_code()}"
    with _alone("postgres") as base, psycopg.connect(admin_url, autocommit=True) as connection:
        port = admin_url.rsplit(":", 1)[1].split("/")[0]
        files = base / f"pgdata-{port}-{_code()}"
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            for old in base.glob("pgdata-*"):
                if old.name.rsplit("-", 1)[1] != _code():
                    shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(files, ignore_errors=True)
            filling = f"filling_{os.getpid()}"
            connection.execute(f'CREATE DATABASE "{filling}"')  # type: ignore[call-overload]
            env = {"DATABASE_URL": f"{admin_url.rsplit('/', 1)[0]}/{filling}", "DATA_DIR": str(files)}
            manage("migrate", "--verbosity=0", **env)
            manage("demo", **env)
            connection.execute(f'ALTER DATABASE "{filling}" RENAME TO "{name}"')  # type: ignore[call-overload]
        return name, files
