"""The index of a disc, DICOMDIR (PS3.3 annex F): which files it names. Runs only in the limited child."""

from pathlib import Path

from pydicom import dcmread

from imaging.dicom.refused import Unreadable

MOST_RECORDS = 50_000
SHOWN = 20  # of what is missing, by name


def missing(index: Path, folder: str, names: set[str]) -> dict[str, object]:
    """How many `files` the index in `folder` names, how many of them are not among `names`, and the first of these.

    `names` are in small letters, with / between; a disc's own names are capitals, and systems change that.
    """
    said = files(index)
    lost = [name for name in said if f"{folder}{name}".lower() not in names]
    return {"files": len(said), "lost": len(lost), "names": [name[:100] for name in lost[:SHOWN]]}


def files(index: Path) -> list[str]:
    """Referenced File IDs (0004,1500) as paths. Raises Unreadable."""
    records = dcmread(index).get("DirectoryRecordSequence") or []
    if len(records) > MOST_RECORDS:
        raise Unreadable("too_many_files")
    named = [record.get("ReferencedFileID") for record in records]
    return ["/".join([each] if isinstance(each, str) else list(each)) for each in named if each]
