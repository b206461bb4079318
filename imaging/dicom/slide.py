"""Whole slides of pathology (PS3.3 section A.32.8): thousands of tiles that are one picture, no film to be played."""

from pydicom.dataset import Dataset

CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage."""


def is_in(dataset: Dataset) -> bool:
    """A level of a slide, or the photo of its label, on which the patient may be written; by the class alone."""
    return str(dataset.get("SOPClassUID") or "").strip() == CLASS
