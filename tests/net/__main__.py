"""`make lab`: every scenario, as JSON in test-artifacts/ and as a table in docs/performance.md.

`python -m tests.net --only "5 %" --seed 3` runs some and leaves the document alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioice.ice

from relay.bench import machine
from tests.net.run import run
from tests.net.scenarios import Scenario, named
from tests.net.stage import Laboratory, laboratory

ROOT = Path(__file__).resolve().parents[2]
JSON = ROOT / "test-artifacts" / "lab.json"
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- lab: made by make lab -->", "<!-- end of lab -->"
COLUMNS = {
    "scenario": "network",
    "frozen_percent": "frozen %",
    "freezes": "freezes",
    "frames_per_s": "frames/s",
    "keyframes": "keyframes",
    "concealed_percent": "audio concealed %",
    "video_kbit_s": "video kbit/s",
    "audio_kbit_s": "audio kbit/s",
    "buffer_ms": "buffer ms",
    "longest_queue_ms": "longest queue ms",
    "back_after_s": "back after s",
    "down_after_s": "down after s",
    "up_after_s": "up after s",
    "aiortc_frames_per_s": "aiortc frames/s",
    "aiortc_decode_errors": "aiortc decode errors",
}


def main() -> int:
    """Runs what was asked for; 1 when a scenario could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.net", description=__doc__)
    parser.add_argument("--only", default="", help="scenarios with this in their name; the document is left alone")
    parser.add_argument("--seed", type=int, default=1, help="decides every loss")
    given = parser.parse_args()
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]  # aioice leaves it out; here it is the only address
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    try:
        for row in measured(named(given.only), given.seed):
            rows.append(row)
            print(json.dumps(row), flush=True)
            at = datetime.now(UTC).isoformat(timespec="minutes")
            JSON.parent.mkdir(exist_ok=True)
            about = {"at": at, "seed": given.seed, "machine": machine.describe(), "rows": rows}
            JSON.write_text(json.dumps(about, indent=1))
    finally:
        if rows and not given.only:
            write(rows, at)
    print(f"{len(rows)} networks in {time.monotonic() - began:.0f} s", flush=True)
    return int(any("failed" in row for row in rows))


def measured(scenarios: Iterable[Scenario], seed: int) -> Iterator[dict[str, Any]]:
    """A row for each scenario, as each ends. One that fails, for whatever reason, says so in its row, and the next has
    a laboratory that knows nothing of it."""
    with ExitStack() as stack:
        lab: Laboratory | None = None
        for scenario in scenarios:
            try:
                if lab is None:
                    lab = stack.enter_context(laboratory())
                lab.seed = seed
                row = run(lab, scenario)
            except Exception as error:
                traceback.print_exc()
                row = {"scenario": scenario.name, "failed": f"{type(error).__name__}: {error}".splitlines()[0]}
                lab = None
                with suppress(Exception):  # what is broken may break once more on its way out
                    stack.close()
            yield row | {"load_average": round(os.getloadavg()[0], 1)}


def write(rows: list[dict[str, Any]], at: str) -> None:
    """Puts the table between its two marks in the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    loads = [row["load_average"] for row in rows]
    about = machine.describe()
    words = f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, Python {about['python']}; {at}"
    words += f"; load average {min(loads)} to {max(loads)}."
    failed = [f"Not measured: {row['scenario']} ({row['failed']})." for row in rows if "failed" in row]
    told = "\n".join([words, *failed, "", table([row for row in rows if "failed" not in row])])
    DOCUMENT.write_text(f"{before}{BEGIN}\n{told}\n{END}{after}")


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown; what was not measured is a dash."""
    lines = [" | ".join(COLUMNS.values()), " | ".join("---" for _ in COLUMNS)]
    for row in rows:
        cells = ["-" if row.get(key) is None else row[key] for key in COLUMNS]
        lines.append(" | ".join(cell if isinstance(cell, str) else f"{cell:g}" for cell in cells))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
