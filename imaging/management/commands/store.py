"""The bucket that keeps files (S3_BUCKET): try it, move what lies on the disk into it, fetch all of it back."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from consult.errors import Refusal
from consult.services import bucket, store, store_copies
from imaging.models import Arrival, Image

TOLD_EVERY = 100  # files
TRIAL = "check/telemed"


class Command(BaseCommand):
    help = "Try the S3 bucket, move files of the disk into it (again and again until all are), or fetch all back."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("check", help="write, read and delete a small object")
        acts.add_parser("move", help="what lies on the disk goes into the bucket, each file compared by its SHA-256")
        acts.add_parser("fetch", help="all that the bucket keeps comes onto the disk, to do without it afterwards")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if not store_copies.is_on():
            raise CommandError("S3_BUCKET is not set: files are on the disk alone.")
        try:
            {"check": self._check, "move": self._move, "fetch": self._fetch}[act]()
        except Refusal as refusal:
            raise CommandError(str(refusal.message)) from None

    def _check(self) -> None:
        content = b"telemed"
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            bucket.put(Path(file.name), TRIAL, _digest(content))
        try:
            fine = _read(TRIAL) == _digest(content)
        finally:
            bucket.delete([TRIAL])
        if not fine:
            raise CommandError("what was read is not what was written")
        self.stdout.write("The bucket takes, gives back and deletes files.")

    def _move(self) -> None:
        """A file that is there already, the same to the byte, is not sent again: a run that was cut goes on."""
        sent = same = 0
        wrong: list[str] = []
        for number, path in enumerate(_files(), 1):
            key = store.key_of(path) or ""
            try:
                sha256 = _of(path)
            except FileNotFoundError:  # removed meanwhile
                continue
            if _wanted(path) not in ("", sha256):
                wrong.append(key)
                continue
            kept = bucket.look(key)
            if kept is not None and kept.sha256 == sha256 and _read(key) == sha256:
                path.chmod(0o400)
                same += 1
            else:
                store.put([path])
                if _read(key) != sha256:
                    path.chmod(0o600)
                    wrong.append(key)
                    continue
                sent += 1
            if number % TOLD_EVERY == 0:
                self.stdout.write(f"{sent} files sent, {same} were there, {len(wrong)} wrong")
        self.stdout.write(f"All: {sent} files sent, {same} were there, {len(wrong)} wrong.")
        if wrong:
            raise CommandError("Not what they were when they were stored, and not moved:\n  " + "\n  ".join(wrong))

    def _fetch(self) -> None:
        lost = 0
        with store_copies.locked("tidy"):  # none of it is removed meanwhile
            for number, (key, _at) in enumerate(bucket.listed(""), 1):
                path = store.path_of(key)
                if store.key_of(path) == key:
                    lost += not store.here(path).is_file()
                if number % TOLD_EVERY == 0:
                    self.stdout.write(f"{number} files")
        if lost:
            raise CommandError(f"{lost} files are not what they were when they were put.")
        self.stdout.write("All is on the disk. Unset S3_BUCKET and start the site again.")


def _files() -> Iterator[Path]:
    """Whose copies are not known to be in the bucket."""
    for root in (settings.MEDIA_ROOT, settings.RECORDINGS_ROOT):
        for path in Path(root).rglob("*"):
            if store.key_of(path) and path.is_file() and path.stat().st_mode & 0o200:
                yield path


def _wanted(path: Path) -> str:
    """The SHA-256 that rows or the name promise; "" where neither does."""
    if path.name == "original":
        rows = Image.objects.filter(folder=path.parent.name).values_list("sha256", flat=True)
        return next(iter(rows), "")
    if path.parent.name == "arrivals":
        return next(iter(Arrival.objects.filter(token=path.name).values_list("sha256", flat=True)), "")
    return path.stem if len(path.stem) == 64 else ""


def _of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Digest(io.RawIOBase):
    """A file that only adds up."""

    def __init__(self) -> None:
        self.total = hashlib.sha256()

    def write(self, block: Any) -> int:
        self.total.update(block)
        return len(block)


def _read(key: str) -> str:
    """SHA-256 of what the bucket gives back, "" when it gives nothing."""
    digest: Any = _Digest()
    found = bucket.fetch(key, lambda kept: digest, lambda count: None)
    return digest.total.hexdigest() if found else ""
