"""Pages of documents and electrocardiograms, by the limited child in batches: what takes long is one page's limit."""

from pathlib import Path
from typing import Any

from consult.errors import StorageFull
from consult.services import outbox
from imaging.models import Reason
from imaging.services import decoding, storage

MOST_BYTES = 512 * 1024 * 1024
MOST_BATCHES = 20  # of about seven seconds of CPU each


def pages(source: Path, into: Path, kind: str = "document") -> dict[str, Any]:
    """Pictures of all pages below `into` and the document's facts. Raises Undecodable: all of it or nothing."""
    facts: dict[str, Any] = {}
    done = 0
    for _batch in range(MOST_BATCHES):
        try:
            storage.need_room(0)
        except StorageFull:
            raise decoding.Undecodable(Reason.STORAGE_FULL) from None
        facts = decoding.decode(kind=kind, source=source, into=into, first=done)
        count, more = facts.get("pages"), facts.pop("done", 0)
        if not isinstance(count, int) or not isinstance(more, int) or more < 1:
            raise decoding.Undecodable(Reason.DAMAGED)
        done += more
        if sum(path.lstat().st_size for path in into.iterdir()) > MOST_BYTES:
            raise decoding.Undecodable(Reason.TOO_MANY_PAGES)
        if done >= count:
            return facts
        outbox.keep()
    raise decoding.Undecodable(Reason.TOOK_TOO_LONG)
