"""The health page when parts are down: it still answers, says which, and says nothing else."""

import sys
from collections.abc import Iterator

import pytest

from tests.platform.servers import free_port
from tests.platform.site import Processes, environment, health, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def bare_site() -> Iterator[int]:
    """A site whose database and Redis do not exist; its port."""
    port = free_port()
    processes = Processes()
    processes.start(
        [sys.executable, "manage.py", "site"],
        environment(
            PORT=str(port),
            DATA_DIR=str(processes.home / "data"),
            DATABASE_URL=f"postgresql://telemed:secret@127.0.0.1:{free_port()}/telemed",
            REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
        ),
    )
    yield port
    processes.end()


def test_with_every_part_down_the_page_says_so(bare_site: int) -> None:
    status, body = wait_until(lambda: (h := health(bare_site))[0] and h, "healthz answers", 60)
    assert (status, body) == (
        503,
        {
            "status": "down",
            "version": "0.1.0",
            "database": "down",
            "channel_layer": "down",
            "worker": "down",
            "relays": [],
        },
    )
