"""An image as it is looked at, as the picture that an opinion is signed with."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageOps

from consult.models import KeyImage, User
from consult.paper import glyphs
from consult.services import key_image
from imaging.models import Annotation, Image
from imaging.policies import annotation as policies
from imaging.raster import encode, marked
from imaging.raster.marked import Drawn
from imaging.services import annotation_words, rendering
from imaging.services.rendering import Look

Box = tuple[int, int, int, int]  # left, top, width, height in pixels of the image
SIDE = 1600  # pixels of the longer side
LEAST = 1000  # of one with marks
BILINEAR = Picture.Resampling.BILINEAR
COLOURS = {"asking": (255, 193, 94), "answering": (95, 212, 255)}  # as static/css/marks.css
QUALITY = 90
_TURNS = {1: Picture.Transpose.ROTATE_270, 2: Picture.Transpose.ROTATE_180, 3: Picture.Transpose.ROTATE_90}


@dataclass(frozen=True, slots=True)
class Turned:
    """`quarters` clockwise (0 to 3) after `flip`, the mirror; `invert` turns grey values over."""

    quarters: int = 0
    flip: bool = False
    invert: bool = False


def choose(*, image: Image, number: int, look: Look, turned: Turned, title: str, by: User) -> KeyImage:
    """Put frame `number` (from 0), or a region of a slide, into the opinion of `by`: in that window and that way up,
    with its marks."""
    picture, marks = looked_at(image, number, look, turned, by)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return key_image.choose(
        consultation=image.consultation,
        by=by,
        picture=out.getvalue(),
        width=picture.width,
        height=picture.height,
        shows=_shows(image, number, look, turned, title)
        | ({"marks": [_said(each) for each in marks]} if marks else {}),
    )


def looked_at(
    image: Image, number: int, look: Look, turned: Turned, by: User
) -> tuple[Picture.Image, list[Annotation]]:
    """Frame `number` (from 0) whole, in that window and that way up, with the marks that `by` sees, and these."""
    marks = list(policies.visible_annotations(by, image.consultation).filter(image=image, frame=number))
    if look.region:
        marks = [each for each in marks if _touches(each, look.region)]
    picture = _picture(image, number, look, turned, bool(marks))
    if marks:
        box = look.region or (0, 0, image.width, image.height)
        picture = marked.draw(picture, [_drawn(each, box, turned, picture) for each in marks], glyphs.FONT)
    return picture, marks


def _picture(image: Image, number: int, look: Look, turned: Turned, has_marks: bool) -> Picture.Image:
    if image.has_pixels:
        picture = Picture.fromarray(np.ascontiguousarray(rendering.grey(image, number, look)))
    else:
        content, _mime = rendering.frame(image, number, look)  # a JPEG of our own making
        picture = Picture.open(io.BytesIO(content), formats=["JPEG"]).convert("RGB")
    picture = encode.scaled(_in_shape(picture, image), SIDE)
    if has_marks and (times := LEAST / max(picture.size)) > 1:  # or their words would hide a small image
        picture = picture.resize((round(picture.width * times), round(picture.height * times)), BILINEAR)
    if turned.flip:
        picture = ImageOps.mirror(picture)
    if turned.quarters:
        picture = picture.transpose(_TURNS[turned.quarters])
    return ImageOps.invert(picture) if turned.invert else picture


def _in_shape(picture: Picture.Image, image: Image) -> Picture.Image:
    """As the viewer shows it: where pixels are not square, so that a circle stays a circle on paper."""
    spacing = image.facts.get("spacing") or {"row": 1, "column": 1}
    stretch = min(max(spacing["row"] / spacing["column"], 0.1), 10)
    if stretch == 1:
        return picture
    width, height = picture.size
    size = (width, round(height * stretch)) if stretch > 1 else (round(width / stretch), height)
    return picture.resize(size, BILINEAR)


def _touches(row: Annotation, box: Box) -> bool:
    """Whether the mark reaches into this part of a slide."""
    left, top, width, height = box
    across, down = zip(*row.points, strict=True)
    return max(across) >= left and min(across) <= left + width and max(down) >= top and min(down) <= top + height


def _drawn(row: Annotation, box: Box, turned: Turned, picture: Picture.Image) -> Drawn:
    """The mark where it is in the picture of `box`: scaled, then mirrored, then turned, as the picture was."""
    left, top, wide, high = box
    width, height = picture.size if turned.quarters % 2 == 0 else picture.size[::-1]
    points = []
    for u, v in row.points:
        x, y, across, down = (u - left) / wide * width, (v - top) / high * height, width, height
        x = across - x if turned.flip else x
        for _quarter in range(turned.quarters):
            x, y, across, down = down - y, x, down, across
        points.append((x, y))
    lines = [glyphs.shown(line) for line in (*annotation_words.lines(row), row.author.display_name)]
    return Drawn(row.kind, points, lines, COLOURS[row.side])


def _said(row: Annotation) -> dict[str, Any]:
    """What is signed of a mark."""
    said = {"kind": row.kind, "points": row.points, "figures": row.figures, "text": row.text}
    return {**said, "author": row.author.get_username(), "uid": str(row.uid), "rev": row.rev}


def _shows(image: Image, number: int, look: Look, turned: Turned, title: str) -> dict[str, Any]:
    """For the caption and for whoever wants to find the original."""
    return {
        "image": image.pk,
        "title": title[:120],
        "sop_uid": image.sop_uid,
        "frame": number + 1,
        "frames": image.frames,
        "window": window_of(image, look),
        **({"region": list(look.region)} if look.region else {}),
        "turn": turned.quarters,
        "flip": turned.flip,
        "invert": turned.invert,
        "taken_on": str(image.facts.get("taken_on", "")),
        "laterality": image.laterality,
        "patient": image.patient_name,
        "original_sha256": image.sha256,
    }


def window_of(image: Image, look: Look) -> list[float]:
    """Centre and width in the image's own units; empty for colour and photos."""
    if not image.has_pixels or image.facts.get("samples") != 1:
        return []
    if look.center is not None and look.width is not None:
        return [round(look.center, 1), round(look.width, 1)]
    known = rendering.presets(image)
    used = known[look.preset if look.preset in known else next(iter(known))]
    return [round(used.center, 1), round(used.width, 1)]
