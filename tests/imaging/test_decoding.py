"""Every file of pydicom's wheel comes out of the limited child as pydicom reads it, or is refused by name."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from imaging.models import Reason
from imaging.services import decoding, formats
from imaging.services.formats import WHEEL, Row

pytestmark = pytest.mark.files

TWELVE_BIT = {"JPEG-lossy.dcm": (1024, 256), "JPGExtended.dcm": (1024, 256)}  # pydicom alone cannot: no GPL codec here
WORDS = {
    "waveform_ecg.dcm": "as traces, 12 leads",
    "reportsi.dcm": "as text, 8 entries",
    "reportsi_with_empty_number_tags.dcm": "as text, 8 entries",
    "test-SR.dcm": "as text, 28 entries",
}
SINGLE = 2e-4  # where a slope has a fraction values are kept in single precision
REFUSED = {
    "ExplVR_BigEndNoMeta.dcm": "no_pixels",
    "ExplVR_LitEndNoMeta.dcm": "no_pixels",
    "JPEG2000-embedded-sequence-delimiter.dcm": "damaged",
    "MR_truncated.dcm": "truncated",
    "UN_sequence.dcm": "no_pixels",
    "badVR.dcm": "damaged",
    "dicomdirtests/DICOMDIR": "directory",
    "dicomdirtests/DICOMDIR-bigEnd": "directory",
    "dicomdirtests/DICOMDIR-empty.dcm": "directory",
    "dicomdirtests/DICOMDIR-implicit": "directory",
    "dicomdirtests/DICOMDIR-nooffset": "directory",
    "dicomdirtests/DICOMDIR-nopatient": "directory",
    "dicomdirtests/DICOMDIR-reordered": "directory",
    "dicomdirtests/TINY_ALPHA/DICOMDIR": "directory",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000000": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000001": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000002": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000003": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000004": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000005": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000006": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000007": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000008": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000009": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000A": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000B": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000C": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000D": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000E": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000F": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000G": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000H": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000I": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000J": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000K": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000L": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000M": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000N": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000O": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000P": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000Q": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000R": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000S": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000T": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000U": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000V": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000W": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000X": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000Y": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00000Z": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000010": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000011": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000012": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000013": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000014": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000015": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000016": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000017": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000018": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000019": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00001A": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00001B": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00001C": "no_pixels",
    "dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM00001D": "no_pixels",
    "empty_charset_LEI.dcm": "no_pixels",
    "meta_missing_tsyntax.dcm": "damaged",
    "nested_priv_SQ.dcm": "damaged",
    "no_meta.dcm": "no_pixels",
    "no_meta_group_length.dcm": "no_pixels",
    "priv_SQ.dcm": "no_pixels",
    "rtplan.dcm": "no_pixels",
    "rtplan_truncated.dcm": "no_pixels",
    "rtstruct.dcm": "no_pixels",
}


def decoded(name: str, into: Path) -> tuple[dict, np.ndarray]:
    facts = decoding.decode(kind="dicom", source=WHEEL / name, into=into)
    shape = (facts["frames"], facts["height"], facts["width"]) + ((3,) if facts["samples"] == 3 else ())
    return facts, np.fromfile(into / "frames.raw", facts["dtype"]).reshape(shape)


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """Each file decoded once, by us and by pydicom."""
    names = [path.relative_to(WHEEL).as_posix() for path in formats.wheel()]
    return {name: formats.judge(WHEEL / name, name) for name in names}


@pytest.mark.slow
def test_pixels_equal_pydicom(rows: dict[str, Row]) -> None:
    lossy = ("JPEG Baseline", "JPEG Extended", "JPEG-LS Lossy", "JPEG 2000 Image Compression")
    apart = {
        row.name: row.difference
        for row in rows.values()
        if row.difference is not None
        and row.difference > (1 if row.syntax.startswith(lossy) and "Lossless" not in row.syntax else SINGLE)
    }
    assert apart == {}
    pictures = [row for row in rows.values() if not row.refused and "×" in row.pixels]
    assert {row.name for row in pictures if row.difference is None} == set(TWELVE_BIT)
    assert {row.name: row.pixels for row in rows.values() if not row.refused and row not in pictures} == WORDS


@pytest.mark.slow
def test_unshowable_files_are_refused_by_name(rows: dict[str, Row]) -> None:
    refused = {row.name: row.refused for row in rows.values() if row.refused}
    assert refused == REFUSED
    assert set(refused.values()) <= set(Reason.values)


@pytest.mark.slow
def test_the_table_of_formats_is_up_to_date(rows: dict[str, Row]) -> None:
    said = (Path(settings.BASE_DIR) / "docs" / "formats.md").read_text()
    assert said.startswith(formats.document(list(rows.values()), []).rstrip()), "run manage.py formats"


@pytest.mark.parametrize(("name", "shape"), TWELVE_BIT.items())
def test_twelve_bit_jpeg(name: str, shape: tuple[int, int], tmp_path: Path) -> None:
    """The scan is the one that JPEG2000.dcm holds; lossy at 12 bits stays within a few per cent of it."""
    _, ours = decoded(name, tmp_path)
    (tmp_path / "reference").mkdir()
    _, reference = decoded("JPEG2000.dcm", tmp_path / "reference")
    assert ours.shape == (1, *shape)
    assert np.abs(ours.astype(float) - reference.astype(float)).mean() < 0.02 * float(reference.max())


def test_site_process_loads_no_decoder_of_strangers_files() -> None:
    """What `manage.py` imports to serve: no pydicom, gdcm, imagecodecs in the parent."""
    import subprocess
    import sys

    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'telemed.settings'; django.setup();"
        "import imaging.urls, imaging.services.rendering;"
        "strangers = {'pydicom', 'gdcm', 'imagecodecs', 'pylibjpeg', 'openjpeg', 'jpeg_ls', 'pypdfium2'};"
        "print(sorted(sys.modules.keys() & strangers))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
