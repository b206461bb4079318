"""A whole slide as tiles in one packed file: where each tile is. Decodes nothing, knows no slide format.

`tiles.pack` begins with one entry a tile (ENTRY: where its JPEG begins, how long it is, both little endian), in the
order of levels, rows and columns; then the JPEGs. Level 0 is the slide itself, each next one half as large in each
direction, the last one fits into one tile. Tiles are TILE pixels a side, those at the right and lower edge what is
left.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

TILE = 512
NAME = "tiles.pack"
ENTRY = struct.Struct("<QI")
MOST_BYTES = 4 * TILE * TILE  # of one tile


@dataclass(frozen=True, slots=True)
class Level:
    """Size in pixels and in tiles; `first` is the number of its first tile in the pack."""

    width: int
    height: int
    columns: int
    rows: int
    first: int

    def size_of(self, column: int, row: int) -> tuple[int, int]:
        """Width and height of one tile."""
        return min(TILE, self.width - column * TILE), min(TILE, self.height - row * TILE)


def levels_of(width: int, height: int) -> list[Level]:
    """From the slide itself down to what fits into one tile."""
    found: list[Level] = []
    first = 0
    while True:
        level = Level(width, height, -(-width // TILE), -(-height // TILE), first)
        found.append(level)
        first += level.columns * level.rows
        if max(width, height) <= TILE:
            return found
        width, height = -(-width // 2), -(-height // 2)


def count_of(levels: list[Level]) -> int:
    """Tiles of all levels."""
    return levels[-1].first + levels[-1].columns * levels[-1].rows


def read(piece: Callable[[int, int], bytes], level: Level, column: int, row: int) -> bytes | None:
    """The JPEG of a tile; None where the pack does not hold it, or holds something else there.

    `piece` gives bytes of the pack: from where, how many.
    """
    entry = piece((level.first + row * level.columns + column) * ENTRY.size, ENTRY.size)
    if len(entry) != ENTRY.size:
        return None
    start, length = ENTRY.unpack(entry)
    if not 0 < length <= MOST_BYTES:
        return None
    content = piece(start, length)
    return content if len(content) == length and content.startswith(b"\xff\xd8\xff") else None
