"""Where a point of an image is on the screen, under every zoom, move, turn, mirror and shape of pixel."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.imaging.scripts import Script

pytestmark = pytest.mark.files

pytestmark = pytest.mark.small  # asks no database

sides = st.integers(1, 8000)
IMAGE = st.fixed_dictionaries({"width": sides, "height": sides})
BOX = st.fixed_dictionaries({"width": st.integers(40, 4000), "height": st.integers(40, 2400)})
PART = st.floats(0, 1)
LOOK = st.fixed_dictionaries(
    {"zoom": st.floats(0.1, 20), "x": PART, "y": PART, "turn": st.integers(0, 3), "flip": st.booleans()}
)
STRETCH = st.floats(0.1, 10)
ALL = settings(max_examples=80, deadline=None, database=None)


@pytest.fixture(scope="module")
def transform() -> Iterator[Script]:
    with Script("static/js/viewer/transform.js") as script:
        yield script


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    return math.dist((one["x"], one["y"]), (other["x"], other["y"]))


@ALL
@given(image=IMAGE, box=BOX, look=LOOK, stretch=STRETCH, x=PART, y=PART)
def test_screen_to_image_to_screen_is_the_same_place(
    transform: Script, image: Any, box: Any, look: Any, stretch: float, x: float, y: float
) -> None:
    matrix = transform.ask("placing", image, stretch, look, box)
    screen = {"x": x * box["width"], "y": y * box["height"]}
    there = transform.ask("onImage", matrix, screen)
    assert apart(transform.ask("onScreen", matrix, there), screen) < 0.5


@ALL
@given(image=IMAGE, box=BOX, look=LOOK, stretch=STRETCH)
def test_the_point_looked_at_is_in_the_middle_of_every_screen(
    transform: Script, image: Any, box: Any, look: Any, stretch: float
) -> None:
    matrix = transform.ask("placing", image, stretch, look, box)
    middle = {"x": look["x"] * image["width"], "y": look["y"] * image["height"]}
    assert apart(transform.ask("onScreen", matrix, middle), {"x": box["width"] / 2, "y": box["height"] / 2}) < 0.01


@ALL
@given(image=IMAGE, box=BOX, stretch=STRETCH, turn=st.integers(0, 3), flip=st.booleans())
def test_what_fits_is_whole_on_the_screen(
    transform: Script, image: Any, box: Any, stretch: float, turn: int, flip: bool
) -> None:
    look = {"zoom": 1, "x": 0.5, "y": 0.5, "turn": turn, "flip": flip}
    matrix = transform.ask("placing", image, stretch, look, box)
    corners = [(0, 0), (image["width"], 0), (0, image["height"]), (image["width"], image["height"])]
    for x, y in corners:
        at = transform.ask("onScreen", matrix, {"x": x, "y": y})
        assert -0.5 <= at["x"] <= box["width"] + 0.5
        assert -0.5 <= at["y"] <= box["height"] + 0.5


PLAIN = {"zoom": 1, "x": 0.5, "y": 0.5, "turn": 0, "flip": False}


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_mirror_changes_left_and_right_of_the_screen_and_turn_goes_clockwise(
    transform: Script, turn: int, flip: bool
) -> None:
    """In a square box, of a square image of 100 pixels: where its first corner goes."""
    box, image = {"width": 100, "height": 100}, {"width": 100, "height": 100}

    def corner(look: dict[str, Any]) -> tuple[float, float]:
        matrix = transform.ask("placing", image, 1, look, box)
        at = transform.ask("onScreen", matrix, {"x": 10, "y": 20})
        return round(at["x"], 6), round(at["y"], 6)

    look = {**PLAIN, "turn": turn, "flip": flip}
    x, y = corner(look)
    assert corner(transform.ask("mirrored", look)) == (100 - x, y)
    assert corner(transform.ask("turned", look, 1)) == (100 - y, x)
    assert corner(transform.ask("turned", look, -1)) == (y, 100 - x)


def test_a_tall_pixel_is_tall_on_the_screen(transform: Script) -> None:
    matrix = transform.ask("placing", {"width": 100, "height": 50}, 2, PLAIN, {"width": 300, "height": 300})
    assert (matrix["a"], matrix["d"]) == (3, 6)
