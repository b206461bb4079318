"""Pages of a PDF (ISO 32000) as pictures. Runs only in the limited child.

Nothing in a document acts here: pdfium is built without scripts, and links, attachments and actions are never followed.
What is drawn is the page with the entries of its form and its remarks.
"""

import ctypes
import math
import time
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from imaging.raster.encode import keep_page
from imaging.raster.sniff import Unreadable

MAX_PAGES = 300
SIDE = 2400  # pixels: A4 at 205 to the inch
BATCH_SECONDS = 6  # of CPU, so that the child's limit is one page's, not the document's
TAIL = 1024  # bytes at the end in which a whole file says %%EOF (ISO 32000-1 annex H.3)
_LOCKED = (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)


def use_fonts(folder: Path) -> None:
    """Draw what a document names and does not bring with the fonts in `folder`, the same on every machine."""
    paths = (ctypes.POINTER(ctypes.c_char) * 2)()
    paths[0] = ctypes.cast(ctypes.create_string_buffer(str(folder).encode()), ctypes.POINTER(ctypes.c_char))
    raw.FPDF_DestroyLibrary()
    raw.FPDF_InitLibraryWithConfig(raw.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=paths))


def normalise(source: Path, into: Path, *, first: int) -> dict[str, object]:
    """Write pages from number `first` (from 0) on as `into`/page-<n>.jpg and page-<n>-small.jpg.

    Answers how many `pages` there are, how many were `done` in this batch, and the width and height in pixels that
    all pictures share: what a page lacks of them is black. The first batch writes thumbnail.webp. Raises Unreadable.
    """
    _check_end(source)
    document = _opened(source)
    count = len(document)
    if count > MAX_PAGES:
        raise Unreadable("too_many_pages")
    sizes = [_size(document, number) for number in range(count)]
    if not sizes:
        raise Unreadable("damaged")
    box = (max(width for width, _ in sizes), max(height for _, height in sizes))
    done = 0
    for number in range(first, count):
        if done and time.process_time() > BATCH_SECONDS:
            break
        picture = _drawn(document, number, sizes[number], box)
        keep_page(picture, number, into, quality=88, small=85, subsampling=0)
        done += 1
    return {"kind": "document", "pages": count, "done": done, "width": box[0], "height": box[1], "frames": count}


def _check_end(source: Path) -> None:
    """A reader mends a file whose end is missing by leaving out pages: nobody would know."""
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - TAIL - 64))
        if b"%%EOF" not in file.read().rstrip(b"\0 \r\n")[-TAIL:]:
            raise Unreadable("truncated")


def _opened(source: Path) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(source)
        document.init_forms()
    except pdfium.PdfiumError as error:
        raise Unreadable("encrypted" if error.err_code in _LOCKED else "damaged") from None
    return document


def _size(document: pdfium.PdfDocument, number: int) -> tuple[int, int]:
    """Pixels of a page whose longer side is SIDE, whatever size it claims on paper."""
    width, height = document.get_page_size(number)
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise Unreadable("damaged")
    scale = SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _drawn(document: pdfium.PdfDocument, number: int, size: tuple[int, int], box: tuple[int, int]) -> Image.Image:
    """The page in the middle of `box`; without colour in grey."""
    try:
        page = document[number]
        longer = max(page.get_size())
        bitmap = page.render(scale=SIDE / longer)
        drawn = bitmap.to_pil().convert("RGB")
        page.close()
    except pdfium.PdfiumError:
        raise Unreadable("damaged") from None
    red, green, blue = drawn.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        drawn = red
    whole = Image.new(drawn.mode, box)
    whole.paste(drawn.crop((0, 0, *size)), ((box[0] - size[0]) // 2, (box[1] - size[1]) // 2))
    return whole
