"""Fixtures of real processes; other tests import them: `from tests.platform.conftest import large_servers`."""

import os
from collections.abc import Iterator

import pytest

from tests.platform.servers import postgres, redis
from tests.platform.site import LargeSite, Site


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
