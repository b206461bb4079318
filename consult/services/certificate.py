"""The hospitals' certificates: where their keys are, and whether they can sign today."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import Hospital
from consult.paper.seal import Sealer, Unreadable, open_file

Reason = Literal["missing", "unreadable", "expired", "not_yet"]
WARNING = timedelta(days=30)
REASONS: dict[Reason, Promise] = {
    "missing": _("The hospital has no certificate."),
    "unreadable": _("The hospital's certificate cannot be read."),
    "expired": _("The hospital's certificate has expired."),
    "not_yet": _("The hospital's certificate is not valid yet."),
}


class Unusable(Exception):
    """The hospital cannot sign now, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Standing:
    """A hospital's certificate as it is today; `reason` when it cannot be used, `ends_soon` in its last 30 days."""

    hospital: Hospital
    sealer: Sealer | None
    reason: Reason | None

    @property
    def ends_soon(self) -> bool:
        return self.reason is None and self.sealer is not None and self.sealer.valid_until < timezone.now() + WARNING

    @property
    def words(self) -> Promise | str:
        return REASONS[self.reason] if self.reason else ""


def standing(hospital: Hospital) -> Standing:
    sealer = None
    try:
        sealer = _found(hospital)
        now = timezone.now()
        if now > sealer.valid_until:
            raise Unusable("expired")
        if now < sealer.valid_from:
            raise Unusable("not_yet")
    except Unusable as unusable:
        return Standing(hospital, sealer, unusable.reason)
    return Standing(hospital, sealer, None)


def of(hospital: Hospital) -> Sealer:
    """The hospital's key, ready to sign. Raises Unusable."""
    found = standing(hospital)
    if found.sealer is None or found.reason:
        raise Unusable(found.reason or "missing")
    return found.sealer


def place(code: str) -> Path:
    """Where the PKCS#12 file of the hospital with this code is; its passphrase is beside it, in `<code>.pass`."""
    return Path(settings.SEAL_KEYS) / f"{code}.p12"


def _found(hospital: Hospital) -> Sealer:
    file = place(hospital.code)
    words = file.with_suffix(".pass")
    try:
        return _read(file, file.stat().st_mtime_ns, words.stat().st_mtime_ns if words.exists() else 0)
    except FileNotFoundError as error:
        raise Unusable("missing") from error
    except (Unreadable, OSError) as error:
        raise Unusable("unreadable") from error


@lru_cache(maxsize=256)
def _read(file: Path, _changed: int, _words_changed: int) -> Sealer:
    """Read once: deriving the file's key takes some 50 ms. A changed file is another one."""
    words = file.with_suffix(".pass")
    return open_file(file, words.read_bytes().strip() if words.exists() else b"")
