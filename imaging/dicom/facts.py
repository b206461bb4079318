"""What a header says, each element read on its own: a broken one is left out, never fatal."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from pydicom.dataset import Dataset

SEXES = {"M": "male", "F": "female", "O": "other"}


def header(dataset: Dataset) -> dict[str, Any]:
    """Strings, numbers and lists fit for JSON; lengths are the caller's to bound."""
    group = _functional(dataset)

    def text(name: str) -> str:
        return str(_guarded(lambda: group(name), "") or "").strip()

    return {
        "modality": text("Modality")[:16],
        "sop_class": text("SOPClassUID")[:64],
        "sop_uid": text("SOPInstanceUID")[:64],
        "series_uid": text("SeriesInstanceUID")[:64],
        "study_uid": text("StudyInstanceUID")[:64],
        "series_number": _whole(group("SeriesNumber")),
        "instance_number": _whole(group("InstanceNumber")),
        "description": (text("SeriesDescription") or text("StudyDescription") or text("BodyPartExamined"))[:120],
        "body_part": text("BodyPartExamined")[:32],
        "laterality": (text("ImageLaterality") or text("FrameLaterality") or text("Laterality"))[:2],
        "view": text("ViewPosition")[:16],
        "accession": text("AccessionNumber")[:64],
        "taken_on": (text("AcquisitionDate") or text("StudyDate"))[:8],
        "patient_name": person_name(_guarded(lambda: dataset.get("PatientName"), "")),
        "patient_id": text("PatientID")[:64],
        "patient_sex": SEXES.get(text("PatientSex")[:1].upper(), ""),
        "patient_birth": _date(text("PatientBirthDate")),
        "windows": windows(dataset),
        "spacing": spacing(dataset),
        "frame_ms": _positive(_guarded(lambda: dataset.get("FrameTime"), None)),
    }


def study(dataset: Dataset) -> str:
    """Its Study Instance UID; empty when it says none that can be read."""
    return str(_guarded(lambda: dataset.get("StudyInstanceUID"), "") or "").strip()[:64]


def person_name(value: object) -> str:
    """`Wang^XiaoDong=王^小东` reads "王小东 (Wang XiaoDong)"; a single group reads as it is."""
    groups = str(value or "").split("=")[:3]
    shown = [" ".join(piece for piece in part.split("^") if piece.strip()).strip() for part in groups]
    alphabetic = shown[0] if shown else ""
    ideographic = shown[1].replace(" ", "") if len(shown) > 1 else ""
    if ideographic and alphabetic:
        return f"{ideographic} ({alphabetic})"[:120]
    return (ideographic or alphabetic)[:120]


def windows(dataset: Dataset) -> list[dict[str, Any]]:
    """The file's own window presets, at most 8: name, center, width, shape (PS3.3 C.11.2)."""
    group = _functional(dataset)
    centers, widths = _numbers(group("WindowCenter")), _numbers(group("WindowWidth"))
    names = _several(group("WindowCenterWidthExplanation"))
    shape = str(group("VOILUTFunction") or "LINEAR").strip().upper()
    if shape not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        shape = "LINEAR"
    found = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if width > 0:
            name = str(names[index])[:40] if index < len(names) else ""
            found.append({"name": name, "center": center, "width": width, "shape": shape})
    return found[:8]


def spacing(dataset: Dataset) -> dict[str, Any] | None:
    """Millimetres per pixel down and across, and whether they are in the patient or at the detector."""
    group = _functional(dataset)
    for name, where in (("PixelSpacing", "patient"), ("ImagerPixelSpacing", "detector")):
        pair = _numbers(group(name))
        if len(pair) == 2 and all(0 < number < 100 for number in pair):
            return {"row": pair[0], "column": pair[1], "at": where}
    return None


def rescale(dataset: Dataset) -> tuple[float, float]:
    """Slope and intercept of the modality transform (PS3.3 C.11.1); 1 and 0 where there is none."""
    group = _functional(dataset)
    slope = _numbers(group("RescaleSlope"))
    intercept = _numbers(group("RescaleIntercept"))
    if not slope or slope[0] == 0:
        return 1.0, 0.0
    return slope[0], intercept[0] if intercept else 0.0


def _functional(dataset: Dataset) -> Callable[[str], Any]:
    """Looks an element up in the data set, then in the shared and the first frame's functional groups."""
    places = [dataset, *_guarded(lambda: list(_groups(dataset)), [])]

    def look(name: str) -> Any:
        for place in places:
            value = _guarded(lambda place=place: place.get(name), None)  # type: ignore[misc]
            if value not in (None, ""):
                return value
        return None

    return look


def _groups(dataset: Dataset) -> Iterator[Dataset]:
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        sequence = dataset.get(name)
        if not sequence:
            continue
        for element in sequence[0]:
            if element.VR == "SQ" and element.value:
                yield element.value[0]


def _guarded(read: Callable[[], Any], otherwise: Any) -> Any:
    """Conversion happens on access: a value of the wrong kind raises there, in many ways."""
    try:
        return read()
    except Exception:
        return otherwise


def _several(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | float | int) else _guarded(lambda: list(value), [value])


def _numbers(value: Any) -> list[float]:
    found = [_guarded(lambda item=item: float(item), math.nan) for item in _several(value)]  # type: ignore[misc]
    return [] if any(not math.isfinite(number) or abs(number) > 1e9 for number in found) else found


def _positive(value: Any) -> float | None:
    numbers = _numbers(value)
    return numbers[0] if numbers and 0 < numbers[0] < 60_000 else None


def _whole(value: Any) -> int | None:
    number: int | None = _guarded(lambda: int(value), None)
    return number if number is not None and abs(number) < 2**31 else None


def _date(value: str) -> str:
    digits = value[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if len(digits) == 8 and digits.isdigit() else ""
