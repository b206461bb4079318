"""`make test`: what the tests need, a throwaway PostgreSQL and Redis, then pytest on the small and the large form.

Says what to install when something is missing and may not be installed; nothing is skipped for want of a program.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from relay.native import build
from tests.platform.servers import find, postgres, redis
from tests.platform.site import ROOT, environment

NEEDED = {  # program, or pattern of a file's path: Debian's package
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "xgettext": "gettext",
    "pdftotext": "poppler-utils",
    "fc-list": "fontconfig",
    "storescu": "dcmtk",
    "/usr/sbin/Orthanc": "orthanc",
    "turnserver": "coturn",
    "ip": "iproute2",
    "/usr/lib/python3/dist-packages/gi/__init__.py": "python3-gi",
    "/usr/lib/*/girepository-1.0/GstWebRTC-1.0.typelib": "gir1.2-gst-plugins-bad-1.0",
    "/usr/lib/*/gstreamer-1.0/libgstwebrtc.so": "gstreamer1.0-plugins-bad",
    "/usr/lib/*/gstreamer-1.0/libgstnice.so": "gstreamer1.0-nice",
    "/usr/lib/*/gstreamer-1.0/libgstvpx.so": "gstreamer1.0-plugins-good",
}
COMPILER = {"cc": "gcc", str(Path(sysconfig.get_paths()["include"], "Python.h")): "python3-dev"}
NEEDED |= COMPILER
NEEDED_FOR_BENCH = {"janus": "janus", **COMPILER, "/usr/lib/orthanc/libOrthancDicomWeb.so*": "orthanc-dicomweb"}
CHINESE_FONT = "fonts-noto-cjk"
LARGE_FOLDERS = ["tests/consult", "tests/imaging", "tests/live"]
PURE_FILES = [f"tests/relay/test_{name}.py" for name in ("ingress", "mux", "node", "numbers", "streams")]
"""Of the relay, once more where Python carries the packets."""
PARTS = {  # name: (form, arguments of pytest)
    "small form": ("small", ["-n", "2", "--dist=loadfile", "-m", "not browser and not large and not lab"]),
    "small form, browser": ("small", ["-m", "browser and not large and not lab"]),
    "large form": (
        "large",
        [
            "-n",
            "2",
            "--dist=loadfile",
            "-m",
            "not browser and not large and not small and not files",
            *LARGE_FOLDERS,
            *PURE_FILES,
        ],
    ),
    "large form, processes": ("small", ["-m", "large"]),
    "lab": ("small", ["-s", "-m", "lab"]),
}
LAB = "lab"
"""The part that `make lab` runs, and `make test` does not."""
MOST_AGAIN = 2
"""Tests of a part that may have a second try, which is said: browsers, servers and peers share two busy cores.
When more fail, it is not the machine."""
PART_SECONDS = 1500
NO_TESTS = 5  # pytest's exit code


def missing(needed: dict[str, str]) -> list[str]:
    """Debian packages of what this machine lacks."""
    lacking = [package for program, package in needed.items() if not find(program)]
    if needed is not NEEDED:
        return lacking
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True).stdout if find("fc-list") else b""
    return lacking + ([] if fonts else [CHINESE_FONT])


def install(needed: dict[str, str]) -> None:
    """Install what is missing as root on Debian; otherwise say what to install and stop."""
    packages = missing(needed)
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"More programs are needed. On Debian: sudo {' '.join(command)}")
    print(f"Installing {' '.join(packages)}", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, stdout=subprocess.DEVNULL, check=False)
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False)
    if lacking := missing(needed):
        sys.exit(f"Could not install {' '.join(lacking)}.")
    if reason := build.build():
        sys.exit(f"The compiled part of the relay was not built: {reason}.")


@contextlib.contextmanager
def surroundings() -> Iterator[dict[str, str]]:
    """The environment of every part: a DATA_DIR of its own and the addresses of both servers."""
    with tempfile.TemporaryDirectory(prefix="telemed-test-") as data, postgres() as database, redis() as broker:
        yield environment(DATA_DIR=data, TEST_POSTGRES_URL=database, TEST_REDIS_URL=broker)


def run(part: str, env: dict[str, str], extra: list[str]) -> str:
    """Run one part: "passed", "passed at the second try" or "FAILED"."""
    form, arguments = PARTS[part]
    if form == "large":
        # Where nothing is compiled Python carries every packet: the calls of this form do without.
        env = env | {"DATABASE_URL": env["TEST_POSTGRES_URL"], "REDIS_URL": env["TEST_REDIS_URL"], "RELAY_NATIVE": "0"}
    print(f"\n== {part}", flush=True)
    began = time.monotonic()
    cache = Path(env["DATA_DIR"]) / f"pytest-cache-{part.replace(' ', '-')}"
    command = [sys.executable, "-m", "pytest", "-q", "--durations=8", "-o", f"cache_dir={cache}", *arguments, *extra]
    outcome = "passed" if _green(command, env) else "FAILED"
    if outcome == "FAILED" and (names := _failed(cache)):
        print(f"\n== {part}, once more: {', '.join(names)}", flush=True)
        outcome = "passed at the second try" if _green([*command, "--last-failed"], env) else "FAILED"
    print(f"== {part}: {time.monotonic() - began:.0f} s", flush=True)
    return outcome


def _green(command: list[str], env: dict[str, str]) -> bool:
    try:
        return subprocess.run(command, cwd=ROOT, env=env, timeout=PART_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"not over after {PART_SECONDS} s", flush=True)
        return False


def _failed(cache: Path) -> list[str]:
    """The tests that failed, when they are few enough to try again."""
    noted = cache / "v" / "cache" / "lastfailed"
    names = sorted(json.loads(noted.read_text())) if noted.exists() else []
    return names if len(names) <= MOST_AGAIN else []


def main() -> None:
    if sys.argv[1:] == ["--install-for-bench"]:
        install(NEEDED_FOR_BENCH)
        return
    install(NEEDED)
    if sys.argv[1:] == ["--install"]:
        return
    wanted = [part for part in PARTS if (sys.argv[1] in part if len(sys.argv) > 1 else part != LAB)]
    began = time.monotonic()
    with surroundings() as env:
        results = {part: run(part, env, sys.argv[2:]) for part in wanted}
    print(f"\nAll parts in {time.monotonic() - began:.0f} s:")
    for part, outcome in results.items():
        print(f"  {outcome}  {part}")
    sys.exit(1 if "FAILED" in results.values() else 0)


if __name__ == "__main__":
    main()
