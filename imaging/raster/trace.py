"""Electrocardiograms on millimetre paper: 25 mm/s and 10 mm/mV, ten seconds a page. Runs only in the limited child.

Every millimetre is PX pixels on every page, so that calipers measure time and voltage as on paper.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imaging.raster.encode import keep_page
from imaging.raster.sniff import Unreadable

PX = 8
MM_PER_S, MM_PER_MV = 25, 10
SECONDS = 10
MAX_PAGES, MAX_LEADS = 60, 24
MAX_SAMPLES = 64_000_000
RATES = (20.0, 50_000.0)  # samples a second
BATCH_SECONDS = 6
_LEFT, _RIGHT, _TOP, _BOTTOM = 20, 5, 14, 6  # millimetres around the traces
_FINE, _BOLD, _INK, _PAPER = (250, 214, 210), (236, 150, 146), (16, 24, 32), (255, 252, 250)
_OVER = 2  # drawn that much larger, then scaled down: smooth lines
RAW, SAID = "traces.raw", "traces.json"


@dataclass(frozen=True, slots=True)
class Trace:
    """One lead: millivolts at `rate` samples a second; not finite where nothing was recorded."""

    label: str
    millivolts: NDArray[np.float32]
    rate: float


def keep(leads: list[tuple[str, NDArray[np.float32], float]], into: Path) -> dict[str, object]:
    """Write the leads (name, millivolts, samples a second) below `into` for `draw`; their facts. Raises Unreadable."""
    traces = [trace for trace in (Trace(*lead) for lead in leads) if trace.millivolts.size][:MAX_LEADS]
    if not traces:
        raise Unreadable("no_pixels")
    if sum(trace.millivolts.size for trace in traces) > MAX_SAMPLES:
        raise Unreadable("too_big_to_decode")
    if any(not RATES[0] <= trace.rate <= RATES[1] for trace in traces):
        raise Unreadable("damaged")
    with (into / RAW).open("wb") as out:
        for trace in traces:
            out.write(np.ascontiguousarray(trace.millivolts, "<f4").tobytes())
    said = [{"label": trace.label[:24], "rate": trace.rate, "samples": trace.millivolts.size} for trace in traces]
    (into / SAID).write_text(json.dumps(said))
    return {"traces": len(traces)}


def draw(source: Path, into: Path, *, first: int) -> dict[str, object]:
    """Write pages from number `first` on, as `pages.normalise` does; `source` is the RAW file of `keep`."""
    traces = _kept(source)
    seconds = max(trace.millivolts.size / trace.rate for trace in traces)
    whole = max(1, int(np.ceil(seconds / SECONDS - 1e-6)))
    count = min(whole, MAX_PAGES)
    pitch = 22 if len(traces) > 4 else 34
    paper = _paper(_LEFT + SECONDS * MM_PER_S + _RIGHT, _TOP + pitch * len(traces) + _BOTTOM)
    done = 0
    for number in range(first, count):
        if done and time.process_time() > BATCH_SECONDS:
            break
        note = "" if whole <= MAX_PAGES else f"   first {MAX_PAGES * SECONDS // 60} of {seconds / 60:.0f} min"
        picture = _page(paper, traces, number, pitch, f"{number * SECONDS} s   25 mm/s   10 mm/mV{note}")
        keep_page(picture, number, into, quality=80, small=80, subsampling=2)
        done += 1
    return {
        "kind": "traces",
        "pages": count,
        "done": done,
        "frames": count,
        "width": paper.width // _OVER,
        "height": paper.height // _OVER,
        "spacing": {"row": 1 / PX, "column": 1 / PX, "at": "paper"},
        "ecg": {"mm_per_s": MM_PER_S, "mm_per_mv": MM_PER_MV},
    }


def _kept(source: Path) -> list[Trace]:
    said = json.loads(source.with_name(SAID).read_text())
    values = np.fromfile(source, "<f4")
    ends = np.cumsum([each["samples"] for each in said])
    parts = np.split(values, ends[:-1])
    return [Trace(each["label"], part, each["rate"]) for each, part in zip(said, parts, strict=True)]


def _paper(width: int, height: int) -> Image.Image:
    """A grid of millimetres, every fifth one bold."""
    step = PX * _OVER
    paper = Image.new("RGB", (width * step, height * step), _PAPER)
    pen = ImageDraw.Draw(paper)
    for bold in (False, True):
        for at in range(0, max(width, height) + 1):
            if (at % 5 == 0) == bold:
                ink, thick = (_BOLD, _OVER) if bold else (_FINE, _OVER // 2)
                pen.line([(at * step, 0), (at * step, height * step)], ink, thick)
                pen.line([(0, at * step), (width * step, at * step)], ink, thick)
    return paper


def _page(paper: Image.Image, traces: list[Trace], number: int, pitch: int, words: str) -> Image.Image:
    """Ten seconds of every trace, one below the other, each with its name and 1 mV as it is drawn."""
    step = PX * _OVER
    page = paper.copy()
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=4 * step)
    pen.text((_LEFT * step, 3 * step), words, _INK, font)
    for row, trace in enumerate(traces):
        base = (_TOP + pitch * row + pitch / 2) * step
        pen.line([(x * step, base - y * step) for x, y in _PULSE], _INK, _OVER + 1)
        pen.text(((_LEFT + 1) * step, base - pitch / 2 * step), trace.label, _INK, font)
        for line in _lines(trace, number):
            points = np.column_stack((_LEFT * step + line[0] * MM_PER_S * step, base - line[1] * MM_PER_MV * step))
            pen.line([(float(x), float(y)) for x, y in points], _INK, _OVER + 1, joint="curve")
    return page.reduce(_OVER)


_PULSE = ((5, 0), (7, 0), (7, MM_PER_MV), (12, MM_PER_MV), (12, 0), (14, 0))  # 1 mV for 0.2 s


def _lines(trace: Trace, number: int) -> list[tuple[NDArray[np.float64], NDArray[np.float32]]]:
    """Seconds since the page began and millivolts, a pair for each stretch without a gap."""
    start, end = round(number * SECONDS * trace.rate), round((number + 1) * SECONDS * trace.rate) + 1
    values = trace.millivolts[start:end]
    finite = np.isfinite(values)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], finite.view(np.int8), [0]))))
    found = []
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - begin > 1:
            at = (np.arange(begin, stop) + start) / trace.rate - number * SECONDS
            found.append((at, np.clip(values[begin:stop], -20, 20)))
    return found
