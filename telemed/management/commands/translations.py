"""`manage.py translations`: compiles, collects and checks the catalogues. Compiling needs no gettext on the machine."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

LOCALES = ("zh_Hans",)  # English is the language of the msgids
DOMAINS = ("django", "djangojs")
SOURCES = ("telemed", "consult", "imaging", "templates", "static", "locale")
NOT_OURS = ("static/vendor/*", "node_modules/*", "staticfiles/*", ".venv/*", "tests/*", "data/*", "relay/*")
CHURN = re.compile(r'^"(POT-Creation-Date|Report-Msgid-Bugs-To):.*\n', re.MULTILINE)  # changes with every run
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


class Command(BaseCommand):
    help = "Compile the translations (default), collect new msgids (--make) or say what is missing (--check)."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--make", action="store_true", help="collect msgids into locale/ (needs gettext)")
        what.add_argument("--check", action="store_true", help="fail on what is missing (needs gettext)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make"]:
            _collect(settings.BASE_DIR)
        elif options["check"]:
            found = problems()
            if found:
                raise CommandError("\n".join(found))
        else:
            for path in sorted((settings.BASE_DIR / "locale").rglob("*.po")):
                compile_catalogue(path)


def compile_catalogue(path: Path) -> None:
    """Write the .mo beside a .po that changed since."""
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
        polib.pofile(str(path)).save_as_mofile(str(compiled))


def _collect(root: Path) -> None:
    """Django's makemessages in a checkout at `root`."""
    flags = ["--no-obsolete", "--no-wrap", "--add-location=file", *(f"--ignore={pattern}" for pattern in NOT_OURS)]
    for locale in LOCALES:
        (root / "locale" / locale / "LC_MESSAGES").mkdir(parents=True, exist_ok=True)
        for domain in DOMAINS:
            done = subprocess.run(
                [sys.executable, "manage.py", "makemessages", f"--locale={locale}", f"--domain={domain}", *flags],
                cwd=root,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise CommandError(f"makemessages failed:\n{done.stdout}{done.stderr}")
            path = root / "locale" / locale / "LC_MESSAGES" / f"{domain}.po"
            if path.exists():
                path.write_text(CHURN.sub("", path.read_text()))


def problems() -> list[str]:
    """One line for each msgid of the code that a catalogue lacks, leaves empty or fuzzy, or translates with other
    placeholders. Collects into a copy: the catalogues stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(settings.BASE_DIR / "manage.py", copy)
        for name in SOURCES:
            if (settings.BASE_DIR / name).exists():
                skip = shutil.ignore_patterns("vendor", "__pycache__", "*.mo")
                shutil.copytree(settings.BASE_DIR / name, copy / name, ignore=skip)
        _collect(copy)
        found = []
        for locale in LOCALES:
            for domain in DOMAINS:
                path = copy / "locale" / locale / "LC_MESSAGES" / f"{domain}.po"
                entries = polib.pofile(str(path)) if path.exists() else []
                found += [f"{locale}/{domain}: {line}" for entry in entries for line in entry_problems(entry)]
        return found


def entry_problems(entry: polib.POEntry) -> list[str]:
    """What is wrong with one translation."""
    where = f"{entry.msgid!r} ({', '.join(name for name, _ in entry.occurrences[:2])})"
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not texts or not all(texts):
        return [f"not translated: {where}"]
    if entry.fuzzy:
        return [f"fuzzy: {where}"]
    wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    if any(set(PLACEHOLDER.findall(text)) != wanted for text in texts):
        return [f"other placeholders: {where}"]
    return []
