"""Frames of a data set as arrays, one at a time, by decoders in an order that we set."""

from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from imaging.dicom.refused import Unreadable

MAX_FRAME_PIXELS = 100_000_000
MAX_FRAMES = 20_000
MAX_DECODED = 1024 * 1024 * 1024
DECODED_FREE = 256 * 1024 * 1024
DECODED_RATIO = 1000

NATIVE = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
DECODERS: dict[str, tuple[str, ...]] = {
    JPEGBaseline8Bit: ("pillow", "gdcm"),
    JPEGExtended12Bit: ("pillow", "gdcm"),  # 8 bits; 12 bits go to imagecodecs
    JPEGLossless: ("gdcm",),
    JPEGLosslessSV1: ("gdcm",),
    JPEGLSLossless: ("pyjpegls", "gdcm"),
    JPEGLSNearLossless: ("pyjpegls", "gdcm"),
    JPEG2000Lossless: ("pylibjpeg", "gdcm"),
    JPEG2000: ("pylibjpeg", "gdcm"),
    HTJ2KLossless: ("pylibjpeg",),
    HTJ2KLosslessRPCL: ("pylibjpeg",),
    HTJ2K: ("pylibjpeg",),
    RLELossless: ("pylibjpeg", "pydicom"),
}

Frame = NDArray[Any]


def has_pixels(dataset: Dataset) -> bool:
    return any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))


def number_of_frames(dataset: Dataset) -> int:
    return max(1, int(dataset.get("NumberOfFrames") or 1))


def check_size(dataset: Dataset, file_size: int) -> None:
    """Compare what the header claims with our bounds and with the file, before anything is decoded."""
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    samples, allocated = int(dataset.get("SamplesPerPixel") or 1), int(dataset.get("BitsAllocated") or 0)
    frames = number_of_frames(dataset)
    if not (rows > 0 and columns > 0 and samples in (1, 3, 4) and allocated in (1, 8, 16, 32, 64)):
        raise Unreadable("damaged")
    if rows * columns > MAX_FRAME_PIXELS:
        raise Unreadable("too_many_pixels")
    if frames > MAX_FRAMES:
        raise Unreadable("too_many_frames")
    decoded = rows * columns * samples * frames * max(8, allocated) // 8
    if decoded > min(MAX_DECODED, max(DECODED_FREE, file_size * DECODED_RATIO)):
        raise Unreadable("too_many_frames" if frames > 1 else "too_many_pixels")
    if dataset.file_meta.TransferSyntaxUID in NATIVE and "PixelData" in dataset:
        needed = rows * columns * samples * frames * allocated // 8
        if dataset.PhotometricInterpretation == "YBR_FULL_422":
            needed = needed * 2 // 3
        if len(dataset.PixelData) < needed:
            raise Unreadable("truncated")


def check_syntax(dataset: Dataset) -> None:
    """Raise Unreadable for a transfer syntax that none of our decoders knows."""
    if dataset.file_meta.TransferSyntaxUID not in (*NATIVE, *DECODERS):
        raise Unreadable("unsupported_syntax")


def frames(dataset: Dataset) -> Iterator[Frame]:
    """Every frame, grey as stored (rows, columns) or colour (rows, columns, 3) in 8 bits. Raises Unreadable."""
    if dataset.file_meta.TransferSyntaxUID in NATIVE:
        yield from _coloured(dataset, _by_pydicom(dataset, ""))
    elif _is_deep_jpeg(dataset):
        yield from stored(dataset)
    else:
        yield from _coloured(dataset, stored(dataset))


def stored(dataset: Dataset) -> Iterator[Frame]:
    """Frames of a compressed data set as `frames` gives them, but palette indices stay indices. Raises Unreadable."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if _is_deep_jpeg(dataset):
        yield from _by_imagecodecs(dataset)
    elif syntax in DECODERS:
        yield from _by_first_able(dataset, DECODERS[syntax])
    else:
        raise Unreadable("unsupported_syntax")


def _is_deep_jpeg(dataset: Dataset) -> bool:
    """JPEG of 12 bits."""
    return dataset.file_meta.TransferSyntaxUID == JPEGExtended12Bit and int(dataset.get("BitsAllocated") or 8) > 8


def _by_first_able(dataset: Dataset, plugins: tuple[str, ...]) -> Iterator[Frame]:
    """Frames by the first plugin that decodes the first one; a later failure is the file's fault."""
    for plugin in plugins:
        found = _by_pydicom(dataset, plugin)
        try:
            first = next(found)
        except StopIteration:
            raise Unreadable("damaged") from None
        except Exception:
            if plugin == plugins[-1]:
                raise
            continue
        yield first
        yield from found
        return


def _by_pydicom(dataset: Dataset, plugin: str) -> Iterator[Frame]:
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    for index in range(number_of_frames(dataset)):
        array, _ = decoder.as_array(dataset, index=index, decoding_plugin=plugin, as_rgb=True)  # type: ignore[arg-type]
        yield array


def _by_imagecodecs(dataset: Dataset) -> Iterator[Frame]:
    """12-bit JPEG: Pillow and gdcm refuse it."""
    count = number_of_frames(dataset)
    found = 0
    for encoded in generate_frames(dataset.PixelData, number_of_frames=count):
        if found == count:
            break
        array = imagecodecs.jpeg_decode(encoded)
        if array.shape[:2] != (dataset.Rows, dataset.Columns):
            raise Unreadable("damaged")
        found += 1
        yield array
    if found < count:
        raise Unreadable("truncated")


def _coloured(dataset: Dataset, found: Iterator[Frame]) -> Iterator[Frame]:
    palette = dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
    for array in found:
        yield eight_bits(apply_color_lut(array, dataset)) if palette else array


def eight_bits(array: Frame) -> NDArray[np.uint8]:
    """The most significant eight bits of each sample."""
    if array.dtype.itemsize == 1:
        return array.astype(np.uint8)
    return (array >> (array.dtype.itemsize * 8 - 8)).astype(np.uint8)
