"""Rows whose keys a question finds: the keys are found first, and then only their rows."""

from typing import Any

from django.db.models import Field, Q, QuerySet
from django.db.models.lookups import In


@Field.register_lookup
class Among(In):
    """`IN`, but PostgreSQL finds the keys first, and asks the primary key's index for their rows whatever order is
    wanted: with `IN` it may walk all rows in that order, asking of each whether it belongs."""

    lookup_name = "among"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= ANY(ARRAY{rhs})" if connection.vendor == "postgresql" else str(super().get_rhs_op(connection, rhs))


def keys(found: QuerySet[Any, Any]) -> Q:
    """Those whose primary key is among `found`, a question for keys."""
    return Q(pk__among=found)
