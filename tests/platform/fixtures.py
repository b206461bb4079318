"""Fixtures of real processes for every test (tests/conftest.py loads them)."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.platform.servers import postgres, redis
from tests.platform.site import LargeSite, Site

if TYPE_CHECKING:
    from tests.platform.bucket import Bucket


def pytest_configure(config: pytest.Config) -> None:
    """On the large form every worker of xdist has a database of its own, so its news need names of their own too."""
    from django.conf import settings

    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    if settings.LARGE:
        settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"test.{worker}."


@pytest.fixture(scope="session")
def large_servers() -> Iterator[tuple[str, str]]:
    """URLs of a PostgreSQL and a Redis: those of `make test`, or throwaway ones of this session."""
    given = os.environ.get("TEST_POSTGRES_URL", ""), os.environ.get("TEST_REDIS_URL", "")
    if all(given):
        yield given
        return
    with postgres() as database, redis() as broker:
        yield database, broker


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def large_site(large_servers: tuple[str, str]) -> Iterator[LargeSite]:
    with LargeSite(*large_servers) as running:
        yield running


@pytest.fixture
def bucket(settings: Any) -> Iterator["Bucket"]:
    """Files are kept in an S3 bucket."""
    from tests.platform.bucket import Bucket  # its server takes a second to load

    made = Bucket()
    settings.S3_BUCKET, settings.STORAGES = made.name, made.storages()
    yield made
    made.goes()
