"""What a TIFF claims, looked through before any library reads it (TIFF 6.0 section 2; BigTIFF). Reads no pixels."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imaging.raster.sniff import Unreadable

MOST_DIRECTORIES = 256
MOST_ENTRIES = 1024
MOST_SIDE = 1_000_000  # pixels: 25 cm at 40x
MOST_PIXELS = 60_000_000_000
LARGEST_TILE = 4096  # pixels a side
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 256, 257, 322, 323, 324
_PLANES, _SAMPLES = 284, 277
_SIZES = {3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers are written: byte order, and the widths of classic or big TIFF."""

    order: str
    count: str
    entry: str
    place: str


def check(path: Path) -> None:
    """Raise Unreadable unless the first picture is tiled and every directory is one that can be read.

    `other_picture`: not tiled. `too_many_pixels`: by what it claims. `damaged`: directories in a loop or outside of the
    file, or tiles that do not cover their picture. `truncated`: a directory lies beyond the end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        form, at = _header(file)
        seen: set[int] = set()
        while at:
            if at in seen or len(seen) >= MOST_DIRECTORIES:
                raise Unreadable("damaged")
            if at >= size:
                raise Unreadable("truncated")
            seen.add(at)
            tags, at = _directory(file, form, at)
            _check_picture(tags, is_first=len(seen) == 1)
    if not seen:
        raise Unreadable("damaged")


def _header(file: BinaryIO) -> tuple[_Form, int]:
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    if len(head) < 16:
        raise Unreadable("truncated")
    if struct.unpack_from(order + "H", head, 2)[0] == 43:
        return _Form(order, "Q", "HHQ8s", "Q"), struct.unpack_from(order + "Q", head, 8)[0]
    return _Form(order, "H", "HHI4s", "I"), struct.unpack_from(order + "I", head, 4)[0]


def _directory(file: BinaryIO, form: _Form, at: int) -> tuple[dict[int, tuple[int, int]], int]:
    """For each tag how many values and, where it is written in place, the first one; and where the next one is."""
    file.seek(at)
    (count,) = _unpacked(file, form.order + form.count)
    if not 0 < count <= MOST_ENTRIES:
        raise Unreadable("damaged")
    tags: dict[int, tuple[int, int]] = {}
    for _entry in range(count):
        tag, kind, values, where = _unpacked(file, form.order + form.entry)
        fits = kind in _SIZES and values == 1 and struct.calcsize(_SIZES[kind]) <= len(where)
        tags[tag] = (values, struct.unpack_from(form.order + _SIZES[kind], where)[0] if fits else 0)
    (following,) = _unpacked(file, form.order + form.place)
    return tags, following


def _unpacked(file: BinaryIO, form: str) -> tuple:  # type: ignore[type-arg]
    content = file.read(struct.calcsize(form))
    if len(content) < struct.calcsize(form):
        raise Unreadable("truncated")
    return struct.unpack(form, content)


def _check_picture(tags: dict[int, tuple[int, int]], *, is_first: bool) -> None:
    width, height = tags.get(_WIDTH, (0, 0))[1], tags.get(_HEIGHT, (0, 0))[1]
    if not (width and height):
        raise Unreadable("damaged")
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise Unreadable("too_many_pixels")
    if _TILE_WIDTH not in tags and _TILE_OFFSETS not in tags:
        if is_first:
            raise Unreadable("other_picture")
        return
    across, down = tags.get(_TILE_WIDTH, (0, 0))[1], tags.get(_TILE_HEIGHT, (0, 0))[1]
    if not (0 < across <= LARGEST_TILE and 0 < down <= LARGEST_TILE):
        raise Unreadable("damaged")
    planes = tags.get(_SAMPLES, (1, 1))[1] if tags.get(_PLANES, (1, 1))[1] == 2 else 1
    if tags.get(_TILE_OFFSETS, (0, 0))[0] != -(-width // across) * -(-height // down) * planes:
        raise Unreadable("damaged")
