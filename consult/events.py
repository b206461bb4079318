"""News for open pages and sockets, sent after commit. Rows are the truth: a lost event costs a refresh, never data."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)
_loop: asyncio.AbstractEventLoop | None = None


def bind(loop: asyncio.AbstractEventLoop) -> None:
    """Send from now on through the loop the site's consumers live on.

    The in-process channel layer wakes its readers only on their own loop; a worker thread has another one.
    """
    global _loop
    _loop = loop


def announce(
    *, consultation: int | None, kind: str, seq: int, people: Iterable[int], mark: dict[str, Any] | None = None
) -> None:
    """After commit: tell the consultation's room and each person's pages that something changed.

    `kind` is consultation, message, image, annotation, still, opinion, recording or notification; `seq` is the newest
    of that kind; `mark` is the mark on an image that changed, where all who hear of it may see it.
    """
    news = {"type": "news", "kind": kind, "consultation": consultation, "seq": seq, "mark": mark}
    groups = [f"person.{pk}" for pk in sorted(set(people))]
    if consultation is not None:
        groups.insert(0, f"consultation.{consultation}")
    transaction.on_commit(lambda: _send(groups, news), robust=True)


def recordings_changed() -> None:
    """After commit: every relay's link looks again at what its relay has to record."""
    transaction.on_commit(lambda: _send(["recordings"], {"type": "recordings.changed"}), robust=True)


def revoke(*, person: int) -> None:
    """After commit: every socket of this person reads its user again and closes when it may no longer be here."""
    transaction.on_commit(lambda: _send([f"person.{person}"], {"type": "recheck"}), robust=True)


def _send(groups: list[str], message: dict[str, Any]) -> None:
    try:
        if _loop is not None and _loop.is_running():
            asyncio.run_coroutine_threadsafe(_deliver(groups, message), _loop)
        else:
            async_to_sync(_deliver)(groups, message)
    except Exception:
        logger.exception("news not sent")


async def _deliver(groups: list[str], message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    for group in groups:
        try:
            await layer.group_send(group, message)
        except Exception:
            logger.exception("news not sent to one group")
