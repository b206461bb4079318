"""DICOM files drawn by formula, whose truth a test knows: odd spacing, a slope, noise with a seed."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.imaging.doors import real

ROWS, COLUMNS = 48, 64
SLOPE, INTERCEPT = 2, -1000
SPACING = (0.5, 0.8)
"""Millimetres down and across: pixels are wider than high."""


def stored(seed: int = 1) -> NDArray[np.int16]:
    """Noise on a slope, as the device stores it."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    noise = np.random.default_rng(seed).normal(0, 9, (ROWS, COLUMNS))
    return (400 + 3 * x + 5 * y + noise).astype("<i2")


def truth(seed: int = 1) -> NDArray[np.float64]:
    """The same in Hounsfield units."""
    return stored(seed).astype(float) * SLOPE + INTERCEPT


def ct(seed: int = 1, **elements: Any) -> bytes:
    """A CT of nobody in particular; `elements` are set by keyword, None takes one away."""
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        setattr(dataset, name, "")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.PixelSpacing = list(SPACING)
    dataset.RescaleSlope, dataset.RescaleIntercept = SLOPE, INTERCEPT
    dataset.WindowCenter, dataset.WindowWidth = 0, 800
    dataset.PixelData = stored(seed).tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def series(count: int, **elements: Any) -> list[bytes]:
    """So many slices of one series."""
    uid = generate_uid()
    return [ct(number, SeriesInstanceUID=uid, InstanceNumber=number, **elements) for number in range(1, count + 1)]
