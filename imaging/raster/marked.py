"""Marks drawn into a picture that leaves the viewer: lines with a dark edge, words beside them. Knows no image row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
_EDGE = (0, 0, 0)
SIMPLIFIED = 2  # of the collection: Japanese, Korean, simplified and traditional Chinese


@dataclass(frozen=True, slots=True)
class Drawn:
    """`points` in pixels of the picture, of the kinds of `measure.POINTS`; `colour` red, green, blue."""

    kind: str
    points: Sequence[Point]
    lines: Sequence[str]
    colour: tuple[int, int, int]


def draw(picture: Image.Image, marks: Sequence[Drawn], font: Path) -> Image.Image:
    """A copy in colour with the marks on it; `font` is a file that has every letter of their words."""
    made = picture.convert("RGB")
    pen = ImageDraw.Draw(made)
    unit = max(1.0, max(made.size) / 600)
    letters = ImageFont.truetype(str(font), round(17 * unit), index=SIMPLIFIED)
    for mark in marks:
        strokes = _strokes(mark, unit)
        for colour, wide in ((_EDGE, 4 * unit), (mark.colour, 1.8 * unit)):
            for stroke in strokes:
                pen.line(list(stroke), colour, max(1, round(wide)), joint="curve")
    for mark in marks:
        _write(pen, mark, letters, unit, made.size)
    return made


def _strokes(mark: Drawn, unit: float) -> list[Sequence[Point]]:
    points = mark.points
    if mark.kind == "rectangle":
        (x, y), (u, v) = points
        return [[(x, y), (u, y), (u, v), (x, v), (x, y)]]
    if mark.kind == "ellipse":
        (x, y), (u, v) = points
        turns = [step / 48 * math.pi for step in range(97)]
        return [[((x + u + (u - x) * math.cos(at)) / 2, (y + v + (v - y) * math.sin(at)) / 2) for at in turns]]
    if mark.kind == "cobb":
        return [points[:2], points[2:]]
    if mark.kind == "probe":
        (x, y), far = points[0], 8 * unit
        return [[(x - far, y), (x + far, y)], [(x, y - far), (x, y + far)]]
    if mark.kind == "arrow":
        tip, tail = points
        return [points, _head(tip, tail, 12 * unit)]
    return [points]


def _head(tip: Point, tail: Point, size: float) -> list[Point]:
    long = math.dist(tip, tail) or 1
    x, y = ((tail[0] - tip[0]) / long * size, (tail[1] - tip[1]) / long * size)
    return [(tip[0] + x - y / 2, tip[1] + y + x / 2), tip, (tip[0] + x + y / 2, tip[1] + y - x / 2)]


def _write(
    pen: ImageDraw.ImageDraw, mark: Drawn, letters: ImageFont.FreeTypeFont, unit: float, size: tuple[int, int]
) -> None:
    """Beside the last point, the corner of an angle or the right of a box; never beyond the picture."""
    text = "\n".join(mark.lines)
    x, y = mark.points[1] if mark.kind == "angle" else mark.points[-1]
    if mark.kind in ("rectangle", "ellipse"):
        x, y = max(point[0] for point in mark.points), min(point[1] for point in mark.points)
    box = pen.multiline_textbbox((0, 0), text, letters)
    left = max(0.0, min(x + 8 * unit, size[0] - box[2] - 4 * unit))
    top = max(0.0, min(y + 4 * unit, size[1] - box[3] - 4 * unit))
    pen.multiline_text((left, top), text, mark.colour, letters, stroke_width=round(2 * unit), stroke_fill=_EDGE)
