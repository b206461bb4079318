"""Makes the DICOM objects that go out beside a study: key objects, presentation states, reports of measurements.

Runs in the limited child: it reads headers of strangers' files. What it is told is a plan, `plan.json`:
`{"images": {key: path}, "views": [...], "marks": [...], "keys": {...} | null}`.
"""

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
from pydicom.uid import generate_uid

from imaging.dicom import measured, presentation, source

MAKER = "Telemed"
SERIES = {"KO": 9001, "PR": 9002, "SR": 9003}
UTF_8 = "ISO_IR 192"
NEEDED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate")
NEEDED_TOO = ("StudyTime", "ReferringPhysicianName", "Manufacturer")


@dataclass
class Study:
    """What is said of one study: its instances by key, and the views and marks on them."""

    images: dict[str, Dataset] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)


def make(plan: Path, into: Path) -> dict[str, Any]:
    """Write every object as `into`/<number>.dcm: `{"made": [[kind, study, series, instance], ...], "missing": count}`.

    One that cannot be made of these headers is counted as missing: the others are made.
    """
    said = json.loads(plan.read_text())
    made: list[list[str]] = []
    missing = 0
    for study in _studies(said).values():
        for build in _all(study, said):
            try:
                dataset = build()
            except Exception:  # a header can be wrong in any way, and each object looks at other elements
                missing += 1
                continue
            dataset.save_as(into / f"{len(made)}.dcm", enforce_file_format=True)
            uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
            made.append([dataset.Modality, *(str(uid) for uid in uids)])
    return {"made": made, "missing": missing}


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
    numbers = dict.fromkeys(SERIES, 0)
    series = {kind: generate_uid() for kind in SERIES}

    def next_of(kind: str) -> dict[str, Any]:
        numbers[kind] += 1
        return {
            "series_instance_uid": series[kind],
            "series_number": SERIES[kind],
            "sop_instance_uid": generate_uid(),
            "instance_number": numbers[kind],
            "manufacturer": MAKER,
            "specific_character_set": UTF_8,
        }

    if said["keys"] and study.views:
        yield partial(_key_objects, study, said["keys"], next_of("KO"))
    for view in presentation.views(study.views, study.marks):
        yield partial(presentation.state, study.images[str(view["image"])], view, next_of("PR"))
    for author in dict.fromkeys((mark["by"], mark["author"], mark["place"]) for mark in study.marks if mark["figures"]):
        own = [mark for mark in study.marks if mark["figures"] and mark["by"] == author[0]]
        yield partial(measured.report, study.images, own, next_of("SR"))


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
