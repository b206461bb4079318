"""Where frames lie in the patient, from the DICOM JSON model (PS3.18 annex F) of an instance. Reads no file."""

import math
from collections.abc import Iterator
from typing import Any

from imaging.dicom import names

MOST = 2000
"""Frames: of longer files no positions are kept, and no lines drawn."""

_SHARED, _PER_FRAME = "52009229", "52009230"  # functional groups (PS3.3 C.7.6.16)
_POSITION_GROUP, _ORIENTATION_GROUP = "00209113", "00209116"
_POSITION, _ORIENTATION = names.TAGS["ImagePositionPatient"], names.TAGS["ImageOrientationPatient"]
_SIDES = "00200020"  # PatientOrientation
_EXACT = 1e-3


def of(described: dict[str, Any], frames: int) -> dict[str, Any]:
    """`plane` and `sides` of an instance of so many frames.

    `plane`: `frame` (FrameOfReferenceUID), `orientation` (the directions of a row and of a column, unit vectors) and
    `positions` (of the middle of the first pixel, mm, one a frame), in the patient's coordinates (PS3.3 C.7.6.2.1.1);
    None where anything of it is missing, or the frames do not share one orientation. `sides`: PatientOrientation, the
    letters towards which a row and a column run (PS3.3 C.7.6.1.1.1), or empty.
    """
    uid = _first(described, names.TAGS["FrameOfReferenceUID"])
    orientations = [_directions(values) for values in _each(described, _ORIENTATION_GROUP, _ORIENTATION, frames)]
    positions = [_numbers(values, 3) for values in _each(described, _POSITION_GROUP, _POSITION, frames)]
    sides = [_letters(value) for value in _values(described, _SIDES)]
    plane = None
    if isinstance(uid, str) and 0 < len(uid) <= 64 and orientations and len(positions) == frames <= MOST:
        first = orientations[0]
        if first and all(positions) and all(other and _alike(first, other) for other in orientations):
            plane = {"frame": uid, "orientation": first, "positions": positions}
    return {"plane": plane, "sides": sides if len(sides) == 2 and all(sides) else []}


def _each(described: dict[str, Any], group: str, tag: str, frames: int) -> list[list[Any]]:
    """The values for all frames, or for each: at the top of a single frame, else in the functional groups."""
    if frames == 1 and (values := _values(described, tag)):
        return [values]
    shared = [_values(inner, tag) for item in _items(described, _SHARED) for inner in _items(item, group)]
    if shared:
        return shared
    return [_values(next(_items(item, group), {}), tag) for item in _items(described, _PER_FRAME)]


def _items(described: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    return (item for item in _values(described, tag) if isinstance(item, dict))


def _values(described: dict[str, Any], tag: str) -> list[Any]:
    element = described.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _first(described: dict[str, Any], tag: str) -> Any:
    return next(iter(_values(described, tag)), None)


def _numbers(values: list[Any], count: int) -> list[float]:
    """Finite and at most ten metres from the origin, to a thousandth of a millimetre; empty when not."""
    fine = len(values) == count and all(_is_number(value) and abs(value) <= 10_000 for value in values)
    return [round(float(value), 6) for value in values] if fine else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _directions(values: list[Any]) -> list[float]:
    """Two unit vectors that stand upright on each other; empty when they do not."""
    numbers = _numbers(values, 6)
    if not numbers:
        return []
    row, column = numbers[:3], numbers[3:]
    long = [math.hypot(*row), math.hypot(*column)]
    if (
        any(abs(length - 1) > 0.01 for length in long)
        or abs(sum(a * b for a, b in zip(row, column, strict=True))) > 0.01
    ):
        return []
    return [round(value / long[index // 3], 6) for index, value in enumerate(numbers)]


def _alike(one: list[float], other: list[float]) -> bool:
    return all(abs(a - b) <= _EXACT for a, b in zip(one, other, strict=True))


def _letters(value: Any) -> str:
    """One to three of the letters for people: left, right, anterior, posterior, head, feet."""
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if 0 < len(text) <= 3 and set(text) <= set("LRAPHF") else ""
