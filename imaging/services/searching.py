"""Search among described instances (DICOMweb PS3.18 section 8.3.4): attribute matching as in PS3.4 section C.2.2.2.

Works on the DICOM JSON model, of which a consultation has at most a few thousand: no index, any attribute.
"""

import re
from collections.abc import Iterator
from typing import Any

from pypinyin import lazy_pinyin

Described = dict[str, Any]
RANGES = {"DA", "TM", "DT"}
HAN = re.compile(r"[\u3400-\U0003ffff]")


def is_match(described: Described, path: tuple[str, ...], wanted: str, *, fuzzy: bool) -> bool:
    """Whether the attribute at `path` (tags, through sequences) matches; an empty `wanted` matches everything."""
    return wanted in ("", "*") or any(
        _fits(str(vr), value, wanted, fuzzy=fuzzy) for vr, value in _values(described, path)
    )


def _values(described: Described, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    element = described.get(path[0], {})
    for value in element.get("Value") or []:
        if len(path) == 1:
            yield element.get("vr", ""), value
        elif isinstance(value, dict):
            yield from _values(value, path[1:])


def _fits(vr: str, value: Any, wanted: str, *, fuzzy: bool) -> bool:
    if vr == "PN":
        names = [str(name) for name in value.values()] if isinstance(value, dict) else [str(value)]
        return any(_like(name.casefold(), wanted.casefold()) for name in names) or (
            fuzzy and any(_sounds(name, wanted) for name in names)
        )
    if vr in RANGES and "-" in wanted:
        first, _dash, last = wanted.partition("-")
        text = str(value)
        return (not first or text[: len(first)] >= first) and (not last or text[: len(last)] <= last)
    if vr == "UI":
        return str(value) in re.split(r"[,\\]", wanted)
    return _like(str(value), wanted)


def _like(text: str, wanted: str) -> bool:
    """`*` stands for any letters, `?` for one."""
    pattern = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in re.sub(r"\*+", "*", wanted))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _sounds(name: str, wanted: str) -> bool:
    """Every word wanted begins a word of the name; Han characters are compared as they are and by their pinyin."""
    if HAN.search(name) and HAN.search(wanted):
        return "".join(wanted.split()) in re.sub(r"[\s^]", "", name)
    have, words = _spoken(name), _spoken(wanted)
    joined = {"".join(have), "".join(have[1:] + have[:1])}
    return all(any(word.startswith(asked) for word in have) for asked in words) or "".join(words) in joined


def _spoken(name: str) -> list[str]:
    """Words in small Latin letters: of Han characters the family name, then the given name."""
    compact = re.sub(r"[\s^]", "", name)
    if HAN.search(compact):
        syllables = lazy_pinyin(compact)
        return [syllables[0], "".join(syllables[1:])] if len(syllables) > 1 else syllables
    return [word for word in re.split(r"[^\w*]+", name.casefold().replace("*", "")) if word]
