"""Fixtures that every test shares: the cast, and a database that forgets although it is append-only."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.backends.sqlite3.base import DatabaseOperations
from django.db.models.signals import post_migrate

from consult.policies import holiday
from tests import cast as people

pytest_plugins = ["tests.platform.fixtures", "tests.browser.fixtures", "tests.windows"]
_sql_flush = DatabaseOperations.sql_flush


def _flush_without_triggers(self: DatabaseOperations, *args: Any, **kwargs: Any) -> list[str]:
    """SQLite empties tables between tests by DELETE, which the append-only triggers refuse: off, empty, on again."""
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    off = [f'DROP TRIGGER "{name}"' for name, _ in triggers]
    return off + _sql_flush(self, *args, **kwargs) + [sql for _, sql in triggers]


def _holidays_again(sender: Any, **_about: Any) -> None:
    """What a migration filled is gone when a test has emptied the tables; Django says so by this signal."""
    if sender.label == "consult":
        importlib.import_module("consult.migrations.0025_holidays").fill(apps, None)


post_migrate.connect(_holidays_again, dispatch_uid="holidays again")


@pytest.fixture(autouse=True, scope="session")
def _flush() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "sql_flush", _flush_without_triggers)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.RECORDINGS_ROOT = tmp_path / "recordings"
    settings.SEAL_KEYS = tmp_path / "seals"


@pytest.fixture(autouse=True)
def _own_holidays() -> None:
    holiday.forget()


@pytest.fixture
def cast(db: None) -> people.Cast:
    return people.people()


@pytest.fixture
def live_cast(transactional_db: None) -> people.Cast:
    """The cast in a database that other threads and processes see."""
    return people.people()


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[..., Any]:
    """`with commits():` runs what waits for the commit."""

    def run() -> Any:
        return django_capture_on_commit_callbacks(execute=True)

    return run
