"""Whole slides: cut to tiles by the limited child band by band, shown tile by tile and region by region.

The bands that are done, and how far the pack is right, are in the row: a worker that is killed loses one batch at most.
"""

import io
import os
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from consult.errors import Refusal, StorageFull
from consult.services import outbox, store
from imaging.models import Image, Reason, sentence
from imaging.raster import tiles
from imaging.raster.tiles import TILE, Level
from imaging.services import decoding, news, storage

FOLDER = "cutting"  # in the image's folder, until all of it is cut
TIMES, FREE = 4, 256 * 1024 * 1024  # a pack may be this many times the file, and so much more
SIDE = 2048  # pixels of the longer side of a region, where nobody says


class Unwanted(Exception):
    """The slide was withdrawn while it was cut."""


def cut(row: Image, into: Path) -> dict[str, Any]:
    """The facts of the slide; tiles.pack and thumbnail.webp in `into`. Raises Undecodable, Unwanted."""
    folder = row.path / FOLDER
    pack = folder / tiles.NAME
    said = row.facts.get("cut") or {}
    done, at = (said["done"], said["at"]) if said and pack.is_file() and pack.stat().st_size >= said["at"] else (0, 0)
    folder.mkdir(mode=0o700, exist_ok=True)
    most = TIMES * row.size + FREE
    try:
        facts = _batches(row, folder, done, at, most)
    except decoding.Undecodable:
        storage.forget(folder)
        raise
    if facts["at"] != pack.stat().st_size:
        raise decoding.Undecodable(Reason.DAMAGED)
    for name in (tiles.NAME, "thumbnail.webp"):
        os.rename(folder / name, into / name)
    storage.forget(folder)
    size = facts.pop("at")
    for name in ("bands", "done"):
        facts.pop(name)
    return {**facts, "tiles": {"size": TILE, "bytes": size}}


def _batches(row: Image, folder: Path, done: int, at: int, most: int) -> dict[str, Any]:
    while True:
        try:
            storage.need_room(min(most, row.size) if not done else 0)
        except StorageFull:
            raise decoding.Undecodable(Reason.STORAGE_FULL) from None
        facts = decoding.decode(kind="slide", source=store.here(row.original), into=folder, first=done, at=at)
        said = [facts.get(name) for name in ("bands", "done", "at")]
        bands, more, at = (each if isinstance(each, int) else 0 for each in said)
        if min(bands, more, at) < 1:
            raise decoding.Undecodable(Reason.DAMAGED)
        done += more
        if at > most:
            raise decoding.Undecodable(Reason.BOMB)
        if any(path.is_symlink() for path in folder.iterdir()):
            raise decoding.Undecodable(Reason.DAMAGED)
        if done >= bands:
            return facts
        storage.sync(folder / tiles.NAME)
        outbox.keep()
        row.facts = {**row.facts, "cut": {"done": done, "of": bands, "at": at}}
        if not Image.objects.filter(pk=row.pk, state=Image.State.PROCESSING).update(facts=row.facts):
            storage.forget(folder)
            raise Unwanted
        news.changed(row.consultation)


def agrees(facts: dict[str, Any], work: Path) -> bool:
    """Whether the pack in `work` is as long as said, and holds the places of all tiles."""
    levels = tiles.levels_of(facts["width"], facts["height"])
    pack = work / tiles.NAME
    size = pack.stat().st_size if pack.is_file() else 0
    whole = size == facts["tiles"]["bytes"] >= tiles.count_of(levels) * tiles.ENTRY.size
    return whole and facts["frames"] == 1 and (work / "thumbnail.webp").is_file()


def levels(image: Image) -> list[Level]:
    return tiles.levels_of(image.width, image.height)


def tile(image: Image, level: int, column: int, row: int) -> bytes | None:
    """The JPEG of one tile, None where there is no such tile. Raises Refusal `lost` when it should be there."""
    found = levels(image)
    if level >= len(found) or column >= found[level].columns or row >= found[level].rows:
        return None
    return _tile(image, found[level], column, row)


def _tile(image: Image, level: Level, column: int, row: int) -> bytes:
    try:
        content = tiles.read(partial(store.piece, image.path / "shown" / tiles.NAME), level, column, row)
    except FileNotFoundError:
        content = None
    if content is None:
        raise Refusal("lost", sentence(Reason.LOST))
    return content


def region(image: Image, box: tuple[int, int, int, int] | None, largest: int) -> Picture.Image:
    """`box` (left, top, width, height in pixels of the slide; None: all of it), of the level whose pixels are just
    enough for `largest` on the longer side (0: SIDE)."""
    left, top, width, height = box or (0, 0, image.width, image.height)
    side = largest or SIDE
    every = levels(image)
    number = 0
    while number + 1 < len(every) and max(width, height) / 2 ** (number + 1) >= side:
        number += 1
    level, times = every[number], 2**number
    x0, y0 = left // times, top // times
    x1 = min(level.width, max(x0 + 1, -(-(left + width) // times)))
    y1 = min(level.height, max(y0 + 1, -(-(top + height) // times)))
    whole = Picture.new("RGB", (x1 - x0, y1 - y0))
    for row in range(y0 // TILE, -(-y1 // TILE)):
        for column in range(x0 // TILE, -(-x1 // TILE)):
            with Picture.open(io.BytesIO(_tile(image, level, column, row)), formats=["JPEG"]) as part:
                whole.paste(part.convert("RGB"), (column * TILE - x0, row * TILE - y0))
    return whole
