"""`make check`: everything that judges the code without running the product. Runs all, then says which failed."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))
from prepare import node_and_npm

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["telemed", "consult", "imaging", "relay"]
BIN = Path(sys.executable).parent


def checks(data: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name: command line and what it adds to the environment."""
    manage = [sys.executable, "manage.py"]
    small = {"DATA_DIR": data}
    production = {
        "DATA_DIR": data,
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "telemed.example.org",
        "TRUSTED_ORIGINS": "https://telemed.example.org",
        "BEHIND_PROXY": "true",
    }
    return {
        "style": ([str(BIN / "ruff"), "check", "--quiet", "."], {}),
        "format": ([str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
        "types": ([str(BIN / "mypy"), *PACKAGES], small),
        "templates": ([str(BIN / "djlint"), "templates", "--lint", "--quiet"], {}),
        "browser code": ([node_and_npm()[0], "node_modules/typescript/bin/tsc", "--project", "jsconfig.json"], {}),
        "migrations": ([*manage, "makemigrations", "--check", "--dry-run"], small),
        "production settings": ([*manage, "check", "--deploy", "--fail-level", "WARNING"], production),
        "layers": ([sys.executable, "-m", "pytest", "-q", "tests/test_layers.py", "tests/test_settings_doc.py"], small),
    }


def main() -> None:
    failed = []
    with tempfile.TemporaryDirectory(prefix="telemed-check-") as data:
        for name, (command, env) in checks(data).items():
            print(f"== {name}", flush=True)
            if subprocess.run(command, cwd=ROOT, env=os.environ | env).returncode:
                failed.append(name)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
