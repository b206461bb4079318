"""Makes the DICOM objects that go out beside a study: key objects, presentation states, reports of measurements.

Runs in the limited child: it reads headers of strangers' files. What it is told is a plan, `plan.json`:
`{"images": {key: path}, "views": [...], "marks": [...], "keys": {...} | null, "salt": hex}`. The same plan makes the
same bytes under the same UIDs.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import highdicom
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom import jsonmodel, measured, presentation, report, source
from imaging.dicom.refused import Unreadable

MAKER = "Telemed"
SERIES = {"KO": 9001, "PR": 9002, "SR": 9003}
UTF_8 = "ISO_IR 192"
BESIDE = 100  # instance numbers from here on: presentation states of frames that are no key image
NEEDED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate")
NEEDED_TOO = ("StudyTime", "ReferringPhysicianName", "Manufacturer")


@dataclass
class Study:
    """What is said of one study: its instances by key, and the views and marks on them."""

    images: dict[str, Dataset] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)


def make(plan: Path, into: Path) -> dict[str, Any]:
    """Write every object to a folder `into`/<number>: `original`, and in `shown` its description and its words.

    `{"made": [[kind, study, series, instance], ...], "missing": count}`. One that cannot be made of these headers is
    counted as missing: the others are made.
    """
    said = json.loads(plan.read_text())
    made: list[list[str]] = []
    seen: set[str] = set()
    missing = 0
    for study in _studies(said).values():
        for build in _all(study, said):
            try:
                dataset = build()
            except Exception:  # a header can be wrong in any way, and each object looks at other elements
                missing += 1
                continue
            if dataset.SOPInstanceUID in seen:  # a key image that was chosen twice
                continue
            seen.add(str(dataset.SOPInstanceUID))
            _write(dataset, into / str(len(made)))
            uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
            made.append([dataset.Modality, *(str(uid) for uid in uids)])
    return {"made": made, "missing": missing}


def _write(dataset: Dataset, folder: Path) -> None:
    """As intake lays an image out, so that it is served the same way."""
    shown = folder / "shown"
    shown.mkdir(parents=True)
    dataset.save_as(folder / "original", enforce_file_format=True)
    again = source.read(folder / "original")
    jsonmodel.write(again, shown, ExplicitVRLittleEndian)
    if report.is_in(again):
        try:
            report.take_out(again, shown)
        except Unreadable:  # longer than is shown as words
            return


def _studies(said: dict[str, Any]) -> dict[str, Study]:
    """By StudyInstanceUID: an object never speaks of two."""
    found: dict[str, Study] = defaultdict(Study)
    of: dict[str, Study] = {}
    for key, path in said["images"].items():
        dataset = header(Path(path))
        of[key] = found[str(dataset.StudyInstanceUID)]
        of[key].images[key] = dataset
    for view in said["views"]:
        of[str(view["image"])].views.append(view)
    for mark in said["marks"]:
        of[str(mark["image"])].marks.append(mark)
    return dict(found)


def header(path: Path) -> Dataset:
    """The elements of a file without its pixels, with those that must be present but may be empty (type 2)."""
    dataset = source.read(path)
    for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if name in dataset:
            del dataset[name]
    for name in (*NEEDED, *NEEDED_TOO):
        if name not in dataset:
            setattr(dataset, name, "")
    if dataset.PatientSex not in ("M", "F", "O"):
        dataset.PatientSex = ""
    return dataset


def _all(study: Study, said: dict[str, Any]) -> Iterator[Callable[[], Dataset]]:
    own = partial(_named, said["salt"], str(next(iter(study.images.values())).StudyInstanceUID))
    if said["keys"] and study.views:
        named = own("KO", 1, [said["keys"], study.views])
        yield partial(_at, said["keys"]["at"], partial(_key_objects, study, said["keys"], named))
    for place, view in enumerate(presentation.views(study.views, study.marks), 1):
        image = study.images[str(view["image"])]
        number = place if place <= len(study.views) else BESIDE + int(image.get("InstanceNumber") or 0) + view["frame"]
        at = max(each["at"] for each in [view, *view["marks"]] if "at" in each)
        yield partial(_at, at, partial(presentation.state, image, view, own("PR", number, view)))
    for author in dict.fromkeys((mark["by"], mark["author"], mark["place"]) for mark in study.marks if mark["figures"]):
        marks = [mark for mark in study.marks if mark["figures"] and mark["by"] == author[0]]
        at = max(mark["at"] for mark in marks)
        yield partial(_at, at, partial(measured.report, study.images, marks, own("SR", 1, marks)))


def _named(salt: str, study: str, kind: str, number: int, content: object) -> dict[str, Any]:
    """UIDs that follow from what the object says (PS3.5 annex B.2); one series a study and kind."""
    return {
        "series_instance_uid": _uid(salt, study, kind),
        "series_number": SERIES[kind],
        "sop_instance_uid": _uid(salt, study, kind, json.dumps(content, sort_keys=True)),
        "instance_number": number,
        "manufacturer": MAKER,
        "specific_character_set": UTF_8,
    }


def _uid(*of: str) -> str:
    digest = hashlib.sha256("\n".join(of).encode()).hexdigest()
    return f"2.25.{int(digest[:32], 16)}"


def _at(at: str, build: Callable[[], Dataset]) -> Dataset:
    """Dated to what it says, not to when it was written: made again, it is the same."""
    dataset = build()
    for name in ("InstanceCreation", "Content", "PresentationCreation", "Series"):
        for part, value in (("Date", at[:8]), ("Time", at[8:])):
            if name + part in dataset:
                setattr(dataset, name + part, value)
    for each in dataset.get("ContributingEquipmentSequence", []):
        each.ContributionDateTime = at
    return dataset


def _key_objects(study: Study, keys: dict[str, Any], named: dict[str, Any]) -> Dataset:
    """The images of the signed opinion, chosen by who signed it (PS3.16 TID 2010)."""
    chosen = [study.images[key] for key in dict.fromkeys(str(view["image"]) for view in study.views)]
    content = highdicom.ko.KeyObjectSelection(
        document_title=codes.DCM.OfInterest,
        referenced_objects=chosen,
        observer_person_context=measured.observer(keys["signer"], keys["place"]),
        description=keys["words"] or None,
    )
    return highdicom.ko.KeyObjectSelectionDocument(evidence=chosen, content=content, **named)
