"""Bars of a chart as lengths in per cent, so that text keeps its size at any width. Draws nothing, knows no data.

The template that draws it is templates/_chart.html: SVG with a title and words beside each bar; a table says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROW, BAR, HEAD = 46, 12, 20  # px: one row of a lying chart, one of its bars, the words above them
TALL, FOOT = 180, 24  # px: the columns of a standing chart, the words under them
WIDEST = 78.0  # per cent: the rest is for the figure behind the longest bar


@dataclass(frozen=True, slots=True)
class Bar:
    """x, width: per cent of the chart; y, height: px. `series` counts from 1 and gives the colour."""

    series: int
    words: str
    x: str
    y: int
    width: str
    height: int
    end: str
    """Where the figure stands: behind a lying bar, in the middle of a standing one."""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    x: str
    y: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    standing: bool
    series: list[str]
    groups: list[Group]
    height: int


Figures = Sequence[tuple[str, Sequence[tuple[float | None, str]]]]
"""Label, and for each series its value (None: nothing to draw) and how it is said."""


def lying(series: list[str], figures: Figures) -> Chart:
    """Bars from the left, a row for each label: long names have room."""
    most = _most(figures)
    groups = []
    tall = HEAD + len(series) * (BAR + 4) + 10
    for row, (label, values) in enumerate(figures):
        top = row * tall
        bars = [
            _lying_bar(number, words, (value or 0) / most * WIDEST, top + HEAD + (number - 1) * (BAR + 4))
            for number, (value, words) in enumerate(values, 1)
        ]
        groups.append(Group(label, "0%", top + HEAD - 6, bars))
    return Chart(False, series, groups, max(1, len(figures)) * tall)


def _lying_bar(series: int, words: str, length: float, y: int) -> Bar:
    return Bar(series, words, "0%", y, _percent(length), BAR, _percent(length + 1.5))


def standing(series: list[str], figures: Figures) -> Chart:
    """Columns from the foot, one group for each label: for months."""
    most, count = _most(figures), max(1, len(figures))
    wide = 100 / count
    groups = []
    for place, (label, values) in enumerate(figures):
        left, each = place * wide + wide * 0.12, wide * 0.76 / max(1, len(series))
        bars = []
        for number, (value, words) in enumerate(values, 1):
            high = round((value or 0) / most * (TALL - HEAD))
            x = left + (number - 1) * each
            bars.append(
                Bar(number, words, _percent(x), TALL - high, _percent(each * 0.9), high, _percent(x + each * 0.45))
            )
        groups.append(Group(label, _percent(place * wide + wide / 2), TALL + FOOT - 8, bars))
    return Chart(True, series, groups, TALL + FOOT)


def _most(figures: Figures) -> float:
    return max((value or 0 for _label, values in figures for value, _words in values), default=0) or 1


def _percent(value: float) -> str:
    return f"{value:.2f}%"
