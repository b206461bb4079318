"""What the relay itself sees of each participant's line, summed up for the consultation's record. Knows no site."""

from __future__ import annotations

from relay.room import Participant

INTERVAL = 20.0
"""Seconds between two tellings; and once more when a participant leaves."""


def figures(participant: Participant) -> dict[str, object] | None:
    """The fields of one peer in the `quality` event, since its connection began; None while it has none.

    `packets` and `lost` came and never came from it (repeats counted as come); `jitter` of its worst stream and `trip`,
    there and back, in milliseconds, `trip` 0 while unknown.
    """
    publisher, subscriber = participant.publisher, participant.subscriber
    if publisher is None:
        return None
    streams = publisher.media_streams()
    return {
        "peer": participant.peer,
        "packets": sum(stream.received for stream in streams),
        "lost": sum(stream.lost for stream in streams),
        "jitter": round(1000 * max((stream.jitter for stream in streams), default=0.0), 1),
        "trip": round(1000 * subscriber.round_trip, 1) if subscriber is not None else 0.0,
    }
