"""What a mark on a frame measures. Pure geometry and numpy: knows no image, no file, no person.

Points are pixels of the frame (DICOM PS3.3 C.10.5, graphic annotation units PIXEL): 0, 0 is the top left corner of the
first pixel, so that the middle of that pixel is 0.5, 0.5. Lengths are millimetres where the spacing is known, else
pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Point = Sequence[float]
POINTS = {"length": 2, "angle": 3, "cobb": 4, "rectangle": 2, "ellipse": 2, "arrow": 2, "probe": 1}
"""How many points each kind has: ends; end, corner, end; two lines; opposite corners; tip and tail; the place."""
AT_ONCE = 1 << 20  # pixels looked at in one piece


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres from the middle of one pixel to the next: down a column (`row`) and along a row (`column`)."""

    row: float
    column: float


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an ultrasound image, from corner to corner; `spacing` None: its axes are not both lengths."""

    x0: float
    y0: float
    x1: float
    y1: float
    spacing: Spacing | None

    def holds(self, point: Point) -> bool:
        return self.x0 <= point[0] <= self.x1 and self.y0 <= point[1] <= self.y1


def spacing_at(points: Sequence[Point], whole: Spacing | None, regions: Sequence[Region]) -> Spacing | None:
    """That of the region in which all points lie; of the `whole` image only where it has no regions.

    None, that is pixels, outside of all regions, across two, and where regions that overlap do not say the same.
    """
    if not regions:
        return whole
    around = [region.spacing for region in regions if all(region.holds(point) for point in points)]
    return around[0] if around and all(spacing == around[0] for spacing in around) else None


def figures(kind: str, points: Sequence[Point], spacing: Spacing | None, frame: NDArray | None) -> dict[str, Any]:
    """`unit` (mm or px) with `length` or `area`; `angle` in degrees; of grey values `mean`, `sd`, `low`, `high` of
    `count` pixels, or `value`; of colour `rgb`. `frame` is rows x columns (x 3), None where there are no values.
    """
    step = spacing or Spacing(1, 1)
    flat = [(x * step.column, y * step.row) for x, y in points]
    unit = "mm" if spacing else "px"
    if kind == "length":
        return {"unit": unit, "length": math.dist(*flat)}
    if kind == "angle":
        return {"angle": angle(*flat)}
    if kind == "cobb":
        return {"angle": cobb(*flat)}
    if kind in ("rectangle", "ellipse"):
        (left, top), (right, bottom) = flat
        part = math.pi / 4 if kind == "ellipse" else 1
        area = abs(right - left) * abs(bottom - top) * part
        grey = statistics(kind, points, frame) if frame is not None and frame.ndim == 2 else {}
        return {"unit": unit, "area": area, **grey}
    if kind == "probe" and frame is not None:
        return _value(points[0], frame)
    return {}


def calipers(points: Sequence[Point], spacing: Spacing, mm_per_s: float, mm_per_mv: float) -> dict[str, float]:
    """Of a line on the paper of an electrocardiogram: `ms` across and `mv` up or down, never negative."""
    (x0, y0), (x1, y1) = points
    across, down = abs(x1 - x0) * spacing.column, abs(y1 - y0) * spacing.row
    return {"ms": across / mm_per_s * 1000, "mv": down / mm_per_mv}


def angle(one: Point, corner: Point, other: Point) -> float:
    """Degrees between the two arms, 0 to 180; 0 where an arm has no length."""
    return _between(_from(corner, one), _from(corner, other))


def cobb(a: Point, b: Point, c: Point, d: Point) -> float:
    """Degrees between the lines a-b and c-d, 0 to 180, in whatever direction each was drawn.

    Both lines are taken to run to the same side of the axis from the middle of one to the middle of the other, as the
    end plates of two vertebrae do: only so a curve of more than 90 degrees is not told as its complement.
    """
    middles = _from(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), ((c[0] + d[0]) / 2, (c[1] + d[1]) / 2))
    return _between(*(_to_one_side(middles, _from(*line)) for line in ((a, b), (c, d))))


def _to_one_side(axis: Point, arm: tuple[float, float]) -> tuple[float, float]:
    across = axis[0] * arm[1] - axis[1] * arm[0]
    return arm if across >= 0 else (-arm[0], -arm[1])


def _from(start: Point, end: Point) -> tuple[float, float]:
    return end[0] - start[0], end[1] - start[1]


def _between(one: Point, other: Point) -> float:
    if not (any(one) and any(other)):
        return 0.0  # an arm without length has no direction
    cross = one[0] * other[1] - one[1] * other[0]
    dot = one[0] * other[0] + one[1] * other[1]
    return math.degrees(abs(math.atan2(cross, dot)))


def statistics(kind: str, points: Sequence[Point], frame: NDArray) -> dict[str, float]:
    """Of the pixels whose middles lie in the box or the ellipse it holds, the edge included; `sd` is of the population.

    Values that are no numbers are left out. Nothing when no pixel is left.
    """
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*points, strict=True))
    columns, rows = _middles(x0, x1, frame.shape[1]), _middles(y0, y1, frame.shape[0])
    count, mean, squares, low, high = 0, 0.0, 0.0, math.inf, -math.inf
    each = max(1, AT_ONCE // max(1, columns.stop - columns.start))
    for first in range(rows.start, rows.stop, each):
        piece = slice(first, min(first + each, rows.stop))
        values = np.asarray(frame[piece, columns], np.float64)
        inside = _inside(kind, (x0, y0, x1, y1), piece, columns) & np.isfinite(values)
        found = values[inside]
        if not found.size:
            continue
        # Parallel variance: Chan, Golub and LeVeque, 1979.
        shift, both = float(found.mean()) - mean, count + found.size
        squares += float(found.var()) * found.size + shift * shift * count * found.size / both
        mean += shift * found.size / both
        count, low, high = both, min(low, float(found.min())), max(high, float(found.max()))
    return {"count": count, "mean": mean, "sd": math.sqrt(squares / count), "low": low, "high": high} if count else {}


def _middles(start: float, end: float, size: int) -> slice:
    """The pixels whose middles lie from `start` to `end`."""
    first, last = max(0, math.ceil(start - 0.5)), min(size, math.floor(end - 0.5) + 1)
    return slice(first, max(first, last))


def _inside(kind: str, box: tuple[float, float, float, float], rows: slice, columns: slice) -> NDArray[np.bool_]:
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    x0, y0, x1, y1 = box
    if kind == "rectangle" or not (x1 > x0 and y1 > y0):
        return np.ones(shape, np.bool_)
    across = (2 * (np.arange(columns.start, columns.stop) + 0.5) - x0 - x1) / (x1 - x0)
    down = (2 * (np.arange(rows.start, rows.stop) + 0.5) - y0 - y1) / (y1 - y0)
    inside: NDArray[np.bool_] = down[:, None] ** 2 + across[None, :] ** 2 <= 1
    return inside


def _value(point: Point, frame: NDArray) -> dict[str, Any]:
    """Of the pixel that the point lies in."""
    row, column = (min(max(0, int(at)), size - 1) for at, size in zip((point[1], point[0]), frame.shape, strict=False))
    found = frame[row, column]
    if frame.ndim == 3:
        return {"rgb": [int(part) for part in found]}
    return {"value": float(found)} if np.isfinite(found) else {}
