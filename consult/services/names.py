"""How a Chinese name is found by typing Latin letters."""

from pypinyin import Style, lazy_pinyin


def index(*spellings: str) -> str:
    """Lower-case pinyin and initials of every spelling: 王小明 -> "wangxiaoming wxm"; Latin names stay as they are."""
    found: list[str] = []
    for name in spellings:
        full = "".join(lazy_pinyin(name)).lower().replace(" ", "")
        initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower().replace(" ", "")
        found += [word for word in (full, initials) if word and word not in found]
    return " ".join(found)[:160]
