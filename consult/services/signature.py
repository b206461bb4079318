"""A signature from outside: recognised by its bytes, drawn anew without metadata, bounded. Knows no rows."""

import io
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageOps

from consult.errors import Refusal, TooLarge

LARGEST = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 3000
LEAST_INK = 40  # pixels that differ from the background
ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|OpenAction|AA|EmbeddedFiles?|RichMedia|XFA|SubmitForm)\b")


@dataclass(frozen=True, slots=True)
class Paper:
    content: bytes
    extension: str


def clean(content: bytes, *, drawn: bool) -> Paper:
    """The signature as it is kept. Raises TooLarge, or Refusal with a reason a doctor understands."""
    if len(content) > LARGEST:
        raise TooLarge(
            "too_large", _("This file is larger than 8 MB. Take the photo at a lower resolution."), field="file"
        )
    if content.startswith(b"%PDF-") and not drawn:
        return Paper(_clean_pdf(content), "pdf")
    image = _open(content, ("PNG",) if drawn else ("PNG", "JPEG"))
    if drawn and not has_ink(image):
        raise Refusal("empty_signature", _("The box is empty. Please sign in it."), field="drawn")
    kept = io.BytesIO()
    if drawn or image.mode in {"RGBA", "LA"}:
        image.save(kept, "PNG", optimize=True)
        return Paper(kept.getvalue(), "png")
    image.save(kept, "JPEG", quality=88)
    return Paper(kept.getvalue(), "jpg")


def _open(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Decode within bounds; a new picture without any metadata, upright."""
    unreadable = Refusal(
        "unreadable", _("This is not a readable JPEG, PNG or PDF. Take the photo again."), field="file"
    )
    try:
        with Image.open(io.BytesIO(content), formats=formats) as found:
            if found.width * found.height > MOST_PIXELS:
                raise Refusal(
                    "too_large", _("This picture has too many pixels. Take it at a lower resolution."), field="file"
                )
            found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image = ImageOps.exif_transpose(found)
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            has_alpha = "A" in image.getbands() or "transparency" in image.info
            plain = image.convert("RGBA" if has_alpha else "RGB")
    except Refusal:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable from error
    fresh = Image.new(plain.mode, plain.size)
    fresh.paste(plain)
    return fresh


def has_ink(image: Image.Image) -> bool:
    """Whether something was drawn: enough pixels unlike the corner, seen on white."""
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    paper = Image.new("RGB", flat.size, flat.getpixel((0, 0)))
    ink = ImageChops.difference(flat, paper).convert("L").point(lambda value: 255 if value > 40 else 0)
    return ink.histogram()[255] >= LEAST_INK


def _clean_pdf(content: bytes) -> bytes:
    """Kept as it is, and only ever downloaded: refused when it is cut off or visibly carries scripts or files."""
    if b"%%EOF" not in content[-2048:]:
        raise Refusal("unreadable", _("This PDF is incomplete. Scan the paper again."), field="file")
    if ACTIVE.search(content):
        raise Refusal(
            "active_pdf", _("This PDF contains scripts or attachments. Scan the paper, or take a photo."), field="file"
        )
    return content
