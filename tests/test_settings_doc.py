"""docs/settings.md names every variable of telemed/env.py with its default, and no other; nothing committed names
the workplace of its authors."""

import re
import subprocess
from pathlib import Path

from telemed.env import BASE_DIR, Env

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)


def shown(default: object) -> str:
    """A default as the table shows it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path):
        return f"`{default.relative_to(BASE_DIR)}`"
    return f"`{default}`" if default != "" else "empty"


def test_the_table_of_settings_is_the_code() -> None:
    site = (ROOT / "docs" / "settings.md").read_text().split("\n## ")[1]
    written = {name: (default, text) for name, default, text in ROW.findall(site)}
    fields = Env.model_fields
    assert written == {name.upper(): (shown(f.default), f.description) for name, f in fields.items()}


def test_the_relays_table_is_its_code() -> None:
    relay = (ROOT / "docs" / "settings.md").read_text().split("\n## ")[2]
    written = {name for name, _, _ in ROW.findall(relay)}
    code = "".join(path.read_text() for path in (ROOT / "relay").rglob("config.py"))
    assert written == set(re.findall(r"\bRELAY_[A-Z_]+\b", code))
    assert len(written) > 5


def test_no_other_module_reads_the_environment() -> None:
    allowed = {"env.py", "serve.py", "site.py", "worker.py", "celery.py", "asgi.py", "supervisor.py"}
    readers = [
        str(path.relative_to(ROOT))
        for package in ("telemed", "consult", "imaging")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text()) and not (package == "telemed" and path.name in allowed)
    ]
    assert readers == []


def test_nothing_committed_names_a_package_host_or_a_path_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    words = ["--index" + "-url", "--extra-index" + "-url", "--find" + "-links", "/opt/" + "pypi", "/work/" + "main"]
    words += ["/work/" + "shared", "registry." + "npmjs.org", "files.python" + "hosted.org", "pypi." + "org"]
    found = []
    for name in names:
        text = (ROOT / name).read_bytes().decode(errors="ignore")
        found += [f"{name}: {word}" for word in words if word in text]
    assert len(names) > 100
    assert found == []
