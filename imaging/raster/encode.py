"""8-bit pixels to JPEG or PNG. Only ever given arrays that we made ourselves."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOSSLESS_UP_TO = 512 * 512
SIDES = (1024, 2048)  # of the smaller copies of a photo
SMALL_PAGE = 1024  # pixels of the longer side


def encode(pixels: NDArray[np.uint8], *, largest: int = 0) -> tuple[bytes, str]:
    """(bytes, MIME type) of rows x columns (x 3) pixels, scaled down so that no side exceeds `largest` (0: as is).

    Slices up to 512 x 512 grey come as PNG without loss, bigger ones as JPEG of quality 92.
    """
    picture = scaled(Image.fromarray(pixels), largest)
    lossless = picture.mode == "L" and picture.width * picture.height <= LOSSLESS_UP_TO
    out = io.BytesIO()
    if lossless:
        picture.save(out, "PNG", compress_level=1)
        return out.getvalue(), "image/png"
    picture.save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue(), "image/jpeg"


def as_type(pixels: NDArray[np.uint8], mime: str, *, largest: int = 0, quality: int = 92) -> bytes:
    """As `image/png`, or as `image/jpeg` of `quality` 1 to 100."""
    picture, out = scaled(Image.fromarray(pixels), largest), io.BytesIO()
    if mime == "image/png":
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def keep_page(picture: Image.Image, number: int, into: Path, *, quality: int, small: int, subsampling: int) -> None:
    """Write page `number` (from 0) as page-<n>.jpg and page-<n>-small.jpg of those qualities; of the first also
    thumbnail.webp. `subsampling` as Pillow's JPEG writer takes it."""
    picture.save(into / f"page-{number}.jpg", "JPEG", quality=quality, subsampling=subsampling)
    less = scaled(picture, SMALL_PAGE)
    less.save(into / f"page-{number}-small.jpg", "JPEG", quality=small, subsampling=subsampling)
    if number == 0:
        scaled(less, 256).save(into / "thumbnail.webp", "WEBP", quality=80)


def thumbnail(pixels: NDArray[np.uint8], side: int = 256) -> bytes:
    """A WebP of at most `side` pixels."""
    out = io.BytesIO()
    scaled(Image.fromarray(pixels), side).save(out, "WEBP", quality=80)
    return out.getvalue()


def scaled(picture: Image.Image, largest: int) -> Image.Image:
    """`picture`, or a smaller one whose longer side is `largest`."""
    longer = max(picture.size)
    if not largest or longer <= largest:
        return picture
    size = (max(1, round(picture.width * largest / longer)), max(1, round(picture.height * largest / longer)))
    return picture.resize(size, Image.Resampling.BOX if longer > 2 * largest else Image.Resampling.BILINEAR)
