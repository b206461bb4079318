"""What becomes of known DICOM files: the table of docs/formats.md. Never loaded by the site: it reads with pydicom."""

import importlib.util
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.uid import UID

from imaging.services import decoding

WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"
HEAD = """# Formats

Made by `manage.py formats`; a test compares. Every DICOM file of pydicom's wheel as it passes the limited child: shown,
with the largest difference of any pixel from what pydicom decodes (in lossy compression at most 1;
values with a fraction are kept in single precision), structured reports as text, or refused with a
code of docs/imaging.md.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One file: `refused` is a code, or empty when shown; `difference` None where pydicom has no decoder here."""

    name: str
    syntax: str
    refused: str
    pixels: str = ""
    difference: float | None = None


def wheel() -> list[Path]:
    """The files that pydicom brings along, those of its discs too."""
    return sorted(path for path in WHEEL.rglob("*") if path.suffix == ".dcm" or _is_dicom(path))


def _is_dicom(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[128:132] == b"DICM"


def more() -> list[Path]:
    """Those of pydicom-data, where it is installed."""
    found = importlib.util.find_spec("data_store")
    folders = list(found.submodule_search_locations or []) if found else []
    return sorted(path for folder in folders for path in (Path(folder) / "data").glob("*.dcm"))


def judge(path: Path, name: str) -> Row:
    """Decode one file in the child, and beside it with pydicom."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        syntax = _syntax(path)
        try:
            facts = decoding.decode(kind="dicom", source=path, into=Path(folder))
        except decoding.Undecodable as refusal:
            return Row(name, syntax, refusal.code)
        if "report" in facts:
            return Row(name, syntax, "", f"as text, {facts['report']} entries")
        if "traces" in facts:
            return Row(name, syntax, "", f"as traces, {facts['traces']} leads")
        if "document" in facts:
            return Row(name, syntax, "", "page by page")
        raw = np.fromfile(Path(folder) / "frames.raw", facts["dtype"])
        sides = f"{facts['width']} × {facts['height']}" + (f" × {facts['frames']}" if facts["frames"] > 1 else "")
        try:
            theirs = by_pydicom(path)
        except (RuntimeError, NotImplementedError):
            return Row(name, syntax, "", sides)
        gap = np.abs(raw.reshape(theirs.shape).astype(np.float64) - theirs.astype(np.float64)).max()
        return Row(name, syntax, "", sides, float(gap))


def by_pydicom(path: Path) -> NDArray[Any]:
    """Grey in the modality's units, or RGB in 8 bits."""
    dataset = dcmread(path)
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    plugin = "pylibjpeg" if "pylibjpeg" in decoder.available_plugins else ""
    array, _ = decoder.as_array(dataset, as_rgb=True, decoding_plugin=plugin)  # type: ignore[arg-type]
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    if dataset.SamplesPerPixel == 3 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        return (array >> (array.dtype.itemsize * 8 - 8)).astype(np.uint8)
    return apply_modality_lut(array, dataset)


def _syntax(path: Path) -> str:
    meta = getattr(dcmread(path, force=True, stop_before_pixels=True, specific_tags=[]), "file_meta", {})
    uid = meta.get("TransferSyntaxUID")
    return UID(uid).name if uid else "not said"


def document(rows: list[Row], others: list[Row]) -> str:
    """The whole page; the second table only where pydicom-data is installed."""
    lines = [HEAD, *_table("pydicom's wheel", rows)]
    if others:
        lines += ["", *_table("pydicom-data", others)]
    return "\n".join(lines) + "\n"


def _table(title: str, rows: list[Row]) -> Iterator[str]:
    shown = sum(not row.refused for row in rows)
    yield f"## {title}: {shown} shown, {len(rows) - shown} refused by name"
    yield "\n| file | transfer syntax | outcome | difference |\n|---|---|---|---|"
    for row in rows:
        is_picture = not row.refused and "×" in row.pixels
        unknown = "pydicom has no decoder here" if is_picture else ""
        difference = unknown if row.difference is None else f"{row.difference:.4g}"
        outcome = f"`{row.refused}`" if row.refused else f"shown, {row.pixels}"
        yield f"| {row.name} | {row.syntax} | {outcome} | {difference} |"
