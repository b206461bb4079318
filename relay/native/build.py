"""Compiles `relay/native/*.c` into `_engine` beside them, when the machine has a C compiler and Python's headers.

`python relay/native/build.py [--sanitize]` needs nothing else of the relay: `deploy/prepare.py` calls it with every
start. What is built already from the same sources for the same Python is not built again.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
TARGET = FOLDER / f"_engine{SUFFIX}"
HEADER = Path(sysconfig.get_paths()["include"]) / "Python.h"
# Without contraction a sum is rounded as Python rounds it.
FLAGS = ["-O2", "-g", "-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
_SANITIZED = b"__asan_init"


def sources() -> list[Path]:
    """What is compiled."""
    return sorted(FOLDER.glob("*.c"))


def digest() -> str:
    """Of the sources and of the Python they are compiled for; the module says it of itself (`built_from`)."""
    total = hashlib.sha256(f"{sys.version}{SUFFIX}{FLAGS}".encode())
    for path in [*sources(), *sorted(FOLDER.glob("*.h"))]:
        total.update(path.read_bytes())
    return total.hexdigest()


def compiler() -> list[str] | None:
    """The C compiler of the machine (CC, or the usual names)."""
    given = shlex.split(os.environ.get("CC", ""))
    return next(([*name] for name in (given, ["cc"], ["gcc"], ["clang"]) if name and shutil.which(name[0])), None)


def lacking() -> str:
    """What the machine needs before anything can be built; empty when nothing."""
    if compiler() is None:
        return "no C compiler"
    return "" if HEADER.exists() else "no Python.h"


def compile_into(target: Path, more: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs the compiler; what it said."""
    command = [*(compiler() or ["cc"]), *FLAGS, *more, f'-DBUILT_FROM="{digest()}"', f"-I{HEADER.parent}"]
    command += [*map(str, sources()), "-o", str(target), "-lm"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def is_built(sanitized: bool = False) -> bool:
    """Whether `_engine` is there, made of these sources."""
    if not TARGET.exists():
        return False
    built = TARGET.read_bytes()
    return digest().encode() in built and (_SANITIZED in built) == sanitized


def build(sanitized: bool = False) -> str:
    """Builds what is not built; why it could not, empty when all is well. Never leaves half a file."""
    if is_built(sanitized):
        return ""
    if reason := lacking():
        return reason
    beside = TARGET.with_name(f"_engine.{os.getpid()}.tmp")
    try:
        done = compile_into(beside, SANITIZE if sanitized else ())
        if done.returncode:
            sys.stderr.write(done.stderr)
            return "it could not be compiled"
        beside.replace(TARGET)
    finally:
        beside.unlink(missing_ok=True)
    return ""


def main() -> int:
    """1 when nothing could be built, with one line that says why."""
    reason = build(sanitized="--sanitize" in sys.argv[1:])
    if reason:
        advice = "On Debian: sudo apt install gcc python3-dev"
        sys.stdout.write(f"The relay runs in pure Python ({reason}), at about twice the cost. {advice}\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
