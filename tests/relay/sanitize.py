"""`make sanitize`: the relay's tests with its compiled part under the address and undefined-behaviour sanitizers.

The first finding ends the process that it is in, and so the test. Afterwards the compiled part is built as it was.
"""

from __future__ import annotations

import os
import subprocess
import sys

from relay.native import build

TESTS = ["native", "streams", "simulcast", "mux", "ingress", "node", "numbers", "hostile", "call", "recovery", "fuzz"]
OPTIONS = "detect_leaks=0:abort_on_error=1"
"""Python keeps what it has until the end."""


def libraries() -> str:
    """The compiler's sanitizers, which have to be there before Python is."""
    command = [*(build.compiler() or ["cc"])]
    names = ("libasan.so", "libubsan.so", "libstdc++.so")
    found = [subprocess.run([*command, f"-print-file-name={name}"], capture_output=True, text=True) for name in names]
    return ":".join(done.stdout.strip() for done in found)


def main() -> int:
    if reason := build.build(sanitized=True):
        sys.exit(f"Nothing can be checked: {reason}.")
    files = [f"tests/relay/test_{name}.py" for name in TESTS]
    env = os.environ | {
        "LD_PRELOAD": libraries(),
        "ASAN_OPTIONS": OPTIONS,
        "SANITIZED": "1",
        "PYTHONMALLOC": "malloc",
        "RELAY_NATIVE": "1",
    }
    try:
        return subprocess.run([sys.executable, "-m", "pytest", "-q", *files, *sys.argv[1:]], env=env).returncode
    finally:
        build.build()


if __name__ == "__main__":
    sys.exit(main())
