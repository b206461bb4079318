"""A DICOM file to what the site serves: `frames.raw` (one array after the other), `voi.raw`, and facts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

from imaging.dicom import (
    claims,
    document,
    facts,
    jsonmodel,
    pixels,
    planes,
    regions,
    report,
    slide,
    source,
    stored,
    waveform,
)
from imaging.dicom.refused import Unreadable

SAMPLE = 65_536


class _TooNarrow(Exception):
    """A frame's values do not fit the type tried."""


def normalise(path: Path, into: Path, keep: Callable[[list[waveform.Lead], Path], dict[str, Any]]) -> dict[str, Any]:
    """Write `into`/frames.raw in the returned dtype (little endian, C order) and return all facts of the image.

    Grey values are in the modality's units (Hounsfield for CT); colour is RGB in 8 bits. Of an encapsulated document
    only the document is taken out: its pages are not drawn here. Of a structured report its content, of an
    electrocardiogram its leads, by `keep`. Raises Unreadable.
    """
    if slide.is_file(path):
        return {"kind": "dicom", **slide.described(path, into)}
    dataset = source.read(path)
    if slide.is_in(dataset):
        return {"kind": "dicom", **slide.described(path, into)}
    claims.check(dataset, path.stat().st_size)
    found = facts.header(dataset)
    if inner := next((each for each in (document, report) if each.is_in(dataset)), None):
        found |= inner.take_out(dataset, into)
        jsonmodel.write(dataset, into, stored.syntax_of(path, dataset))
        return {"kind": "dicom", **found}
    if waveform.is_in(dataset):
        jsonmodel.write(dataset, into, stored.syntax_of(path, dataset))
        return {"kind": "dicom", **found, **keep(waveform.leads(dataset), into)}
    jsonmodel.write(dataset, into, stored.syntax_of(path, dataset))
    found |= _frames(dataset, into / "frames.raw")
    described = json.loads((into / "metadata.json").read_text())
    found |= planes.of(described, found["frames"]) | regions.of(described)
    found["invert"] = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    found["voi"] = None if found["samples"] == 3 or found["windows"] else _voi_table(dataset, into / "voi.raw")
    return {"kind": "dicom", **found}


def _frames(dataset: Dataset, path: Path) -> dict[str, Any]:
    """Write the frames in the narrowest of a few types that holds every value."""
    for dtype in ("|u1", "<i2", "<i4", "<f8") if _is_whole(dataset) else ("<f4",):
        try:
            return _write(dataset, path, np.dtype(dtype))
        except _TooNarrow:
            continue
    raise Unreadable("damaged")


def _write(dataset: Dataset, path: Path, dtype: np.dtype[Any]) -> dict[str, Any]:
    count, low, high, shape, samples = 0, np.inf, -np.inf, (0, 0), 1
    with path.open("wb") as out:
        for frame in _values(dataset):
            samples = 3 if frame.ndim == 3 else 1
            if samples == 3:
                dtype = np.dtype("u1")
            else:
                low, high = _spread(frame, low, high)
                if dtype.kind in "iu" and not _fits(frame, dtype):
                    raise _TooNarrow
            shape = frame.shape[:2]
            if shape != (dataset.Rows, dataset.Columns):
                raise Unreadable("damaged")
            out.write(np.ascontiguousarray(frame, dtype).tobytes())
            count += 1
    return {
        "dtype": dtype.str,
        "frames": count,
        "height": shape[0],
        "width": shape[1],
        "samples": samples,
        "low": float(low) if samples == 1 else 0.0,
        "high": float(high) if samples == 1 else 255.0,
    }


def _values(dataset: Dataset) -> Iterator[NDArray[Any]]:
    """Frames in the modality's units, or RGB of 8 bits."""
    slope, intercept = facts.rescale(dataset)
    stored = int(dataset.get("BitsStored") or 8)
    for frame in pixels.frames(dataset):
        if frame.ndim == 3:
            yield frame if frame.dtype.itemsize == 1 else (frame >> max(0, stored - 8)).astype(np.uint8)
        elif dataset.get("ModalityLUTSequence"):
            yield apply_modality_lut(frame, dataset)
        elif (slope, intercept) == (1.0, 0.0):
            yield frame
        elif _is_whole(dataset):
            yield frame.astype(np.int64) * int(slope) + int(intercept)
        else:
            yield frame.astype(np.float64) * slope + intercept


def _is_whole(dataset: Dataset) -> bool:
    """Whether every value is an integer."""
    if "PixelData" not in dataset:
        return False
    slope, intercept = facts.rescale(dataset)
    return slope.is_integer() and intercept.is_integer() and abs(slope) < 2**20 and abs(intercept) < 2**31


def _fits(frame: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    bounds = np.iinfo(dtype)
    return int(frame.min()) >= bounds.min and int(frame.max()) <= bounds.max


def _spread(frame: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Half a per cent off both ends, over a sample: what an automatic window shows."""
    sample = frame.ravel()[:: max(1, frame.size // SAMPLE)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return low, high
    ends = np.percentile(sample, (0.5, 99.5))
    return min(low, float(ends[0])), max(high, float(ends[1]))


def _voi_table(dataset: Dataset, path: Path) -> dict[str, int] | None:
    """The first VOI LUT as 16-bit entries in `path`; how to index it (PS3.3 C.11.2.1.1)."""
    try:
        item = dataset.VOILUTSequence[0]
        count, first, bits = (int(number) for number in item.LUTDescriptor)
        table = item.LUTData
        entries = np.frombuffer(table, "<u2") if isinstance(table, bytes) else np.asarray(table)
    except Exception:  # no table, or not one that can be used: the automatic window serves
        return None
    count = count or 65_536
    if not (8 <= bits <= 16) or len(entries) < count:
        return None
    path.write_bytes(np.ascontiguousarray(entries[:count], "<u2").tobytes())
    return {"first": first, "bits": bits, "count": count}
