"""Whole slides (Aperio SVS, pyramids in TIFF, DICOM) cut to tiles with OpenSlide. Runs only in the limited child.

The pictures beside the slide (its label, the photo of the whole glass) are never opened: patients' names stand on them.
"""

import io
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from openslide import OpenSlide, OpenSlideError
from PIL import Image

from imaging.raster import tiff, tiles
from imaging.raster.encode import scaled
from imaging.raster.sniff import Unreadable
from imaging.raster.tiles import ENTRY, TILE, Level

VENDORS = frozenset(("aperio", "generic-tiff", "dicom"))
BATCH_SECONDS = 5  # of CPU, so that the child's limit is one band's, not the slide's
BATCH_WAIT = 12  # by the clock: a busy machine is no reason to refuse
MOST_TILES = 1_000_000
FREE_PIXELS, PIXELS_PER_BYTE = 100_000_000, 4000  # glass without tissue has about 200 a byte
AT_ONCE = 4  # tiles that are read in one piece
QUALITY = 88
MICRONS = (0.02, 20.0)  # a pixel of a scanner; anything else is the printing resolution of a picture program


def cut(source: Path, into: Path, *, first: int, at: int) -> dict[str, Any]:
    """Write bands from number `first` (from 0) on to `into`/tiles.pack, which is right up to byte `at`.

    A band is one row of tiles of one level. Answers the facts of the slide, how many `bands` there are, how many were
    `done` in this batch and where the pack ends then (`at`). The last batch writes thumbnail.webp. Raises Unreadable.
    """
    began = time.monotonic()
    slide = _opened(source)
    width, height = slide.dimensions
    if max(width, height) > tiff.MOST_SIDE or width * height > tiff.MOST_PIXELS:
        raise Unreadable("too_many_pixels")
    if width * height > max(FREE_PIXELS, source.stat().st_size * PIXELS_PER_BYTE):
        raise Unreadable("bomb")
    levels = tiles.levels_of(width, height)
    if tiles.count_of(levels) > MOST_TILES:
        raise Unreadable("too_many_pixels")
    bands = [(number, row) for number, level in enumerate(levels) for row in range(level.rows)]
    pack = into / tiles.NAME
    done = 0
    with open(pack, "r+b" if first else "w+b") as file:
        writer = Writer(file, at if first else tiles.count_of(levels) * ENTRY.size)
        for number, row in bands[first:]:
            if done and (time.process_time() > BATCH_SECONDS or time.monotonic() - began > BATCH_WAIT):
                break
            if number:
                _halve(writer, levels[number - 1], levels[number], row)
            else:
                _read(writer, slide, levels[0], row)
            done += 1
        if first + done == len(bands):
            picture = writer.read(levels[-1], 0, 0)
            scaled(picture, 256).save(into / "thumbnail.webp", "WEBP", quality=80)
    facts = {"kind": "slide", "width": width, "height": height, "frames": 1, **_scale(slide.properties)}
    return {**facts, "bands": len(bands), "done": done, "at": writer.at}


def _opened(source: Path) -> OpenSlide:
    with source.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"II", b"MM"):
        tiff.check(source)
    try:
        vendor = OpenSlide.detect_format(source)
        if vendor not in VENDORS:
            raise Unreadable("slide" if vendor else "damaged")
        return OpenSlide(source)
    except OpenSlideError:
        raise Unreadable("damaged") from None


class Writer:
    """Appends tiles to a pack from byte `at` on, the same picture once in a batch."""

    def __init__(self, file: BinaryIO, at: int) -> None:
        self.file = file
        self.at = at
        self.same: dict[bytes, int] = {}
        file.truncate(at)  # what an earlier, cut run wrote beyond it goes

    def put(self, level: Level, column: int, row: int, picture: Image.Image) -> None:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=QUALITY)
        content = out.getvalue()
        start = self.same.get(content) if len(content) < 8192 else None
        if start is None:
            start = self.at
            os.pwrite(self.file.fileno(), content, start)
            self.at += len(content)
            if len(content) < 8192:  # glass without tissue
                self.same[content] = start
        number = level.first + row * level.columns + column
        os.pwrite(self.file.fileno(), ENTRY.pack(start, len(content)), number * ENTRY.size)

    def read(self, level: Level, column: int, row: int) -> Image.Image:
        """One of the tiles that are there already."""
        number = level.first + row * level.columns + column
        start, length = ENTRY.unpack(os.pread(self.file.fileno(), ENTRY.size, number * ENTRY.size))
        return Image.open(io.BytesIO(os.pread(self.file.fileno(), length, start)), formats=["JPEG"]).convert("RGB")


def _read(writer: Writer, slide: OpenSlide, level: Level, row: int) -> None:
    """A band of the slide itself, a few tiles at a time."""
    for start in range(0, level.columns, AT_ONCE):
        end = min(start + AT_ONCE, level.columns)
        across = min(end * TILE, level.width) - start * TILE
        down = level.size_of(start, row)[1]
        try:
            read = slide.read_region((start * TILE, row * TILE), 0, (across, down))
        except OpenSlideError:
            raise Unreadable("damaged") from None
        whole = Image.new("RGB", read.size, "white")
        whole.paste(read, mask=read.getchannel("A"))  # what was not scanned is white like glass
        for column in range(start, end):
            left = (column - start) * TILE
            wide, high = level.size_of(column, row)
            writer.put(level, column, row, whole.crop((left, 0, left + wide, high)))


def _halve(writer: Writer, below: Level, level: Level, row: int) -> None:
    """A band of half the size, of the tiles of the level below: each pixel is the mean of four."""
    for column in range(level.columns):
        right, bottom = min(2 * column + 2, below.columns), min(2 * row + 2, below.rows)
        size = (min(2 * TILE, below.width - 2 * column * TILE), min(2 * TILE, below.height - 2 * row * TILE))
        whole = Image.new("RGB", size)
        for v in range(2 * row, bottom):
            for u in range(2 * column, right):
                whole.paste(writer.read(below, u, v), ((u - 2 * column) * TILE, (v - 2 * row) * TILE))
        writer.put(level, column, row, whole.reduce(2))


def _scale(said: Mapping[str, str]) -> dict[str, Any]:
    """Millimetres a pixel and the objective's power, where the file says them and they can be true."""
    down, across = (_number(said.get(f"openslide.mpp-{axis}")) for axis in ("y", "x"))
    fine = all(MICRONS[0] <= each <= MICRONS[1] for each in (down, across))
    power = _number(said.get("openslide.objective-power"))
    spacing = {"row": down / 1000, "column": across / 1000, "at": "slide"} if fine else None
    return {"spacing": spacing, "objective": power if 0 < power <= 200 else None}


def _number(text: str | None) -> float:
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0
