"""Reads single fields of raw JSON objects: right type, right range, or `Unreadable`. Knows no command."""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, NoReturn, Self

MAX_BYTES = 64 * 1024

Reader = Callable[[Any], Any]


class Unreadable(Exception):
    """A message that cannot be understood. `code` names why, `to` the command; never quotes the content."""

    def __init__(self, code: str, to: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.to = to


def loads(text: str | None) -> dict[str, Any]:
    """One JSON object of at most MAX_BYTES. Raises Unreadable."""
    if text is None:
        raise Unreadable("binary")
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Unreadable("too-large")
    try:
        raw = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("not-json") from None
    if not isinstance(raw, dict):
        raise Unreadable("not-an-object")
    return raw


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message; each field is declared with `reads(reader)`."""

    t: ClassVar[str] = ""

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        return cls(**{each.name: _read(each, raw, cls.t) for each in fields(cls)})


def _read(each: "Field[Any]", raw: dict[str, Any], to: str) -> Any:
    if each.name not in raw or (raw[each.name] is None and each.default is not MISSING):
        if each.default is MISSING:
            raise Unreadable(f"missing:{each.name}", to)
        return each.default
    try:
        return each.metadata["read"](raw[each.name])
    except (ValueError, TypeError):
        raise Unreadable(f"wrong:{each.name}", to) from None


def reads(reader: Reader, *, default: Any = MISSING) -> Any:
    """A dataclass field read by `reader`; without `default` it is required."""
    return field(default=default, metadata={"read": reader})


def text(low: int = 0, high: int = MAX_BYTES, pattern: str = "") -> Reader:
    """A string of `low` to `high` characters that matches `pattern` whole."""
    wanted = re.compile(pattern, re.ASCII) if pattern else None

    def read(value: Any) -> str:
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise ValueError
        if wanted and not wanted.fullmatch(value):
            raise ValueError
        value.encode("utf-8")  # lone surrogates travel no further (UnicodeEncodeError is a ValueError)
        return value

    return read


def one_of(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return value

    return read


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def whole(low: int, high: int) -> Reader:
    """An integer, both ends included."""

    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return value

    return read


def number(low: float, high: float) -> Reader:
    """An integer or decimal, both ends included."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return float(value)

    return read


def rows(high: int, **columns: Reader) -> Reader:
    """A list of at most `high` objects that all have `columns`; others are left out."""

    def read(value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or len(value) > high:
            raise ValueError
        if not all(isinstance(row, dict) and columns.keys() <= row.keys() for row in value):
            raise ValueError
        return [{name: reader(row[name]) for name, reader in columns.items()} for row in value]

    return read


def several(high: int, item: Reader) -> Reader:
    """A list of at most `high` entries."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > high:
            raise ValueError
        return [item(entry) for entry in value]

    return read


def exactly(count: int, item: Reader) -> Reader:
    """A list of `count` entries."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) != count:
            raise ValueError
        return [item(entry) for entry in value]

    return read


def point(far: float) -> Reader:
    """Three numbers, none further than `far` from 0."""
    return exactly(3, number(-far, far))


def part(kind: type[Message]) -> Reader:
    """An object with the fields of `kind`."""

    def read(value: Any) -> Message:
        if not isinstance(value, dict):
            raise ValueError
        return kind.read(value)

    return read


def optional(item: Reader) -> Reader:
    """What `item` reads, or None."""
    return lambda value: None if value is None else item(value)


def mapping(high: int, key: Reader, item: Reader) -> Reader:
    """An object of at most `high` entries."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > high:
            raise ValueError
        return {key(name): item(entry) for name, entry in value.items()}

    return read
