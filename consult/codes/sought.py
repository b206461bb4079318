"""Words as they are looked for: one spelling of a text, and one that a trigram index of PostgreSQL can hold.

pg_trgm wants three characters, and with some locales knows no Chinese ones. So each character beyond ASCII is written
as three of 0-9a-z, and every Chinese word, even of one character, has trigrams. The plain text tells collisions apart.
"""

import unicodedata

MOST, LONGEST = 6, 40  # words of a question, characters of one
SHORT = 3  # characters of ASCII below which only the beginnings of words are looked at
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FIRST = 0x3400  # the first Chinese character (CJK extension A)


def plain(text: str) -> str:
    """Lower case, full width made half, single spaces, one in front of each word."""
    return " " + " ".join(unicodedata.normalize("NFKC", text).replace("\x00", "").lower().split())


def folded(text: str) -> str:
    """`plain` text in ASCII only."""
    return "".join(char if char.isascii() else _three(ord(char)) for char in text)


def _three(code: int) -> str:
    rest, last = divmod((code - _FIRST) % 36**3, 36)
    return _DIGITS[rest // 36] + _DIGITS[rest % 36] + _DIGITS[last]


def words(question: str) -> list[str]:
    """What all must be found, as parts of `plain` texts: short Latin ones with the space before them."""
    parts = plain(question).split()[:MOST]
    return [f" {part}" if part.isascii() and len(part) < SHORT else part[:LONGEST] for part in parts]
