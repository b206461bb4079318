"""An image as it is looked at, as the picture that an opinion is signed with."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageOps

from consult.models import KeyImage, User
from consult.services import key_image
from imaging.models import Image
from imaging.raster import encode
from imaging.services import rendering
from imaging.services.rendering import Look

SIDE = 1600  # pixels of the longer side
QUALITY = 90
_TURNS = {1: Picture.Transpose.ROTATE_270, 2: Picture.Transpose.ROTATE_180, 3: Picture.Transpose.ROTATE_90}


@dataclass(frozen=True, slots=True)
class Turned:
    """`quarters` clockwise (0 to 3) after `flip`, the mirror; `invert` turns grey values over."""

    quarters: int = 0
    flip: bool = False
    invert: bool = False


def choose(*, image: Image, number: int, look: Look, turned: Turned, title: str, by: User) -> KeyImage:
    """Put frame `number` (from 0) into the opinion of `by`, whole, in that window and that way up."""
    picture = _picture(image, number, look, turned)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return key_image.choose(
        consultation=image.consultation,
        by=by,
        picture=out.getvalue(),
        width=picture.width,
        height=picture.height,
        shows=_shows(image, number, look, turned, title),
    )


def _picture(image: Image, number: int, look: Look, turned: Turned) -> Picture.Image:
    if image.has_pixels:
        picture = Picture.fromarray(np.ascontiguousarray(rendering.grey(image, number, look)))
    else:
        content, _mime = rendering.frame(image, number, look)  # a JPEG of our own making
        picture = Picture.open(io.BytesIO(content), formats=["JPEG"]).convert("RGB")
    picture = encode.scaled(picture, SIDE)
    if turned.flip:
        picture = ImageOps.mirror(picture)
    if turned.quarters:
        picture = picture.transpose(_TURNS[turned.quarters])
    return ImageOps.invert(picture) if turned.invert else picture


def _shows(image: Image, number: int, look: Look, turned: Turned, title: str) -> dict[str, Any]:
    """For the caption and for whoever wants to find the original."""
    return {
        "image": image.pk,
        "title": title[:120],
        "sop_uid": image.sop_uid,
        "frame": number + 1,
        "frames": image.frames,
        "window": _window(image, look),
        "turn": turned.quarters,
        "flip": turned.flip,
        "invert": turned.invert,
        "taken_on": str(image.facts.get("taken_on", "")),
        "laterality": image.laterality,
        "patient": image.patient_name,
        "original_sha256": image.sha256,
    }


def _window(image: Image, look: Look) -> list[float]:
    """Centre and width in the image's own units; empty for colour and photos."""
    if not image.has_pixels or image.facts.get("samples") != 1:
        return []
    if look.center is not None and look.width is not None:
        return [round(look.center, 1), round(look.width, 1)]
    known = rendering.presets(image)
    used = known[look.preset if look.preset in known else next(iter(known))]
    return [round(used.center, 1), round(used.width, 1)]
