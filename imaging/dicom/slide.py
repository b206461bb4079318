"""Whole slides of pathology (PS3.3 section A.32.8): thousands of tiles that are one picture, no film to be played.

Each instance of the kind VOLUME is one level of the slide. Its header is read here, its pixels by imaging/raster/slide.
"""

from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from imaging.dicom import facts, jsonmodel, meta, stored
from imaging.dicom.refused import Unreadable

CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage."""


def is_file(path: Path) -> bool:
    """By the class that the file meta group says: before all of it is read, which may be more than memory holds."""
    with path.open("rb") as file:
        return meta.read(file.read(4096)).sop_class == CLASS


def is_in(dataset: Dataset) -> bool:
    """A level of a slide, or the photo of its label, on which the patient may be written; by the class alone."""
    return str(dataset.get("SOPClassUID") or "").strip() == CLASS


def described(path: Path, into: Path) -> dict[str, Any]:
    """All facts but the pixels'; they may be more than fit into memory. Raises Unreadable `slide_label`."""
    dataset = dcmread(path, force=True, stop_before_pixels=True)
    kind = [str(part).upper() for part in dataset.get("ImageType") or []]
    if "LABEL" in kind or "OVERVIEW" in kind:
        raise Unreadable("slide_label")
    found = facts.header(dataset)
    if "PerFrameFunctionalGroupsSequence" in dataset:
        del dataset.PerFrameFunctionalGroupsSequence  # one item a tile; the original has them
    jsonmodel.write(dataset, into, stored.syntax_of(path, dataset))
    return {**found, "slide": 1}
