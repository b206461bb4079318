"""Ultrasound: which parts of an image have a scale, from the file to the mark."""

from typing import Any
from uuid import uuid4

import pytest
from pydicom import Dataset

from imaging.dicom import regions
from imaging.services import annotation
from imaging.services.annotation import Mark
from tests.cast import Cast, accepted
from tests.imaging import phantom
from tests.imaging.doors import client, sent

pytestmark = pytest.mark.files


def region(box: tuple[int, int, int, int], *, kind: int = 1, units: tuple[int, int] = (3, 3), **more: Any) -> Dataset:
    """PS3.3 C.8.5.5: 2D in cm unless said otherwise; 0.02 cm across, 0.05 cm down (its axis runs up)."""
    item = Dataset()
    edges = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    for name, edge in zip(edges, box, strict=True):
        setattr(item, name, edge)
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = kind, 1, 0
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.02, -0.05
    for name, value in more.items():
        setattr(item, name, value)
    return item


TISSUE, DOPPLER = region((0, 0, 31, 23)), region((32, 0, 63, 23), kind=3, units=(4, 7))
MOTION, GRAPHICS = region((0, 24, 31, 47), kind=2, units=(4, 3)), region((0, 0, 63, 47), kind=5, units=(0, 0))


def test_a_mark_is_in_millimetres_only_within_a_picture_of_known_scale(cast: Cast) -> None:
    content = phantom.ct(Modality="US", SequenceOfUltrasoundRegions=[TISSUE, DOPPLER, MOTION, GRAPHICS])
    thing = accepted(cast)
    image = sent(client(cast.doctor), thing, "us.dcm", content)
    assert [(each["x1"], each["y1"], each["column"]) for each in image.facts["regions"]] == [
        (32, 24, pytest.approx(0.2)),
        (64, 24, None),
        (32, 48, None),
    ]
    for points, expected in {
        ((2, 4), (22, 4)): ("mm", 4.0),
        ((2, 4), (2, 24)): ("mm", 10.0),
        ((2, 4), (42, 4)): ("px", 40),
        ((40, 4), (60, 4)): ("px", 20),
        ((4, 30), (4, 40)): ("px", 10),
        ((40, 30), (50, 30)): ("px", 10),
    }.items():
        mark = Mark(frame=0, kind="length", points=[list(point) for point in points], text="")
        row = annotation.put(image=image, by=cast.doctor, uid=uuid4(), rev=1, mark=mark)
        assert (row.figures["unit"], row.figures["length"]) == (expected[0], pytest.approx(expected[1])), points
    listed = client(cast.doctor).get(f"/consultations/{thing.pk}/images/list/").json()["images"][0]
    assert listed["regions"] == image.facts["regions"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaX": 1e9},
        {"PhysicalUnitsYDirection": 4},
        {"RegionSpatialFormat": 2},
        {"RegionSpatialFormat": 0},
    ],
)
def test_no_scale_is_believed_that_is_none(wrong: dict[str, Any]) -> None:
    held = Dataset()
    held.SequenceOfUltrasoundRegions = [region((0, 0, 9, 9), **wrong)]
    [found] = regions.of(held.to_json_dict())["regions"]
    assert (found["row"], found["column"]) == (None, None)


@pytest.mark.parametrize(
    "broken", [{}, {"Value": None}, {"Value": [1, None]}, {"Value": [{"00186018": {"Value": ["x"]}}]}]
)
def test_a_broken_sequence_is_no_region(broken: dict[str, Any]) -> None:
    assert regions.of({"00186011": broken}) == {"regions": []}
    held = Dataset()
    held.SequenceOfUltrasoundRegions = [region((9, 0, 3, 9))]
    assert regions.of(held.to_json_dict()) == {"regions": []}
