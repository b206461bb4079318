"""Several at once, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from consult.errors import Refusal


@contextmanager
def _patient() -> Iterator[None]:
    """SQLite lets one write at a time: the last of two hundred waits longer than a site's people would."""
    options = connection.settings_dict["OPTIONS"]
    known = dict(options)
    if connection.vendor == "sqlite":
        options["timeout"] = 120
    try:
        yield
    finally:
        options.clear()
        options.update(known)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Begin all acts at the same moment; what each returned, or the code of its Refusal. Other errors are raised."""
    ready = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)
    broken: list[BaseException] = []

    def run(index: int, act: Callable[[], Any]) -> None:
        try:
            ready.wait(30)
            results[index] = act()
        except Refusal as refusal:
            results[index] = refusal.code
        except BaseException as error:  # shown by the caller's thread
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    with _patient():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(180)
    if broken:
        raise broken[0]
    return results
