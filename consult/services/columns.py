"""Many rows as columns of numbers: what is counted needs no Python object for each row."""

from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, FloatField, Func, IntegerField, Q, QuerySet, Value, When
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Seconds(Func):
    """A moment as seconds since 1970; NULL stays NULL. To the millisecond on SQLite."""

    function = "date_part"
    template = "date_part('epoch', %(expressions)s)"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="((julianday(%(expressions)s) - 2440587.5) * 86400.0)", **context
        )


class Letters(Func):
    """The first three letters of a code as one number; NULL of none."""

    function = "ascii"
    template = (
        "(%(function)s(substr(%(expressions)s, 1, 1)) * 65536"
        " + %(function)s(substr(%(expressions)s, 2, 1)) * 256 + %(function)s(substr(%(expressions)s, 3, 1)))"
    )
    output_field = FloatField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        sql, parameters = super().as_sql(compiler, connection, **context)
        return sql, (*parameters, *parameters, *parameters)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="unicode", **context)


def place(field: str, values: list[str]) -> Case:
    """Where in `values` a field's value is; NULL when it is none of them."""
    return Case(
        *(When(**{field: value}, then=Value(at)) for at, value in enumerate(values)), output_field=IntegerField()
    )


def flag(condition: Q) -> Case:
    """1 or 0."""
    return Case(When(condition, then=Value(1)), default=Value(0))


def columns(rows: QuerySet[Any], **named: Any) -> dict[str, Floats]:
    """Each named expression, of numbers, as an array over all rows in one order; NULL is NaN.

    PostgreSQL sends them as one value, eight bytes a number, so that none is parsed here.
    """
    chosen = rows.order_by().annotate(**{f"{name}_": each for name, each in named.items()})
    asked = chosen.values_list(*(f"{name}_" for name in named))
    if connection.vendor == "postgresql":
        table = _as_one_value(asked, len(named))
    else:
        table = np.array(list(asked), dtype=float).reshape(-1, len(named))
    return {name: table[:, at] for at, name in enumerate(named)}


def _as_one_value(asked: QuerySet[Any, Any], count: int) -> Floats:
    names = [f"c{at}" for at in range(count)]
    try:
        sql, parameters = asked.query.sql_with_params()
    except EmptyResultSet:
        return np.empty((0, count))
    sent = " || ".join(f"float8send(coalesce({name}::float8, 'NaN'))" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT string_agg({sent}, ''::bytea) FROM ({sql}) AS t({', '.join(names)})",  # noqa: S608  (names of ours)
            parameters,
        )
        (value,) = cursor.fetchone()
    return np.frombuffer(value or b"", dtype=">f8").astype(float).reshape(-1, count)
