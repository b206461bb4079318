"""A clock that is turned by hand. Rows and services read Django's `timezone.now`, and nothing else, for the moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils import timezone


class Clock:
    """`now` never goes back."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def turn(self, to: datetime) -> None:
        self.now = max(self.now, to)

    @contextmanager
    def worn(self) -> Iterator[None]:
        """This process lives by it. For a command or a test, never for a server."""
        real = timezone.now
        timezone.now = lambda: self.now
        try:
            yield
        finally:
            timezone.now = real
