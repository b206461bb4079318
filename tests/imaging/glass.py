"""Slides made for the tests: a picture in which every place differs, as SVS, pyramid TIFF and DICOM."""

import io
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Picture
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from imaging.dicom.slide import CLASS

MPP = 0.5  # micrometres
TILE = 256


def tissue(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    """Smooth waves in pink and violet: JPEG keeps them, and no two places are alike."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    red = 160 + 60 * np.sin(x / 40 + seed) + 35 * np.sin(y / 300)
    green = 110 + 50 * np.cos(y / 50 + seed) + 35 * np.sin(x / 400)
    blue = 150 + 50 * np.sin((x + y) / 70) + 30 * np.cos(x / 500)
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


def halved(picture: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    return np.asarray(Picture.fromarray(picture).reduce(times))


def svs(picture: NDArray[np.uint8], *, label: NDArray[np.uint8] | None = None) -> bytes:
    """As Aperio writes it: the slide, a thumbnail in strips, a level of a quarter, the label."""
    out = io.BytesIO()
    height, width = picture.shape[:2]
    said = f"Aperio Image Library v12.0.15\r\n{width}x{height} [0,0 {width}x{height}] ({TILE}x{TILE}) JPEG/RGB Q=90"
    said += f"|AppMag = 20|MPP = {MPP}|Patient = Wang XiaoDong"
    tiled: dict[str, Any] = {"tile": (TILE, TILE), "compression": "jpeg", "compressionargs": {"level": 95}}
    plain: dict[str, Any] = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(out) as file:
        file.write(picture, description=said, **tiled, **plain)
        file.write(halved(picture, 16), description="Aperio thumbnail", **plain)
        file.write(halved(picture, 4), description=said, **tiled, **plain)
        if label is not None:
            file.write(label, description="Aperio Image Library\r\nlabel 64x64", subfiletype=1, **plain)
    return out.getvalue()


def pyramid(picture: NDArray[np.uint8], **more: Any) -> bytes:
    """A TIFF in tiles with levels of a half and a quarter; says no scale."""
    out = io.BytesIO()
    tiled: dict[str, Any] = {"tile": (TILE, TILE), "photometric": "rgb", "metadata": None, **more}
    with tifffile.TiffWriter(out) as file:
        file.write(picture, **tiled)
        for times in (2, 4):
            file.write(halved(picture, times), subfiletype=1, **tiled)
    return out.getvalue()


def wsi(picture: NDArray[np.uint8], *, kind: str = "VOLUME", series: str = "", **elements: Any) -> bytes:
    """One instance of a DICOM slide (PS3.3 A.32.8), tiled fully, JPEG."""
    height, width = picture.shape[:2]
    columns, rows = -(-width // TILE), -(-height // TILE)
    whole = np.full((rows * TILE, columns * TILE, 3), 255, np.uint8)
    whole[:height, :width] = picture
    frames = []
    for row in range(rows):
        for column in range(columns):
            out = io.BytesIO()
            part = whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            Picture.fromarray(part).save(out, "JPEG", quality=95, subsampling=0)
            frames.append(out.getvalue())
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = CLASS
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    made.SeriesInstanceUID = series or generate_uid()
    made.StudyInstanceUID, made.FrameOfReferenceUID = generate_uid(), generate_uid()
    made.Modality, made.PatientName, made.PatientID = "SM", "", ""
    made.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    made.SpecimenLabelInImage = "YES" if kind == "LABEL" else "NO"
    made.DimensionOrganizationType = "TILED_FULL"
    made.NumberOfFrames, made.Rows, made.Columns = len(frames), TILE, TILE
    made.TotalPixelMatrixColumns, made.TotalPixelMatrixRows = width, height
    made.TotalPixelMatrixFocalPlanes = made.NumberOfOpticalPaths = 1
    made.ImagedVolumeWidth, made.ImagedVolumeHeight, made.ImagedVolumeDepth = (
        width * MPP / 1e3,
        height * MPP / 1e3,
        0.001,
    )
    made.SamplesPerPixel, made.PlanarConfiguration, made.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.LossyImageCompression = "01"
    measures, shared, path = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [MPP / 1000, MPP / 1000], 0.001
    shared.PixelMeasuresSequence = [measures]
    path.OpticalPathIdentifier, path.ObjectiveLensPower = "1", 20
    made.SharedFunctionalGroupsSequence, made.OpticalPathSequence = [shared], [path]
    for name, value in elements.items():
        setattr(made, name, value)
    made.PixelData = encapsulate(frames)
    made["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()
