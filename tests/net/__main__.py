"""`make lab`: every scenario, as JSON in test-artifacts/ and as a table in docs/performance.md.

`python -m tests.net --only "5 %" --seed 3` runs some and leaves the document alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioice.ice

from relay.bench import machine
from tests.net.run import run
from tests.net.scenarios import named
from tests.net.stage import laboratory

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
    failed = False
    with laboratory() as lab:
        for scenario in named(given.only):
            lab.seed = given.seed
            try:
                rows.append(run(lab, scenario))
            except AssertionError as error:
                failed = True
                rows.append({"scenario": scenario.name, "failed": str(error)})
            rows[-1]["load_average"] = round(os.getloadavg()[0], 1)
            print(json.dumps(rows[-1]), flush=True)
    JSON.parent.mkdir(exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="minutes")
    JSON.write_text(json.dumps({"at": at, "seed": given.seed, "machine": machine.describe(), "rows": rows}, indent=1))
    if not given.only:
        write(rows, at)
    return int(failed)


def write(rows: list[dict[str, Any]], at: str) -> None:
    """Puts the table between its two marks in the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    loads = [row["load_average"] for row in rows]
    about = machine.describe()
    words = f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, Python {about['python']}; {at}"
    words += f"; load average {min(loads)} to {max(loads)}."
    DOCUMENT.write_text(f"{before}{BEGIN}\n{words}\n\n{table(rows)}\n{END}{after}")


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown; what was not measured is a dash."""
    lines = [" | ".join(COLUMNS.values()), " | ".join("---" for _ in COLUMNS)]
    for row in rows:
        cells = ["-" if row.get(key) is None else row[key] for key in COLUMNS]
        lines.append(" | ".join(cell if isinstance(cell, str) else f"{cell:g}" for cell in cells))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
