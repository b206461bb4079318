"""Objects made of what is said here of a study: key objects, presentation states, reports of measurements.

They are made by the limited child when somebody first asks, kept under the hash of the plan they were made from while
they are in use, and made again, the same to the byte, when they are wanted later.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

from django.conf import settings
from django.core.cache import cache

from consult.models import Consultation, User
from consult.services import audit, outbox
from imaging.dicom.names import REPORT
from imaging.policies import export as policies
from imaging.services import attributes, decoding, export_plan, storage
from imaging.services.image import READ_ONCE_IN
from imaging.services.searching import Described

EDITION = 1  # of imaging/dicom/derived.py: another one makes other bytes of the same plan
LEFT_FOR = 86_400  # seconds after the last use
KINDS = ("KO", "PR", "SR")
UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class Made:
    """One object, served like an image that somebody stored; `path` is laid out as intake lays one out."""

    consultation: Consultation
    path: Path
    modality: str
    study_uid: str
    series_uid: str
    sop_uid: str
    sha256: str
    size: int
    frames: int = 1
    has_pixels: bool = False
    has_pages: bool = False

    @property
    def consultation_id(self) -> int:
        return int(self.consultation.pk)

    @property
    def original(self) -> Path:
        return self.path / "original"

    @property
    def has_report(self) -> bool:
        return (self.path / "shown" / REPORT).is_file()


def of(*, consultation: Consultation, by: User, language: str) -> tuple[list[Made], int]:
    """What this person takes out with the images, and how many could not be made of their headers."""
    if not policies.may_export(by, consultation):
        return [], 0
    plan = export_plan.of(consultation, by, policies.exportable(by, consultation), language)
    if plan is None:
        return [], 0
    folder = _folder(plan)
    if not folder.is_dir():
        _make(plan, folder)
    os.utime(folder)  # in use: see `sweep`
    said = json.loads((folder / "index.json").read_text())
    made = [Made(consultation, folder / str(number), *each) for number, each in enumerate(said["made"])]
    return made, int(said["missing"])


def served(*, consultation: Consultation, by: User) -> list[Made]:
    """The same for programs, in the site's own language."""
    return of(consultation=consultation, by=by, language=settings.LANGUAGE_CODE)[0]


def described(made: Made) -> Described:
    """Its searched attributes."""
    return attributes.said_by_child(made.path / "shown")


def note_reading(*, made: Made, by: User, what: str = "read") -> None:
    """As `image.note_reading`: the row is the consultation's, and names the object."""
    if what != "read" or cache.add(f"derived-read-{by.pk}-{made.sop_uid}", 1, READ_ONCE_IN):
        detail = {"kind": made.modality, "sop_uid": made.sop_uid}
        action = f"derived.{what}"
        audit.record(by=by, action=action, thing=made.consultation, consultation=made.consultation, detail=detail)


def _folder(plan: dict[str, Any]) -> Path:
    said = json.dumps([EDITION, plan], sort_keys=True)
    return Path(settings.MEDIA_ROOT) / "derived" / hashlib.sha256(said.encode()).hexdigest()


def _make(plan: dict[str, Any], folder: Path) -> None:
    """By the child, beside; two who ask at the same time make the same, and one of both stays."""
    storage.need_room(0)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with storage.workplace(folder.parent) as work:
        source = work / "plan.json"
        source.write_text(json.dumps(plan))
        try:
            said = decoding.decode(kind="objects", source=source, into=work)
            index = {"made": [_kept(work / str(at), each) for at, each in enumerate(said["made"])]}
            index["missing"] = said["missing"]
        except decoding.Undecodable:
            index = {"made": [], "missing": len(plan["views"]) + len(plan["marks"])}  # type: ignore[dict-item]
        (work / "index.json").write_text(json.dumps(index))
        try:
            os.rename(work, folder)
        except OSError:
            if not folder.is_dir():
                raise


def _kept(path: Path, said: list[str]) -> list[Any]:
    """What the index says of one object. Raises Undecodable when the child left something else."""
    kind, *uids = said
    original = path / "original"
    fine = kind in KINDS and len(uids) == 3 and all(UID.fullmatch(uid) for uid in uids)
    if not fine or any(each.is_symlink() for each in (path, original, path / "shown")) or not original.is_file():
        raise decoding.Undecodable("damaged")
    return [kind, *uids, storage.digest(original), original.stat().st_size]


@outbox.every(timedelta(hours=1), "imaging.derived")
def sweep() -> None:
    """Forget what nobody asked for since yesterday."""
    for path in (Path(settings.MEDIA_ROOT) / "derived").glob("*"):
        if path.stat().st_mtime < time() - LEFT_FOR:
            storage.forget(path)
