"""Believable images for the demo consultations, sent and prepared through the real services."""

import hashlib
import io
import math
import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.utils import timezone
from PIL import Image as Picture
from PIL import ImageDraw, ImageFilter
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pypinyin import lazy_pinyin

from consult.models import Consultation, Patient
from consult.policies.consultation import may_add_images
from imaging.models import Image
from imaging.services import demo_slide, intake, prepare

SLICES = 12
File = tuple[str, bytes]
Case = Callable[[Patient], list[File]]
YESTERDAY, EARLIER = 1, 243  # days ago, when images were taken


def fill(consultations: Iterable[Consultation]) -> int:
    """Give each consultation that has none its images, in turn of several cases; answers how many were added."""
    return sum(give(each, CASES[number % len(CASES)]) for number, each in enumerate(consultations))


def give(consultation: Consultation, case: Case) -> int:
    """The images of `case`, unless there are some; how many."""
    patient, asker = consultation.patient, consultation.asker
    if patient is None or not may_add_images(asker, consultation) or consultation.images.exists():
        return 0
    files = case(patient)
    for name, content in files:
        prepare.prepare(_send(consultation, name, content).pk)
    return len(files)


def _send(consultation: Consultation, name: str, content: bytes) -> Image:
    sha256 = hashlib.sha256(content).hexdigest()
    asker = consultation.asker
    upload = intake.begin(consultation=consultation, by=asker, name=name, length=len(content), sha256=sha256)
    for offset in range(0, len(content), intake.CHUNK):
        piece = content[offset : offset + intake.CHUNK]
        upload = intake.append(upload=upload, by=asker, offset=offset, content=piece)
    if upload.image is None:
        raise AssertionError("a whole upload has an image")
    return upload.image


def _heart(patient: Patient) -> list[File]:
    return [("心电图.jpg", ecg(patient.pk)), ("ECHO.dcm", _real("examples_ybr_color.dcm", patient))]


def _chest(patient: Patient) -> list[File]:
    return [("CT_small.dcm", _real("CT_small.dcm", patient)), *phantom(patient), ("心电图.jpg", ecg(patient.pk))]


def earlier_head(patient: Patient) -> list[File]:
    """The head of `phantom` months ago, when nothing was to be seen in it: to compare with."""
    return phantom(patient, days=EARLIER, is_ill=False)


def biopsy(patient: Patient) -> list[File]:
    """What `_chest` holds, and the slide of a biopsy."""
    return [*_chest(patient), ("活检切片.dcm", _named(demo_slide.instance(patient.pk), patient))]


def _skin(patient: Patient) -> list[File]:
    return [("患处1.jpg", skin(patient.pk)), ("患处2.jpg", skin(patient.pk + 1000))]


def _bones(patient: Patient) -> list[File]:
    return [("骨显像.dcm", _real("JPEG2000.dcm", patient)), ("MR_small.dcm", _real("MR_small.dcm", patient))]


def _other_name(patient: Patient) -> list[File]:
    """One file that still carries another name: held until confirmed."""
    return [("CT_small.dcm", _wheel("CT_small.dcm").read_bytes()), ("心电图.jpg", ecg(patient.pk))]


CASES: tuple[Case, ...] = (_heart, _chest, _skin, _other_name, _bones)


def _wheel(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    if path is None:
        raise FileNotFoundError(name)
    return Path(str(path))


def _named(dataset: Dataset, patient: Patient, days: int = YESTERDAY) -> bytes:
    """The file as the patient's own hospital would have made it so many days ago."""
    day = (timezone.localdate() - timedelta(days=days)).strftime("%Y%m%d")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    family, *given = lazy_pinyin(patient.name)
    dataset.SpecificCharacterSet = "GB18030"
    dataset.PatientName = f"{family.title()}^{''.join(given).title()}={patient.name[:1]}^{patient.name[1:]}"
    dataset.PatientID = patient.record_number
    dataset.PatientBirthDate = patient.birth_date.strftime("%Y%m%d")
    dataset.PatientSex = {"male": "M", "female": "F"}.get(patient.sex, "O")
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _real(name: str, patient: Patient) -> bytes:
    return _named(dcmread(_wheel(name)), patient)


def phantom(patient: Patient, slices: int = SLICES, *, days: int = YESTERDAY, is_ill: bool = True) -> list[File]:
    """A head CT drawn by formula (after Shepp and Logan, 1974), `slices` files of 256 x 256 in Hounsfield units."""
    made = []
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for index in range(slices):
        dataset = dcmread(_wheel("CT_small.dcm"))
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = series, study, frame
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.SeriesNumber, dataset.InstanceNumber, dataset.SeriesDescription = 2, index + 1, "Head 5.0"
        dataset.Rows = dataset.Columns = 256
        dataset.PixelSpacing, dataset.SliceThickness = [0.9, 0.9], 5
        dataset.ImagePositionPatient, dataset.SliceLocation = [-114.75, -114.75, index * 5], index * 5
        dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
        dataset.WindowCenter, dataset.WindowWidth = 40, 80
        dataset.PixelData = (_slice(index / (slices - 1), is_ill) + 1024).astype("<i2").tobytes()
        made.append((f"head-{index + 1:03}.dcm", _named(dataset, patient, days)))
    return made


def _slice(level: float, is_ill: bool) -> np.ndarray:
    """Hounsfield values of one level, 0 at the base and 1 at the top."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    size = math.sqrt(max(0.05, 1 - (level * 1.5 - 0.6) ** 2))
    field = np.full((256, 256), -1000.0)

    def ellipse(cx: float, cy: float, rx: float, ry: float, value: float) -> None:
        field[((x - cx) / (rx * size)) ** 2 + ((y - cy) / (ry * size)) ** 2 < 1] = value

    ellipse(0, 0, 0.72, 0.92, 1100)
    ellipse(0, 0, 0.66, 0.86, 38)
    ellipse(-0.2, -0.1, 0.1, 0.3 * (1 - level / 2), 8)
    ellipse(0.2, -0.1, 0.1, 0.3 * (1 - level / 2), 8)
    if is_ill and 0.3 < level < 0.8:
        ellipse(0.36, 0.25, 0.13, 0.1, 68)
    noise = np.random.default_rng(int(level * 1000)).normal(0, 5, field.shape)
    return field + np.where(field > -900, noise, 0)


def ecg(seed: int) -> bytes:
    """A photo of a paper strip, 25 mm/s: three leads over a red grid, slightly turned, with shade."""
    chance = random.Random(seed)  # noqa: S311
    width, height = 1400, 900
    paper = Picture.new("RGB", (width, height), (255, 244, 238))
    draw = ImageDraw.Draw(paper)
    for step, colour in ((10, (250, 214, 206)), (50, (238, 160, 150))):
        for at in range(0, width, step):
            draw.line([(at, 0), (at, height)], fill=colour)
        for at in range(0, height, step):
            draw.line([(0, at), (width, at)], fill=colour)
    beat = chance.randint(190, 260)
    for row, sink in enumerate((0, 18, 26)):
        base = 180 + row * 260
        points = [(at, base - _beat((at % beat) / beat, sink) + chance.gauss(0, 0.8)) for at in range(0, width, 2)]
        draw.line(points, fill=(30, 30, 50), width=3, joint="curve")
    return _photographed(paper, chance)


def _beat(phase: float, sink: float) -> float:
    """Millivolts times 100 at a phase of the heart beat; `sink` lowers the ST segment."""
    waves = ((0.15, 0.03, 14), (0.27, 0.008, -12), (0.3, 0.012, 110), (0.33, 0.01, -28), (0.56, 0.05, 28))
    value = sum(height * math.exp(-(((phase - at) / wide) ** 2)) for at, wide, height in waves)
    return value - (sink if 0.34 < phase < 0.52 else 0)


def skin(seed: int) -> bytes:
    """A photo of skin with a rash."""
    chance = random.Random(seed)  # noqa: S311
    ground = Picture.effect_noise((1200, 900), 14).convert("L").filter(ImageFilter.GaussianBlur(2))
    picture = Picture.merge("RGB", [ground.point(lambda v, c=c: min(255, int(v * 0.5 + c))) for c in (158, 108, 84)])  # type: ignore[misc]
    marks = Picture.new("L", picture.size)
    draw = ImageDraw.Draw(marks)
    for _ in range(chance.randint(14, 26)):
        x, y, size = chance.gauss(600, 190), chance.gauss(450, 150), chance.uniform(10, 55)
        draw.ellipse([x - size, y - size * 0.8, x + size, y + size * 0.8], fill=chance.randint(110, 210))
    red = Picture.new("RGB", picture.size, (176, 62, 58))
    picture.paste(red, mask=marks.filter(ImageFilter.GaussianBlur(9)))
    return _photographed(picture, chance)


def _photographed(picture: Picture.Image, chance: random.Random) -> bytes:
    turned = picture.rotate(chance.uniform(-1.5, 1.5), Picture.Resampling.BICUBIC, fillcolor=(90, 84, 80))
    shade = Picture.radial_gradient("L").resize(turned.size).point(lambda value: value // 3)
    turned.paste(Picture.new("RGB", turned.size, (20, 18, 16)), mask=shade)
    out = io.BytesIO()
    turned.save(out, "JPEG", quality=88)
    return out.getvalue()
