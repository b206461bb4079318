"""A DICOM file without its patient (PS3.15 annex E, Basic Application Level Confidentiality Profile). In the child.

Stricter than the table where it is silent: names, dates and times that it does not list are emptied, UIDs that are not
the standard's own are replaced, free texts, what the dictionary does not know and values of another kind than it says
are removed. Pixels stay as they are: what is written in them, a person has to see.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, UID_dictionary

from imaging.dicom import pixels, source
from imaging.dicom.deidentify_table import ACTIONS, CHOICE
from imaging.dicom.refused import Unreadable

CURVES, OVERLAYS = range(0x5000, 0x5100), range(0x6000, 0x6100)
EMPTIED = frozenset({"PN", "DA", "DT", "TM"})
REMOVED = frozenset({"LT", "ST", "UT", "UN", "UR", "AE"})
METHOD = "PS3.15 Basic Application Level Confidentiality Profile"
DUMMY: dict[str, Any] = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "AS": "000Y",
    "PN": "Anonymous",
    "IS": "0",
    "DS": "0",
    "CS": "REMOVED",
    "UR": "urn:removed",
    "OB": b"\0\0",
    "OW": b"\0\0",
    "UN": b"\0\0",
    "SQ": [],
}
NUMBERS = frozenset({"US", "UL", "SS", "SL", "FL", "FD", "UV", "SV", "AT"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010, 0x7FE00001, 0x7FE00002, 0x7FE00003})


def write(plan: Path, into: Path) -> dict[str, Any]:
    """De-identify the file that `plan` names (`{"path", "key", "checked"}`) as `into`/out.dcm; its new UIDs."""
    said = json.loads(plan.read_text())
    dataset = source.read(Path(said["path"]))
    if source.is_cut(dataset) or not pixels.has_pixels(dataset):
        raise Unreadable("no_pixels")
    syntax = dataset.file_meta.TransferSyntaxUID
    made = cleaned(dataset, bytes.fromhex(said["key"]))
    if said["checked"]:
        made.BurnedInAnnotation = "NO"
    made.preamble = bytes(128)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    made.save_as(into / "out.dcm", enforce_file_format=True)
    return {name: str(made[name].value) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}


def cleaned(dataset: Dataset, key: bytes) -> Dataset:
    """The same data set changed in place. `key` makes new UIDs: the same key and UID, the same new one."""
    _clean(dataset, key)
    alias = f"ANON-{hmac.new(key, b'patient', hashlib.sha256).hexdigest()[:8].upper()}"
    dataset.PatientName, dataset.PatientID = alias, alias
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = [_code(codes.DCM.BasicApplicationConfidentialityProfile)]
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    return dataset


def _code(code: Any) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def replaced(uid: str, key: bytes) -> str:
    """Another UID that nobody without the key can trace back (PS3.5 annex B.2)."""
    number = int.from_bytes(hmac.new(key, uid.encode(), hashlib.sha256).digest()[:16], "big")
    return f"2.25.{number}"


def _clean(dataset: Dataset, key: bytes) -> None:
    for tag in list(dataset.keys()):
        if not _is_known(tag):
            del dataset[tag]
            continue
        element = dataset[tag]
        action = _action(element)
        if action == "X":
            del dataset[tag]
        elif action == "Z":
            element.value = [] if element.VR == "SQ" else None
        elif action == "D" and element.VR != "UI":
            element.value = _dummy(element)
        elif action in ("D", "U"):
            _replace(element, key)
        elif element.VR == "SQ":
            for item in element.value:
                _clean(item, key)


def _is_known(tag: Any) -> bool:
    """No command, private attribute, curve, overlay or group length, and in the dictionary (PS3.6)."""
    group = int(tag) >> 16
    is_repeating = group in CURVES or group in OVERLAYS
    return group > 2 and not (group % 2 or is_repeating or int(tag) & 0xFFFF == 0) and dictionary_has_tag(tag)


def _action(element: DataElement) -> str:
    """X, Z, D, U or K: by the table, else by the kind of value."""
    said = ACTIONS.get(int(element.tag))
    if element.VR not in dictionary_VR(element.tag).split(" or "):
        return "X"
    if said:
        return CHOICE.get(said, said)
    if element.tag in PIXELS:
        return "K"
    if element.VR == "UI":
        return "U"
    if element.VR in EMPTIED:
        return "Z"
    return "X" if element.VR in REMOVED else "K"


def _dummy(element: DataElement) -> Any:
    """A value of the same kind that says nothing."""
    if element.VR in NUMBERS:
        return 0
    if element.VR == "SQ":
        return Sequence()
    return DUMMY.get(element.VR, "REMOVED")


def _replace(element: DataElement, key: bytes) -> None:
    """UIDs that the standard has given out name no study, series or patient: they stay."""
    value = element.value
    several = [value] if isinstance(value, str) else list(value or [])
    found = [UID(uid if not uid or str(uid) in UID_dictionary else replaced(str(uid), key)) for uid in several]
    element.value = found[0] if len(found) == 1 else (found or None)
