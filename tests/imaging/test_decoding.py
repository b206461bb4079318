"""Every readable file of pydicom's wheel comes out of the limited child as pydicom reads it."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder

from imaging.models import Reason
from imaging.services import decoding

WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"
LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"}
FILES = [
    *sorted(path.relative_to(WHEEL).as_posix() for path in WHEEL.glob("*.dcm")),
    "dicomdirtests/77654033/CT2/17106",
    "dicomdirtests/98892003/MR1/4919",
]
TWELVE_BIT = {"JPEG-lossy.dcm": (1024, 256), "JPGExtended.dcm": (1024, 256)}  # pydicom alone cannot: no GPL codec here
REFUSED = {
    "693_UNCR.dcm": "damaged",
    "ExplVR_BigEndNoMeta.dcm": "no_pixels",
    "ExplVR_LitEndNoMeta.dcm": "no_pixels",
    "JPEG2000-embedded-sequence-delimiter.dcm": "damaged",
    "MR_truncated.dcm": "truncated",
    "UN_sequence.dcm": "no_pixels",
    "badVR.dcm": "damaged",
    "empty_charset_LEI.dcm": "no_pixels",
    "meta_missing_tsyntax.dcm": "damaged",
    "nested_priv_SQ.dcm": "damaged",
    "no_meta.dcm": "no_pixels",
    "no_meta_group_length.dcm": "no_pixels",
    "priv_SQ.dcm": "no_pixels",
    "reportsi.dcm": "no_pixels",
    "reportsi_with_empty_number_tags.dcm": "no_pixels",
    "rtplan.dcm": "no_pixels",
    "rtplan_truncated.dcm": "no_pixels",
    "rtstruct.dcm": "no_pixels",
    "test-SR.dcm": "no_pixels",
    "waveform_ecg.dcm": "waveform",
    "DICOMDIR-empty.dcm": "directory",
}


def decoded(name: str, into: Path) -> tuple[dict, np.ndarray]:
    facts = decoding.decode(kind="dicom", source=WHEEL / name, into=into)
    shape = (facts["frames"], facts["height"], facts["width"]) + ((3,) if facts["samples"] == 3 else ())
    return facts, np.fromfile(into / "frames.raw", facts["dtype"]).reshape(shape)


def by_pydicom(name: str) -> np.ndarray:
    """Grey in the modality's units, or RGB in 8 bits."""
    dataset = dcmread(WHEEL / name)
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    plugin = "pylibjpeg" if "pylibjpeg" in decoder.available_plugins else ""
    array, _ = decoder.as_array(dataset, as_rgb=True, decoding_plugin=plugin)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    if dataset.SamplesPerPixel == 3 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        return (array >> (array.dtype.itemsize * 8 - 8)).astype(np.uint8)
    return apply_modality_lut(array, dataset)


@pytest.mark.parametrize("name", [name for name in FILES if name not in REFUSED and name not in TWELVE_BIT])
def test_pixels_equal_pydicom(name: str, tmp_path: Path) -> None:
    _, ours = decoded(name, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = by_pydicom(name)
        syntax = dcmread(WHEEL / name).file_meta.TransferSyntaxUID
    tolerance = 1 if syntax in LOSSY else 0
    assert np.abs(ours.reshape(theirs.shape).astype(np.float64) - theirs.astype(np.float64)).max() <= tolerance


@pytest.mark.parametrize(("name", "shape"), TWELVE_BIT.items())
def test_twelve_bit_jpeg(name: str, shape: tuple[int, int], tmp_path: Path) -> None:
    """The scan is the one that JPEG2000.dcm holds; lossy at 12 bits stays within a few per cent of it."""
    _, ours = decoded(name, tmp_path)
    (tmp_path / "reference").mkdir()
    _, reference = decoded("JPEG2000.dcm", tmp_path / "reference")
    assert ours.shape == (1, *shape)
    assert np.abs(ours.astype(float) - reference.astype(float)).mean() < 0.02 * float(reference.max())


@pytest.mark.parametrize("name", [name for name in FILES if name in REFUSED])
def test_unshowable_files_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(decoding.Undecodable) as refusal:
        decoding.decode(kind="dicom", source=WHEEL / name, into=tmp_path)
    assert refusal.value.code == REFUSED[name]
    assert refusal.value.code in Reason.values


def test_site_process_loads_no_decoder_of_strangers_files() -> None:
    """What `manage.py` imports to serve: no pydicom, gdcm, imagecodecs in the parent."""
    import subprocess
    import sys

    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'telemed.settings'; django.setup();"
        "import imaging.urls, imaging.services.rendering;"
        "print(sorted(sys.modules.keys() & {'pydicom', 'gdcm', 'imagecodecs', 'pylibjpeg', 'openjpeg', 'jpeg_ls'}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
