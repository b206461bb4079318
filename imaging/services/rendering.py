"""Frames of prepared images as JPEG or PNG. Reads only what the child normalised: plain arrays of known shape."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from consult.errors import Refusal
from consult.services import store
from imaging.models import Image, Reason, sentence
from imaging.raster import encode, window
from imaging.raster.window import Window
from imaging.services import slides

DTYPES = ("|u1", "u1", "<i2", "<i4", "<f4", "<f8")


@dataclass(frozen=True, slots=True)
class Look:
    """How a frame is to be shown: a preset's name, or a window; `largest` side in pixels, 0 for full size.

    `region` of a slide: left, top, width, height in its pixels; None for all of it.
    """

    preset: str = ""
    center: float | None = None
    width: float | None = None
    largest: int = 0
    region: tuple[int, int, int, int] | None = None


def lost() -> Refusal:
    return Refusal("lost", sentence(Reason.LOST))


def presets(image: Image) -> dict[str, Window]:
    """Every window this image can be asked for by name, the one to begin with first."""
    facts = image.facts
    if facts.get("samples") != 1:
        return {}
    own = {
        f"file{index + 1}": Window(item["center"], item["width"], item["shape"])
        for index, item in enumerate(facts.get("windows", []))
    }
    auto = {"auto": window.automatic(facts["low"], facts["high"])}
    ct = window.CT_PRESETS if image.modality == "CT" else {}
    return {**own, **ct, **auto} if own or not facts.get("voi") else {"auto": auto["auto"], **ct}


def frame(image: Image, number: int, look: Look) -> tuple[bytes, str]:
    """(bytes, MIME type) of frame `number` (from 0). Raises Refusal `lost` when the stored pixels are gone."""
    if image.kind == Image.Kind.PHOTO:
        return _photo(image, look.largest), "image/jpeg"
    if image.has_pages:
        return page(image, number, look.largest), "image/jpeg"
    if image.has_tiles:
        return typed(image, number, look, "image/jpeg", 92), "image/jpeg"
    return encode.encode(grey(image, number, look), largest=look.largest)


def typed(image: Image, number: int, look: Look, mime: str, quality: int) -> bytes:
    """A DICOM frame as the picture type that a program asks for; a document's page always as JPEG."""
    if image.has_pages:
        return page(image, number, look.largest)
    if image.has_tiles:
        picture = np.asarray(slides.region(image, look.region, look.largest))
        return encode.as_type(picture, mime, largest=look.largest or slides.SIDE, quality=quality)
    return encode.as_type(grey(image, number, look), mime, largest=look.largest, quality=quality)


def grey(image: Image, number: int, look: Look) -> NDArray[np.uint8]:
    """Eight-bit pixels of a DICOM frame: rows x columns, x 3 in colour."""
    facts = image.facts
    values = read(image, number)
    if facts["samples"] == 3:
        return values.astype(np.uint8, copy=False)
    invert = bool(facts.get("invert"))
    if look.center is not None and look.width is not None:
        return window.apply(values, Window(look.center, look.width), invert=invert)
    named = presets(image)
    chosen = look.preset if look.preset in named else next(iter(named))
    if chosen == "auto" and facts.get("voi") and not look.preset:
        table = np.fromfile(store.here(image.path / "shown" / "voi.raw"), "<u2")
        return window.apply_table(values, table, first=facts["voi"]["first"], bits=facts["voi"]["bits"], invert=invert)
    return window.apply(values, named[chosen], invert=invert)


def read(image: Image, number: int) -> NDArray:
    """The values of one frame as they were stored."""
    facts = image.facts
    dtype = np.dtype(facts["dtype"])
    count = image.width * image.height * facts["samples"]
    try:
        raw = store.here(image.path / "shown" / "frames.raw")
        found = np.fromfile(raw, dtype, count=count, offset=number * count * dtype.itemsize)
    except FileNotFoundError:
        raise lost() from None
    if found.size != count:
        raise lost()
    shape = (image.height, image.width, 3) if facts["samples"] == 3 else (image.height, image.width)
    return found.reshape(shape)


def mapped(image: Image, number: int) -> NDArray:
    """The same, read only where it is looked at: for a small part of a large frame."""
    facts = image.facts
    dtype = np.dtype(facts["dtype"])
    shape = (image.height, image.width, 3) if facts["samples"] == 3 else (image.height, image.width)
    offset = number * image.width * image.height * facts["samples"] * dtype.itemsize
    try:
        return np.memmap(store.here(image.path / "shown" / "frames.raw"), dtype, "r", offset, shape)
    except (FileNotFoundError, ValueError):  # gone, or shorter than it was
        raise lost() from None


def _photo(image: Image, largest: int) -> bytes:
    """The smallest copy that is not smaller than asked for."""
    folder = image.path / "shown"
    most = max(image.width, image.height)
    names = [f"photo-{side}.jpg" for side in encode.SIDES if largest and largest <= side < most]
    for name in (*names, "photo-full.jpg"):
        if store.here(folder / name).is_file():
            return (folder / name).read_bytes()
    raise lost()


def page(image: Image, number: int, largest: int) -> bytes:
    """The JPEG of a document's page, the smaller copy where that is enough."""
    name = f"page-{number}-small.jpg" if 0 < largest <= encode.SMALL_PAGE else f"page-{number}.jpg"
    try:
        return store.here(image.path / "shown" / name).read_bytes()
    except FileNotFoundError:
        raise lost() from None


def make_thumbnail(image: Image, folder: Path) -> None:
    """Write thumbnail.webp of the middle frame into `folder`; photos and documents have theirs from the child."""
    if image.has_pixels:
        (folder / "thumbnail.webp").write_bytes(encode.thumbnail(grey(image, image.frames // 2, Look())))
