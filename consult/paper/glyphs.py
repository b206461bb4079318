"""Which characters the printing font can show. Reads the font's own table, knows no document."""

import struct
import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("noto_cjk_sans_otc")))
FONT = FOLDER / "NotoSansCJK-Regular.ttc"
LAYOUT = frozenset("\n\t")


def unprintable(text: str) -> list[str]:
    """Characters that would be missing or would reorder the line (controls, bidirectional marks), each once."""
    known = _ranges()
    return [char for char in dict.fromkeys(text) if char not in LAYOUT and not _is_shown(char, known)]


def shown(text: str) -> str:
    """The text with every unprintable character replaced by its visible code: nothing vanishes on paper."""
    bad = {ord(char): f"〔U+{ord(char):04X}〕" for char in unprintable(text)}
    return text.translate(bad)


def _is_shown(char: str, known: list[tuple[int, int]]) -> bool:
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return False
    code = ord(char)
    return any(first <= code <= last for first, last in known)


@cache
def _ranges() -> list[tuple[int, int]]:
    """Code ranges of the collection's first font: OpenType `cmap`, format 12 (ISO/IEC 14496-22 section 5.2.1)."""
    with FONT.open("rb") as file:
        data = file.read(4096)
        (font,) = struct.unpack_from(">I", data, 12)
        (tables,) = struct.unpack_from(">H", data, font + 4)
        records = [struct.unpack_from(">4sIII", data, font + 12 + 16 * index) for index in range(tables)]
        offset, length = next((record[2], record[3]) for record in records if record[0] == b"cmap")
        file.seek(offset)
        cmap = file.read(length)
    (count,) = struct.unpack_from(">H", cmap, 2)
    for index in range(count):
        (start,) = struct.unpack_from(">I", cmap, 4 + 8 * index + 4)
        if struct.unpack_from(">H", cmap, start)[0] == 12:
            (groups,) = struct.unpack_from(">I", cmap, start + 12)
            return [struct.unpack_from(">II", cmap, start + 16 + 12 * group) for group in range(groups)]
    raise ValueError("the font has no table for all of Unicode")
