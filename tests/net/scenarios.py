"""The networks of the laboratory, as tables. `make lab` runs all; `docs/performance.md` has what was measured.

Every person has a line of their own to the relay and back, so a picture crosses two lines. "At 80 ms" is the round
trip between a person and the relay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.net.line import CLEAR, Line

ANN, BEN, BOTH = "ann", "ben", "both"
"""Ann is watched, Ben watches."""


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` seconds `who`'s line becomes `line` in both directions (or `up` and `down` each), and `act` happens:
    `move` changes the address the relay sees."""

    at: float
    who: str = BOTH
    line: Line = CLEAR
    up: Line | None = None
    down: Line | None = None
    act: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`settle` seconds pass before anything is counted, then `seconds` are, with `steps` during them. `back` is the
    moment from which the time until the next picture is measured; None: nothing breaks. `narrow` is when a line gets
    narrow and when wide again: from then on it is measured how long the picture takes to follow. `layers`: Ann's
    camera is sent in three sizes, as the room's page does."""

    name: str
    seconds: float
    steps: tuple[Step, ...] = field(default=())
    settle: float = 3.0
    back: float | None = None
    narrow: tuple[float, float] | None = None
    layers: bool = False
    size: tuple[int, int] = (640, 480)


def steady(**line: float) -> tuple[Step, ...]:
    """Both lines are so from the beginning."""
    return (Step(0, BOTH, Line(**line)),)  # type: ignore[arg-type]


MBIT = 1e6
NARROW = Line(rate=0.5 * MBIT, delay=0.02)
WIDE = Line(rate=3 * MBIT, delay=0.02)
SCENARIOS = (
    Scenario("no loss", 12),
    Scenario("80 ms", 12, steady(delay=0.04)),
    Scenario("300 ms", 12, steady(delay=0.15)),
    Scenario("300 ms, jitter 40 ms, 2 % overtaken", 15, steady(delay=0.15, jitter=0.04, reorder=0.02)),
    Scenario("2 % at 80 ms", 20, steady(delay=0.04, loss=0.02)),
    Scenario("5 % at 80 ms", 30, steady(delay=0.04, loss=0.05)),
    Scenario("5 % in bursts of 8 at 80 ms", 20, steady(delay=0.04, burst=0.05)),
    Scenario("10 % in bursts of 8 at 80 ms", 20, steady(delay=0.04, burst=0.10)),
    Scenario("5 % at 300 ms", 20, steady(delay=0.15, loss=0.05)),
    Scenario(
        "viewer 3 Mbit/s, 500 kbit/s, 3 Mbit/s",
        48,
        (Step(0, BEN, down=WIDE), Step(12, BEN, down=NARROW), Step(28, BEN, down=WIDE)),
        narrow=(12, 28),
        layers=True,
        size=(1280, 720),
    ),
    Scenario(
        "publisher 3 Mbit/s, 500 kbit/s, 3 Mbit/s",
        48,
        (Step(0, ANN, up=WIDE), Step(12, ANN, up=NARROW), Step(28, ANN, up=WIDE)),
        narrow=(12, 28),
        size=(1280, 720),
    ),
    Scenario("viewer 100 kbit/s", 20, (Step(0, BEN, down=Line(rate=0.1 * MBIT, delay=0.02)),), layers=True),
    Scenario("outage of 2 s", 14, (Step(4, BOTH, Line(cut=True)), Step(6, BOTH, CLEAR)), back=6),
    Scenario("viewer's address changes", 10, (Step(4, BEN, act="move"),), back=4),
    Scenario("publisher's address changes", 10, (Step(4, ANN, act="move"),), back=4),
)
"""What happens to pages that find their own way back is in `test_reconnect.py`: these pages never restart anything."""


def named(part: str) -> tuple[Scenario, ...]:
    """The scenarios with `part` in their name; all for an empty one."""
    return tuple(scenario for scenario in SCENARIOS if part in scenario.name)
