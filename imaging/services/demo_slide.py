"""A whole slide for the demo: glands in a stroma, stained with haematoxylin and eosin, drawn by code."""

import io
import math
import random

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFilter
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, generate_uid

from imaging.dicom.slide import CLASS

SIZE = (3072, 2304)  # pixels
TILE, MPP = 512, 0.5  # pixels a side, micrometres a pixel
GLASS, STROMA, CELL, LUMEN = (246, 243, 245), (232, 176, 200), (214, 148, 186), (248, 240, 246)
NUCLEI = ((94, 58, 132), (112, 70, 148), (78, 46, 116))


def instance(seed: int) -> Dataset:
    """One instance of VL Whole Slide Microscopy (PS3.3 A.32.8), tiled fully, of nobody."""
    width, height = SIZE
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = UID(CLASS)
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    made.Modality, made.SeriesNumber, made.InstanceNumber, made.SeriesDescription = "SM", 1, 1, "HE 20x"
    made.ImageType, made.SpecimenLabelInImage = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], "NO"
    made.DimensionOrganizationType, made.LossyImageCompression = "TILED_FULL", "01"
    made.Rows = made.Columns = TILE
    made.TotalPixelMatrixColumns, made.TotalPixelMatrixRows = width, height
    made.TotalPixelMatrixFocalPlanes = made.NumberOfOpticalPaths = 1
    made.ImagedVolumeWidth, made.ImagedVolumeHeight, made.ImagedVolumeDepth = (
        width * MPP / 1e3,
        height * MPP / 1e3,
        0.001,
    )
    made.SamplesPerPixel, made.PlanarConfiguration, made.PhotometricInterpretation = 3, 0, "YBR_FULL_422"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    measures, shared, path = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [MPP / 1000, MPP / 1000], 0.001
    shared.PixelMeasuresSequence = [measures]
    path.OpticalPathIdentifier, path.ObjectiveLensPower = "1", 20
    made.SharedFunctionalGroupsSequence, made.OpticalPathSequence = [shared], [path]
    frames = _tiles(tissue(seed))
    made.NumberOfFrames = len(frames)
    made.PixelData = encapsulate(frames)
    made["PixelData"].is_undefined_length = True
    return made


def _tiles(picture: Picture.Image) -> list[bytes]:
    made = []
    for top in range(0, picture.height, TILE):
        for left in range(0, picture.width, TILE):
            out = io.BytesIO()
            picture.crop((left, top, left + TILE, top + TILE)).save(out, "JPEG", quality=85, subsampling=0)
            made.append(out.getvalue())
    return made


def tissue(seed: int) -> Picture.Image:
    """A piece of tissue on glass: loose stroma, and glands whose nuclei stand around their lumen."""
    chance = random.Random(seed)  # noqa: S311
    width, height = SIZE
    noise = np.random.default_rng(seed)
    coarse = Picture.fromarray(noise.integers(0, 255, (48, 64), np.uint8)).resize(SIZE, Picture.Resampling.BICUBIC)
    fibres = Picture.fromarray(noise.integers(0, 255, (768, 128), np.uint8)).resize(SIZE, Picture.Resampling.BICUBIC)
    shade = (np.asarray(coarse, np.float32) - 127) / 9 + (np.asarray(fibres, np.float32) - 127) / 8
    ground = np.asarray(STROMA, np.float32) + shade[..., None] * (0.5, 1.0, 0.7)
    picture = Picture.fromarray(ground.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(2000):
        _nucleus(pen, chance, chance.uniform(0, width), chance.uniform(0, height), 5, chance.uniform(0, math.pi))
    for _ in range(55):
        _gland(pen, chance, chance.uniform(200, width - 200), chance.uniform(200, height - 200))
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))
    return Picture.composite(picture, Picture.new("RGB", SIZE, GLASS), _outline(coarse))


def _outline(coarse: Picture.Image) -> Picture.Image:
    """Where the tissue lies: an ellipse with a ragged edge."""
    y, x = np.mgrid[-1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[0] * 1j]
    ragged = (np.asarray(coarse, np.float32) - 127) / 900
    inside = (x / 0.9) ** 2 + (y / 0.88) ** 2 + ragged < 1
    return Picture.fromarray((inside * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(4))


def _gland(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, y: float) -> None:
    wide, high = chance.uniform(60, 150), chance.uniform(50, 120)
    pen.ellipse([x - wide, y - high, x + wide, y + high], fill=CELL)
    inner = chance.uniform(0.35, 0.6)
    pen.ellipse([x - wide * inner, y - high * inner, x + wide * inner, y + high * inner], fill=LUMEN)
    count = int((wide + high) / chance.uniform(4.5, 6.5))
    for number in range(count):
        angle = 2 * math.pi * number / count
        out = chance.uniform(0.76, 0.92)
        _nucleus(pen, chance, x + wide * out * math.cos(angle), y + high * out * math.sin(angle), 9, angle)


def _nucleus(pen: ImageDraw.ImageDraw, chance: random.Random, x: float, y: float, size: float, angle: float) -> None:
    """Longer than wide, lying along `angle`."""
    long, short = size * chance.uniform(0.9, 1.5), size * chance.uniform(0.5, 0.8)
    cos, sin = math.cos(angle), math.sin(angle)
    ring = ((math.cos(at) * long, math.sin(at) * short) for at in (number * math.pi / 6 for number in range(12)))
    pen.polygon([(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in ring], fill=chance.choice(NUCLEI))
