"""How panes stand on a screen: as the layout says where there is room, the other way, or the active one alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.imaging.scripts import Script

pytestmark = [pytest.mark.files, pytest.mark.small]  # asks no database

WIDE, ROOM, PHONE, LOW, SQUARE = (1790, 960), (620, 420), (360, 380), (360, 240), (470, 480)


@pytest.fixture(scope="module")
def shapes() -> Iterator[Script]:
    with Script("static/js/viewer/shapes.js") as script:
        yield script


@pytest.mark.parametrize(
    ("layout", "size", "shape"),
    [
        ("1x1", WIDE, (1, 1)),
        ("1x1", LOW, (1, 1)),
        ("1x2", WIDE, (1, 2)),
        ("2x1", WIDE, (2, 1)),
        ("2x2", WIDE, (2, 2)),
        ("2x2", ROOM, (2, 2)),
        ("2x2", SQUARE, (2, 2)),
        ("1x2", PHONE, (2, 1)),
        ("2x1", PHONE, (2, 1)),
        ("2x2", PHONE, (1, 1)),
        ("1x2", LOW, (1, 1)),
        ("2x1", (620, 240), (1, 2)),
    ],
)
def test_panes_stand_where_there_is_room(shapes: Script, layout: str, size: Any, shape: tuple[int, int]) -> None:
    found = shapes.ask("shapeOn", layout, {"width": size[0], "height": size[1]})
    assert (found["rows"], found["columns"]) == shape
