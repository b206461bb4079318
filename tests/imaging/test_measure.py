"""What marks measure, against numpy and school geometry."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.raster import measure
from imaging.raster.measure import Spacing
from tests.imaging import phantom
from tests.imaging.scripts import Script

pytestmark = pytest.mark.small  # asks no database

ODD = Spacing(*phantom.SPACING)
FEW = settings(max_examples=80, deadline=None, database=None)
degrees = st.floats(0, 360)


@pytest.mark.parametrize(
    ("points", "mm", "px"),
    [([(3, 7), (13, 7)], 8.0, 10), ([(3, 7), (3, 17)], 5.0, 10), ([(0, 0), (30, 40)], math.hypot(24, 20), 50)],
)
def test_a_length_is_of_the_body_not_of_the_pixels(points: Any, mm: float, px: float) -> None:
    assert measure.figures("length", points, ODD, None) == {"unit": "mm", "length": pytest.approx(mm)}
    assert measure.figures("length", points, None, None) == {"unit": "px", "length": px}


def test_an_angle_is_of_the_body_not_of_the_pixels() -> None:
    """A right angle in millimetres: 50 down and 50 across are as many pixels only where pixels are square."""
    arm = [(10, 10), (0, 0), (10, -16)]  # 8 mm and 5 mm; 8 mm and -8 mm
    assert measure.figures("angle", arm, None, None)["angle"] == pytest.approx(45 + math.degrees(math.atan2(16, 10)))
    assert measure.figures("angle", arm, ODD, None)["angle"] == pytest.approx(45 + math.degrees(math.atan2(5, 8)))


def turned(x: float, y: float, by: float) -> tuple[float, float]:
    cos, sin = math.cos(math.radians(by)), math.sin(math.radians(by))
    return cos * x - sin * y, sin * x + cos * y


@FEW
@given(opening=st.floats(0, 180), by=degrees)
def test_an_angle_is_the_same_however_the_body_lies(opening: float, by: float) -> None:
    arms = [turned(7, 0, by), (0, 0), turned(*turned(9, 0, opening), by)]
    assert measure.angle(*arms) == pytest.approx(opening, abs=1e-4)


@FEW
@given(upper=st.floats(-80, 80), lower=st.floats(-80, 80), by=degrees, swaps=st.tuples(st.booleans(), st.booleans()))
def test_cobb_is_the_tilt_between_the_end_plates_however_they_are_drawn(
    upper: float, lower: float, by: float, swaps: tuple[bool, bool]
) -> None:
    """Two plates one over the other, each tilted: their angle is the difference, also beyond 90 degrees."""
    lines = []
    for tilt, height, swap in ((upper, -40.0, swaps[0]), (lower, 40.0, swaps[1])):
        x, y = turned(10, 0, tilt)
        line = [turned(-x, height - y, by), turned(x, height + y, by)]
        lines += line[::-1] if swap else line
    assert measure.cobb(*lines) == pytest.approx(abs(upper - lower), abs=1e-4)


@FEW
@given(
    kind=st.sampled_from(["rectangle", "ellipse"]),
    x=st.tuples(*[st.integers(0, phantom.COLUMNS * 100).map(lambda value: value / 100)] * 2),
    y=st.tuples(*[st.integers(0, phantom.ROWS * 100).map(lambda value: value / 100)] * 2),
    piece=st.sampled_from([40, 1 << 20]),
)
def test_mean_and_deviation_are_numpys(kind: str, x: Any, y: Any, piece: int) -> None:
    """Every pixel asked one by one whether its middle is inside, whichever corners were drawn."""
    values = phantom.truth()
    points = list(zip(x, y, strict=True))
    (left, right), (top, bottom) = sorted(x), sorted(y)
    across, down = np.meshgrid(np.arange(phantom.COLUMNS) + 0.5, np.arange(phantom.ROWS) + 0.5)
    inside = (across >= left) & (across <= right) & (down >= top) & (down <= bottom)
    if kind == "ellipse" and right > left and bottom > top:
        far = ((2 * across - left - right) / (right - left)) ** 2 + ((2 * down - top - bottom) / (bottom - top)) ** 2
        inside &= far <= 1
    whole, measure.AT_ONCE = measure.AT_ONCE, piece
    try:
        found = measure.figures(kind, points, ODD, values)
    finally:
        measure.AT_ONCE = whole
    area = (right - left) * 0.8 * (bottom - top) * 0.5 * (math.pi / 4 if kind == "ellipse" else 1)
    assert found.pop("area") == pytest.approx(area)
    assert found.pop("unit") == "mm"
    if not inside.any():
        assert found == {}
        return
    of = values[inside]
    expected = {"count": of.size, "mean": of.mean(), "sd": of.std(), "low": of.min(), "high": of.max()}
    assert found == {name: pytest.approx(value, abs=1e-6) for name, value in expected.items()}


def test_calipers_on_paper_read_time_across_and_voltage_up() -> None:
    """25 mm/s and 10 mm/mV at 8 pixels a millimetre: 20 small squares across, 5 up."""
    paper = Spacing(1 / 8, 1 / 8)
    assert measure.calipers([(100, 200), (260, 160)], paper, 25, 10) == {"ms": 800, "mv": 0.5}
    assert measure.calipers([(260, 160), (100, 200)], paper, 25, 10) == {"ms": 800, "mv": 0.5}


@pytest.fixture(scope="module")
def geometry() -> Iterator[Script]:
    with Script("static/js/viewer/tools/geometry.js") as script:
        yield script


@FEW
@given(
    kind=st.sampled_from(["length", "angle", "cobb", "rectangle", "ellipse"]),
    places=st.lists(st.tuples(st.integers(0, 512), st.integers(0, 512)), min_size=4, max_size=4),
    spacing=st.sampled_from([None, {"row": 0.5, "column": 0.8, "at": "patient"}]),
)
def test_the_page_says_the_same_before_the_site_has_answered(
    geometry: Script, kind: str, places: list[tuple[int, int]], spacing: dict[str, Any] | None
) -> None:
    points = places[: measure.POINTS[kind]]
    known = Spacing(spacing["row"], spacing["column"]) if spacing else None
    expected = measure.figures(kind, points, known, None)
    said = geometry.ask("figuresOf", kind, points, spacing)
    assert said == {name: pytest.approx(value, abs=1e-6) for name, value in expected.items()}
    if kind == "length" and known:
        on_paper = geometry.ask("figuresOf", kind, points, spacing, {"mmPerS": 25, "mmPerMv": 10})
        assert on_paper == pytest.approx({**said, **measure.calipers(points, known, 25, 10)})


def regions(*boxes: tuple[int, int, int, int, Spacing | None]) -> tuple[list[measure.Region], list[dict[str, Any]]]:
    """The same for the site and for the page."""
    names = ("x0", "y0", "x1", "y1")
    told = [
        {**dict(zip(names, box, strict=False)), "row": scale.row if scale else None, "column": scale and scale.column}
        for *box, scale in boxes
    ]
    return [measure.Region(*box) for box in boxes], told


FINE, COARSE = Spacing(0.3, 0.2), Spacing(0.5, 0.5)
REGIONS = regions((10, 10, 100, 100, FINE), (100, 10, 200, 100, None), (10, 60, 100, 160, COARSE))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(10, 10), (100, 59.9)], FINE),  # the edges are inside
        ([(9.9, 20), (50, 20)], None),  # begins outside
        ([(50, 20), (110, 20)], None),  # from the picture into the Doppler
        ([(120, 20), (150, 20)], None),  # s and cm/s are no lengths
        ([(20, 70), (50, 70)], None),  # in two that differ
        ([(20, 70), (50, 120)], COARSE),
        ([(300, 300), (310, 300)], None),
    ],
)
def test_ultrasound_is_measured_by_the_region_it_is_in(geometry: Script, points: Any, expected: Spacing | None) -> None:
    ours, theirs = REGIONS
    assert measure.spacing_at(points, ODD, ours) == expected
    said = geometry.ask("spacingAt", points, {"spacing": {"row": 9, "column": 9}, "regions": theirs})
    assert said == ({"row": expected.row, "column": expected.column} if expected else None)
    assert measure.spacing_at(points, ODD, []) == ODD


def test_what_is_no_number_is_left_out() -> None:
    values = np.array([[1, np.nan], [3, np.inf]], np.float32)
    found = measure.figures("rectangle", [(0, 0), (2, 2)], None, values)
    assert (found["count"], found["mean"], found["sd"]) == (2, 2, 1)
    assert measure.figures("probe", [(1.5, 0.5)], None, values) == {}


def test_a_probe_reads_the_pixel_it_lies_in() -> None:
    values = phantom.truth()
    for x, y, row, column in [(0, 0, 0, 0), (10.99, 3.01, 3, 10), (phantom.COLUMNS, phantom.ROWS, -1, -1)]:
        assert measure.figures("probe", [(x, y)], None, values) == {"value": values[row, column]}
    colour = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert measure.figures("probe", [(1.2, 0.7)], None, colour) == {"rgb": [4, 5, 6]}
    assert measure.figures("rectangle", [(0, 0), (2, 1)], None, colour) == {"unit": "px", "area": 2}
