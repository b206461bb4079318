"""A signature from outside: recognised by its bytes, drawn anew without metadata, bounded. Knows no rows."""

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageOps

from consult.errors import Refusal, TooLarge

LARGEST = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 3000
LEAST_INK = 40  # pixels that differ from the background
ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|OpenAction|AA|EmbeddedFiles?|RichMedia|XFA|SubmitForm)\b")
STREAM = re.compile(rb">>\s{0,8}stream\r?\n")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
MOST_UNPACKED = 16 * 1024 * 1024


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


def _unreadable() -> Refusal:
    return Refusal("unreadable", _("This is not a readable JPEG, PNG or PDF. Take the photo again."), field="file")


def _open(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Decode within bounds; a new picture without any metadata, upright."""
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
        raise _unreadable() from error
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
    if any(ACTIVE.search(words) for words in _pdf_words(content)):
        raise Refusal(
            "active_pdf", _("This PDF contains scripts or attachments. Scan the paper, or take a photo."), field="file"
        )
    return content


def _pdf_words(content: bytes) -> Iterator[bytes]:
    """What a PDF says outside its pictures (whose bytes may look like anything): dictionaries, packed ones too.

    Names with #xx are written out (ISO 32000-1 section 7.3.5); object streams are unpacked (section 7.5.7).
    """
    at, left = 0, MOST_UNPACKED
    while (found := STREAM.search(content, at)) and (end := content.find(b"endstream", found.end())) >= 0:
        words = _written_out(content[at : found.end()])
        yield words
        if b"/ObjStm" in words[-2000:]:
            try:
                unpacked = zlib.decompressobj().decompress(content[found.end() : end], max(1, left))
            except zlib.error:
                unpacked = content[found.end() : end]
            left -= len(unpacked)
            if left <= 0:
                raise _unreadable()
            yield _written_out(unpacked)
        at = end
    yield _written_out(content[at:])


def _written_out(words: bytes) -> bytes:
    return ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), words)
