"""What an ultrasound image says of its parts: which are pictures with a known scale. From the DICOM JSON model."""

import math
from typing import Any

MOST = 64
_SEQUENCE = "00186011"
_FORMAT, _UNITS, _DELTAS = "00186012", ("00186024", "00186026"), ("0018602C", "0018602E")
_EDGES = {"x0": "00186018", "y0": "0018601A", "x1": "0018601C", "y1": "0018601E"}
_TWO_DIMENSIONS, _GRAPHICS, _CENTIMETRES = 1, 5, 3


def of(described: dict[str, Any]) -> dict[str, Any]:
    """`regions` (PS3.3 C.8.5.5), at most 64, graphics left out: `x0`, `y0` is the top left corner of the first pixel,
    `x1`, `y1` the bottom right corner of the last; `row` and `column` millimetres down and across from one pixel to
    the next, None where the region is no two-dimensional picture in centimetres (M-mode, Doppler: s, cm/s, Hz).
    """
    element = described.get(_SEQUENCE)
    items = element.get("Value") if isinstance(element, dict) else None
    found = [_region(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {"regions": [region for region in found if region][:MOST]}


def _region(item: dict[str, Any]) -> dict[str, float | None] | None:
    edges = {name: _number(item, tag) for name, tag in _EDGES.items()}
    if None in edges.values() or _number(item, _FORMAT) == _GRAPHICS:
        return None
    x0, y0, x1, y1 = (int(edge) for edge in edges.values() if edge is not None)
    if not (0 <= x0 <= x1 < 2**31 and 0 <= y0 <= y1 < 2**31):
        return None
    column, row = (_millimetres(item, units, delta) for units, delta in zip(_UNITS, _DELTAS, strict=True))
    is_known = _number(item, _FORMAT) == _TWO_DIMENSIONS and column is not None and row is not None
    scale = {"row": row, "column": column} if is_known else {"row": None, "column": None}
    return {"x0": x0, "y0": y0, "x1": x1 + 1, "y1": y1 + 1, **scale}


def _millimetres(item: dict[str, Any], units: str, delta: str) -> float | None:
    """The sign of a delta only says which way its axis runs."""
    step = _number(item, delta)
    if _number(item, units) != _CENTIMETRES or step is None or not 0 < abs(step) < 10:
        return None
    return abs(step) * 10


def _number(item: dict[str, Any], tag: str) -> float | None:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    first = values[0] if isinstance(values, list) and values else None
    if not isinstance(first, int | float) or not math.isfinite(first):
        return None
    return float(first)
