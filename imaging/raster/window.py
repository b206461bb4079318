"""Grey values to 8 bits: window and level (DICOM PS3.3 C.11.2.1.2), VOI tables, presets. Pure numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 1e7


@dataclass(frozen=True, slots=True)
class Window:
    """`center` and `width` in the image's own units (Hounsfield for CT); `shape` LINEAR, LINEAR_EXACT or SIGMOID."""

    center: float
    width: float
    shape: str = "LINEAR"


CT_PRESETS: dict[str, Window] = {
    "soft": Window(40, 400),
    "lung": Window(-600, 1500),
    "bone": Window(500, 2000),
    "brain": Window(40, 80),
    "mediastinum": Window(50, 350),
}


def apply(values: NDArray, window: Window, *, invert: bool = False) -> NDArray[np.uint8]:
    """Grey levels 0-255 of `values` (any real dtype) under `window`."""
    width = max(float(window.width), 1e-6)
    center = float(window.center)
    work = values.astype(np.float32)
    if window.shape == "SIGMOID":
        work = 255.0 / (1.0 + np.exp(np.clip(-4.0 * (work - center) / width, -60, 60)))
    elif window.shape == "LINEAR_EXACT" or width <= 1:
        work = ((work - center) / width + 0.5) * 255.0
    else:
        work = ((work - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
    grey = np.rint(np.clip(work, 0, 255)).astype(np.uint8)
    return 255 - grey if invert else grey


def apply_table(
    values: NDArray, table: NDArray[np.uint16], *, first: int, bits: int, invert: bool = False
) -> NDArray[np.uint8]:
    """Grey levels by a VOI LUT whose first entry is for the value `first` and whose entries have `bits` bits."""
    index = np.clip(values.astype(np.int64) - first, 0, len(table) - 1)
    grey = (table[index].astype(np.float32) * (255.0 / ((1 << bits) - 1))).clip(0, 255).astype(np.uint8)
    return 255 - grey if invert else grey


def automatic(low: float, high: float) -> Window:
    """The window that spreads `low`..`high` over all greys."""
    return Window((low + high) / 2, max(high - low, 1.0))
