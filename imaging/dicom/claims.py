"""Whether a file can be shown as far as its data set says, before anything is decoded. Runs in the limited child."""

import json
from pathlib import Path

from pydicom.dataset import Dataset

from imaging.dicom import document, facts, pixels, report, slide, source, waveform
from imaging.dicom.refused import Unreadable


def check(dataset: Dataset, size: int) -> None:
    """Raise Unreadable for what a file of `size` bytes cannot hold, or what is not shown here. Decodes no pixels.

    To be asked before elements are looked at: see `source.is_cut`.
    """
    is_cut = source.is_cut(dataset)
    if document.is_in(dataset) or report.is_in(dataset) or waveform.is_in(dataset):
        if is_cut:
            raise Unreadable("truncated")
        if document.is_in(dataset):
            document.check(dataset)
        return
    if slide.is_in(dataset):
        return  # its tiles are looked at by who cuts them
    if not pixels.has_pixels(dataset):
        raise Unreadable("no_pixels")
    pixels.check_size(dataset, size)
    pixels.check_syntax(dataset)


def answer(plan: Path) -> dict[str, list[dict[str, str]]]:
    """For each path in the list `plan`: `refused`, a code or "", and the `study` it names."""
    return {"files": [_claim(Path(path)) for path in json.loads(plan.read_text())]}


def _claim(path: Path) -> dict[str, str]:
    """One file's answer: whatever its bytes do to the reader is the file's fault, and no other file's."""
    study = ""
    try:
        dataset = source.read(path)
        if not (pixels.has_pixels(dataset) or dataset.get("SOPInstanceUID")):
            raise Unreadable("damaged")  # noise that reads as elements
        check(dataset, path.stat().st_size)
        study = facts.study(dataset)
    except MemoryError:
        return {"refused": "too_big_to_decode", "study": study}
    except Exception as error:
        code = getattr(error, "code", None)
        return {"refused": code if isinstance(code, str) else "damaged", "study": study}
    return {"refused": "", "study": study}
