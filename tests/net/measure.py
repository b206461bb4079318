"""What a person at the end of a bad network gets: from getStats, between two looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.relay.browser import Guest


@dataclass(frozen=True, slots=True)
class Look:
    """Sums over everything received, as they stand at one moment; `video` and `audio` are bytes."""

    at: float
    frames: float
    frozen: float
    freezes: float
    dropped: float
    plis: float
    nacks: float
    keyframes: float
    buffered: float
    emitted: float
    concealed: float
    silent: float
    samples: float
    video: float
    audio: float
    sent: float


def look(guest: Guest) -> Look:
    """Everything at once; times are the page's, in seconds."""
    received = guest.page.evaluate("pcs.sub ? stats('sub') : []")
    rows = [row for row in received if row["type"] == "inbound-rtp"]
    sent = guest.page.evaluate("pcs.pub ? stats('pub') : []")
    video = [row for row in rows if row["kind"] == "video"]
    audio = [row for row in rows if row["kind"] == "audio"]
    return Look(
        at=guest.page.evaluate("performance.now() / 1000"),
        frames=_sum(video, "framesDecoded"),
        frozen=_sum(video, "totalFreezesDuration"),
        freezes=_sum(video, "freezeCount"),
        dropped=_sum(video, "framesDropped"),
        plis=_sum(video, "pliCount"),
        nacks=_sum(video, "nackCount"),
        keyframes=_sum(video, "keyFramesDecoded"),
        buffered=_sum(video, "jitterBufferDelay"),
        emitted=_sum(video, "jitterBufferEmittedCount"),
        concealed=_sum(audio, "concealedSamples"),
        silent=_sum(audio, "silentConcealedSamples"),
        samples=_sum(audio, "totalSamplesReceived"),
        video=_sum(video, "bytesReceived"),
        audio=_sum(audio, "bytesReceived"),
        sent=_sum([row for row in sent if row["type"] == "outbound-rtp"], "bytesSent"),
    )


def _sum(rows: list[dict[str, Any]], field: str) -> float:
    return float(sum(row.get(field, 0) for row in rows))


def between(first: Look, last: Look) -> dict[str, float]:
    """The figures of the time between two looks: percentages, kbit/s, ms."""
    seconds = last.at - first.at
    samples = max(last.samples - first.samples, 1)
    emitted = max(last.emitted - first.emitted, 1)
    # Chromium counts what it adds to silence (DTX) as concealed and silent: nobody hears that.
    concealed = (last.concealed - last.silent) - (first.concealed - first.silent)
    return {
        "seconds": round(seconds, 1),
        "frames_per_s": round((last.frames - first.frames) / seconds, 1),
        "frozen_percent": round((last.frozen - first.frozen) / seconds * 100, 2),
        "freezes": last.freezes - first.freezes,
        "dropped": last.dropped - first.dropped,
        "keyframes": last.keyframes - first.keyframes,
        "plis": last.plis - first.plis,
        "nacks": last.nacks - first.nacks,
        "buffer_ms": round((last.buffered - first.buffered) / emitted * 1000),
        "concealed_percent": round(concealed / samples * 100, 2),
        "video_kbit_s": round((last.video - first.video) * 8 / seconds / 1000),
        "audio_kbit_s": round((last.audio - first.audio) * 8 / seconds / 1000),
    }
