"""Photos: decode, turn upright, drop all metadata, write display copies. Runs only in the limited child."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from imaging.raster.encode import SIDES, scaled
from imaging.raster.sniff import Unreadable

FORMATS = ["JPEG", "PNG", "WEBP"]
MAX_PIXELS = 64_000_000


def normalise(source: Path, into: Path) -> dict[str, object]:
    """Write `thumbnail.webp`, `photo-<side>.jpg` and `photo-full.jpg` below `into`; width and height as shown."""
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with Image.open(source, formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Unreadable("too_many_pixels")
            picture = _upright(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Unreadable("too_many_pixels") from None
    except UnidentifiedImageError:
        raise Unreadable("damaged") from None
    except OSError as error:
        raise Unreadable("truncated" if "truncated" in str(error) else "damaged") from None
    picture.save(into / "photo-full.jpg", "JPEG", quality=92)
    for side in SIDES:
        if max(picture.size) > side:
            scaled(picture, side).save(into / f"photo-{side}.jpg", "JPEG", quality=88)
    scaled(picture, 256).save(into / "thumbnail.webp", "WEBP", quality=80)
    return {"kind": "photo", "width": picture.width, "height": picture.height, "frames": 1}


def _upright(opened: Image.Image) -> Image.Image:
    """RGB or grey pixels in the orientation they were taken; transparent parts become white."""
    opened.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an EXIF block may be nonsense: then the picture stays as it is
        picture = ImageOps.exif_transpose(opened)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    shown = picture if picture.mode in ("RGB", "L") else picture.convert("RGB")
    clean = Image.new(shown.mode, shown.size)
    clean.paste(shown)
    return clean
