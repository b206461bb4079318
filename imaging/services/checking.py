"""Asks the limited child, before a program or device is answered, whether what it sent can be shown at all."""

import json
from dataclasses import dataclass
from pathlib import Path

from imaging.models import Reason
from imaging.services import decoding, storage

BATCH = 100  # files that one fork of the child reads


@dataclass(frozen=True, slots=True)
class Claim:
    """Of one DICOM file: the Study Instance UID it names, and the Reason it is refused for, or ""."""

    refused: str = ""
    study: str = ""


def claims(paths: list[Path]) -> list[Claim]:
    """Of each file, in order; they lie in one folder. Pixels are not decoded: what is wrong in them comes out later."""
    found: list[Claim] = []
    for first in range(0, len(paths), BATCH):
        found += _together(paths[first : first + BATCH])
    return found


def _together(paths: list[Path]) -> list[Claim]:
    """By one fork; when one file brings it down, each by a fork of its own."""
    with storage.workplace(paths[0].parent) as work:
        plan = work / "plan.json"
        plan.write_text(json.dumps([str(path) for path in paths]))
        try:
            said = decoding.decode(kind="claims", source=plan, into=work)["files"]
        except decoding.Undecodable as error:
            if len(paths) == 1:
                return [Claim(refused=_known(error.code))]
            return [claim for path in paths for claim in _together([path])]
    if len(said) != len(paths):
        return [Claim(refused=Reason.DAMAGED) for _path in paths]
    return [Claim(refused=_known(str(each["refused"])), study=str(each["study"])) for each in said]


def _known(code: str) -> str:
    return code if not code or code in Reason.values else Reason.DAMAGED
