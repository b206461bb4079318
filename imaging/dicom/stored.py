"""Frames with the values that the file stores: as the device sent them, and uncompressed. Runs in the limited child."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRBigEndian

from imaging.dicom import jsonmodel, meta, pixels, source
from imaging.dicom.refused import Unreadable


def write(path: Path, into: Path) -> dict[str, Any]:
    """`into`/raw (frames one after the other, little endian), `encoded` when the file is compressed, metadata.json.

    `lengths` are the bytes of each encoded frame; empty when the file is not compressed.
    """
    dataset = source.read(path)
    if not pixels.has_pixels(dataset):
        raise Unreadable("no_pixels")
    pixels.check_size(dataset, path.stat().st_size)
    jsonmodel.write(dataset, into, syntax_of(path, dataset))
    count = pixels.number_of_frames(dataset)
    lengths: list[int] = []
    if dataset.file_meta.TransferSyntaxUID in pixels.NATIVE:
        (into / "raw").write_bytes(_native(dataset, count))
    else:
        with (into / "encoded").open("wb") as out:
            for frame in generate_frames(dataset.PixelData, number_of_frames=count):
                lengths.append(out.write(frame))
        with (into / "raw").open("wb") as out:
            for array in pixels.stored(dataset):
                out.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    found = {"frames": count, "lengths": lengths[:count]}
    (into / "index.json").write_text(json.dumps(found))
    return found


def syntax_of(path: Path, dataset: Dataset) -> str:
    """The transfer syntax of the file, also where the data set was inflated."""
    with path.open("rb") as file:
        said = meta.read(file.read(4096)).syntax
    return said or str(dataset.file_meta.TransferSyntaxUID)


def _native(dataset: Dataset, count: int) -> bytes:
    """The value of the pixel data, little endian and without padding."""
    name = next(name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in dataset)
    value: bytes = dataset[name].value
    allocated = int(dataset.BitsAllocated)
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1) * allocated
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        bits = bits * 2 // 3
    if bits % 8 and count > 1:
        raise Unreadable("unsupported_syntax")  # frames that begin within a byte
    value = value[: -(-bits // 8) * count]
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian and allocated > 8:
        value = np.frombuffer(value, f">u{allocated // 8}").astype(f"<u{allocated // 8}").tobytes()
    return value
