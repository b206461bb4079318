"""`python -m relay.bench.report [--quick]`: the whole comparison, written to docs/performance.json and a plot.

Scenarios: everybody with everybody in six rooms of four and four of nine, against Janus and the floor; one camera to
three and to eight viewers; one camera to three against aiortc's MediaRelay; the cost from 2 to 40 rooms.
"""

from __future__ import annotations

import argparse
import json
import sys
from html import escape
from pathlib import Path

from relay.bench.canned import Profile
from relay.bench.compare import PEERS, Figures, compare
from relay.bench.janus import JanusMissing
from relay.bench.load import Load

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTH, BAR, GAP, LEFT = 720, 18, 14, 210
COLOURS = {"relay": "#0b6e7f", "janus": "#c2571a", "floor": "#8a94a0"}


def scenarios(seconds: float) -> list[tuple[str, Load, list[str]]]:
    """Title, load and peers of each comparison."""
    usual, half, picture_only = Profile(), Profile(80, 25), Profile(audio=0)
    return [
        ("6 rooms of 4", Load(6, 4, 4, seconds, usual), ["janus"]),
        ("4 rooms of 9, half the packets", Load(4, 9, 9, seconds, half), ["janus"]),
        ("1 camera to 3, 12 rooms", Load(12, 4, 1, seconds, usual), ["janus"]),
        ("1 camera to 8, 4 rooms", Load(4, 9, 1, seconds, usual), ["janus"]),
        ("1 camera to 3", Load(1, 4, 1, seconds, picture_only), ["mediarelay"]),
        ("2 rooms of 3", Load(2, 3, 3, seconds, usual), []),
        ("10 rooms of 3", Load(10, 3, 3, seconds, usual), []),
        ("40 rooms of 3, a quarter of the packets", Load(40, 3, 3, seconds, Profile(40, 12)), []),
        ("10 rooms of 3, a quarter of the packets", Load(10, 3, 3, seconds, Profile(40, 12)), []),
    ]


def main() -> int:
    """Runs all; 1 when our relay lost packets, 2 when a peer is not installed."""
    parser = argparse.ArgumentParser(prog="python -m relay.bench.report", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short turns each, for a look")
    given = parser.parse_args()
    seconds, repeat = (4.0, 2) if given.quick else (8.0, 3)
    results: dict[str, Figures] = {}
    try:
        for title, load, peers in scenarios(seconds):
            results[title] = compare(load, {name: PEERS[name] for name in peers}, repeat, with_floor=True)
            print(_line(title, results[title]), flush=True)
    except JanusMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    (DOCS / "performance.json").write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "images" / "relay-cost.svg").write_text(plot(results))
    return 1 if any(result["lost"] or result["silent_tracks"] for result in results.values()) else 0


def _line(title: str, result: Figures) -> str:
    said = [f"{title}: {result['us_cpu_per_packet_sent']} us of CPU per packet sent, {result['lost']} lost"]
    said += [f"p99 {result['delay_ms_p99']} ms", f"{result['times_the_floor']} times the floor"]
    for name, figures in result.get("against", {}).items():
        said.append(f"{name} {figures['us_cpu_per_packet_sent']} us (we: {figures['ours_to_theirs']} of it)")
    return ", ".join(said)


def plot(results: dict[str, Figures]) -> str:
    """A bar chart as SVG: CPU per packet sent of our relay, of Janus and of the floor, for each scenario with Janus."""
    rows = {title: result for title, result in results.items() if "janus" in result.get("against", {})}
    bars: list[str] = []
    most = max(r["against"]["janus"]["us_cpu_per_packet_sent"] for r in rows.values())
    top = 40
    for title, result in rows.items():
        values = {
            "relay": result["us_cpu_per_packet_sent"],
            "janus": result["against"]["janus"]["us_cpu_per_packet_sent"],
            "floor": result["floor"]["us"],
        }
        bars.append(f'<text x="{LEFT - 12}" y="{top + BAR * 1.9:.0f}" text-anchor="end">{escape(title)}</text>')
        for name, value in values.items():
            length = value / most * (WIDTH - LEFT - 110)
            bars.append(
                f'<rect x="{LEFT}" y="{top}" width="{length:.0f}" height="{BAR - 4}" fill="{COLOURS[name]}"/>'
                f'<text x="{LEFT + length + 6:.0f}" y="{top + 11}">{name} {value:.1f}</text>'
            )
            top += BAR
        top += GAP
    machine = next(iter(rows.values()))["machine"]
    head = f"us of CPU per packet sent, less is better ({machine['cpu']}, {machine['cores']} cores)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/><g fill="#1c2530">'
        f'<text x="12" y="22" font-size="14">{escape(head)}</text>' + "".join(bars) + "</g></svg>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
