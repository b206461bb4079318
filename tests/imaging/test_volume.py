"""Which series are volumes, as the page itself decides it; the door that gives a frame's values."""

import copy
import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from imaging.raster import steps
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, photo, sent
from tests.imaging.scripts import Script

AXIAL = [1, 0, 0, 0, 1, 0]


@pytest.fixture(scope="module")
def geometry() -> Iterator[Script]:
    with Script("static/js/volume/geometry.js") as script:
        yield script


def series(count: int = 8) -> list[dict[str, Any]]:
    """Axial slices 2 mm apart, sent from the head down."""
    return [
        {
            "pk": number + 1,
            "frames": 1,
            "width": 64,
            "height": 48,
            "frameUrl": f"/images/{number + 1}/frames/",
            "values": {"dtype": "<i2", "inverted": False},
            "plane": {"frame": "1.2", "orientation": AXIAL, "positions": [[-10, -20, 30 - 2 * number]]},
            "spacing": {"row": 0.5, "column": 0.8, "at": "patient"},
        }
        for number in range(count)
    ]


@pytest.mark.small
def test_equal_steps_make_a_volume_from_the_feet_up(geometry: Script) -> None:
    found = geometry.ask("volumeOf", series())["geometry"]
    assert (found["size"], found["spacing"], found["origin"]) == ([64, 48, 8], [0.8, 0.5, 2], [-10, -20, 16])
    assert found["direction"] == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert [part["image"] for part in found["parts"]] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert found["parts"][0]["url"] == "/images/8/frames/0/values/"
    assert geometry.ask("voxelOf", found, [-9.2, -19, 22]) == pytest.approx([1, 2, 3])
    assert geometry.ask("pointOf", found, [1, 2, 3]) == pytest.approx([-9.2, -19, 22])
    assert geometry.ask("partAt", found, [0, 0, 22.9])["image"] == 5
    assert geometry.ask("boxOf", found)["high"] == pytest.approx([40.8, 3.75, 31])


@pytest.mark.small
def test_frames_of_one_file_are_slices_too(geometry: Script) -> None:
    [one] = series(1)
    one["frames"] = 9
    one["plane"]["positions"] = [[0, 0, 3 * number] for number in range(9)]
    found = geometry.ask("volumeOf", [one])["geometry"]
    assert (found["size"], [part["frame"] for part in found["parts"]]) == ([64, 48, 9], list(range(9)))


def changed(path: tuple[str | int, ...], value: object) -> list[dict[str, Any]]:
    """The series, one thing of its fourth image another."""
    images = copy.deepcopy(series())
    thing: Any = images[3]
    for step in path[:-1]:
        thing = thing[step]
    thing[path[-1]] = value
    return images


@pytest.mark.small
@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (series(7), "few"),
        ([image for image in series(10) if image["pk"] != 5], "gaps"),
        ([*series(), {**series(1)[0], "pk": 99}], "gaps"),
        (changed(("values",), None), "kind"),
        (changed(("values", "inverted"), True), "kind"),
        (changed(("plane",), None), "place"),
        (changed(("spacing", "at"), "detector"), "place"),
        (changed(("width",), 65), "sizes"),
        (changed(("spacing", "row"), 0.6), "sizes"),
        (changed(("plane", "frame"), "1.3"), "ways"),
        (changed(("plane", "orientation"), [0, 1, 0, 0, 0, -1]), "ways"),
        (changed(("plane", "positions"), [[-9, -20, 24]]), "tilted"),
    ],
)
def test_what_is_no_volume_is_refused_with_a_reason(geometry: Script, images: list[Any], reason: str) -> None:
    assert geometry.ask("volumeOf", images) == {"geometry": None, "reason": reason}


@pytest.mark.slow
@pytest.mark.small
def test_values_are_those_of_the_file(cast: Cast) -> None:
    doctor, thing = client(cast.doctor), accepted(cast)
    image = sent(doctor, thing, "1.dcm", phantom.ct(4))
    answer = doctor.get(f"/images/{image.pk}/frames/0/values/")
    found = np.frombuffer(answer.content, answer["X-Values"]).reshape(phantom.ROWS, phantom.COLUMNS)
    assert np.array_equal(found, phantom.truth(4))
    assert answer["Cache-Control"] == "private, max-age=3600, immutable"
    folded = doctor.get(f"/images/{image.pk}/frames/0/values/", headers={"X-Values-Form": "steps"})
    assert (folded["Content-Encoding"], folded["X-Values-Form"]) == ("gzip", "steps")
    assert folded["ETag"] != answer["ETag"]
    assert len(folded.content) < len(answer.content) * 0.6
    assert _unfolded(folded.content) == found.ravel().tolist()
    again = doctor.get(f"/images/{image.pk}/frames/0/values/", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert doctor.get(f"/images/{image.pk}/frames/1/values/").status_code == 404
    colour = sent(doctor, thing, "a.jpg", photo())
    assert doctor.get(f"/images/{colour.pk}/frames/0/values/").status_code == 404


def _unfolded(content: bytes) -> list[int]:
    """As the page does it."""
    with Script("static/js/viewer/steps.js") as page:
        given = page.ask("unfolded", list(gzip.decompress(content)))
    return [given[str(at)] for at in range(len(given))]


@pytest.mark.small
def test_steps_are_folded_over_the_whole_range() -> None:
    values = np.array([0, -1, 32767, -32768, 32767, 5, 5, -32768, 0], "<i2")
    assert _unfolded(steps.folded(values)) == values.tolist()
