"""Where frames lie in the patient: from the header to the letters at the edges and the lines between panes."""

import importlib
import io
import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.dicom import planes
from imaging.models import Image
from tests.cast import Cast, draft
from tests.imaging import phantom
from tests.imaging.doors import client, real, sent
from tests.imaging.scripts import Script

pytestmark = pytest.mark.files

UID = "1.2.3.4"
AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]
CORONAL = [1, 0, 0, 0, 0, -1]


def element(*values: Any) -> dict[str, Any]:
    return {"vr": "DS", "Value": list(values)}


def single(**changed: Any) -> dict[str, Any]:
    said = {"00200052": element(UID), "00200037": element(*AXIAL), "00200032": element(1, 2, 3.5)}
    return {**said, **{tag.removeprefix("t"): value for tag, value in changed.items()}}


def enhanced(*positions: list[float], turned: bool = False) -> dict[str, Any]:
    """Multi-frame: one orientation for all in the shared groups, or (`turned`) another for each second frame."""

    def way(values: list[int]) -> dict[str, Any]:
        return {"00209116": element({"00200037": element(*values)})}

    each = [{"00209113": element({"00200032": element(*at)})} for at in positions]
    if turned:
        for index, frame in enumerate(each):
            frame |= way(SAGITTAL if index % 2 else AXIAL)
        return {"00200052": element(UID), "52009230": element(*each)}
    return {"00200052": element(UID), "52009229": element(way(AXIAL)), "52009230": element(*each)}


@pytest.mark.small
def test_a_single_frame_lies_where_its_header_says() -> None:
    plane = {"frame": UID, "orientation": [1, 0, 0, 0, 1, 0], "positions": [[1, 2, 3.5]]}
    assert planes.of(single(), 1) == {"plane": plane, "sides": []}
    assert planes.of(single(t00200020=element("L", "ph")), 1) == {"plane": plane, "sides": ["L", "PH"]}


@pytest.mark.small
def test_each_frame_of_an_enhanced_image_has_its_own_position() -> None:
    found = planes.of(enhanced([0, 0, 1], [0, 0, 2], [0, 0, 3]), 3)["plane"]
    assert found == {"frame": UID, "orientation": AXIAL, "positions": [[0, 0, 1], [0, 0, 2], [0, 0, 3]]}


@pytest.mark.small
@pytest.mark.parametrize(
    ("described", "frames"),
    [
        ({}, 1),
        (single(t00200052={"vr": "UI"}), 1),
        (single(t00200052=element("9" * 65)), 1),
        (single(t00200037=element(1, 0, 0)), 1),
        (single(t00200037=element(0, 0, 0, 0, 0, 0)), 1),
        (single(t00200037=element(1, 0, 0, 1, 0, 0)), 1),
        (single(t00200037=element(1, 0, 0, 0, 1, math.nan)), 1),
        (single(t00200032=element(1, 2, math.inf)), 1),
        (single(t00200032=element(1, 2, 1e9)), 1),
        (single(t00200032=element(1, 2, None)), 1),
        (single(t00200032="broken"), 1),
        (single(), 2),  # a position of the first frame says nothing of the second
        (enhanced([0, 0, 1], [0, 0, 2]), 3),
        (enhanced([0, 0, 1], [0, 0, 2], turned=True), 2),
        (enhanced(*([0, 0, z] for z in range(planes.MOST + 1))), planes.MOST + 1),
    ],
)
def test_what_is_not_whole_lies_nowhere(described: dict[str, Any], frames: int) -> None:
    assert planes.of(described, frames) == {"plane": None, "sides": []}


def test_intake_keeps_it_and_the_migration_finds_it_for_those_of_before(cast: Cast) -> None:
    image = sent(client(cast.doctor), draft(cast), "ct.dcm", real("CT_small.dcm"))
    header = dcmread(io.BytesIO(real("CT_small.dcm")))
    plane = image.facts["plane"]
    assert (plane["frame"], plane["orientation"]) == (header.FrameOfReferenceUID, AXIAL)
    assert plane["positions"] == [[float(value) for value in header.ImagePositionPatient]]
    before = {name: value for name, value in image.facts.items() if name not in ("plane", "sides")}
    Image.objects.filter(pk=image.pk).update(facts=before)
    importlib.import_module("imaging.migrations.0010_planes").fill(apps, None)
    assert Image.objects.get(pk=image.pk).facts == image.facts


def group(**elements: Any) -> Sequence:
    """One item of a functional group."""
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return Sequence([item])


def test_an_enhanced_file_is_kept_with_a_position_for_each_frame(cast: Cast) -> None:
    heights = [-5, 0, 7.5]
    frames = [group(PlanePositionSequence=group(ImagePositionPatient=[1, 2, z]))[0] for z in heights]
    shared = group(
        PlaneOrientationSequence=group(ImageOrientationPatient=CORONAL),
        PixelMeasuresSequence=group(PixelSpacing=[0.5, 0.8]),
    )
    content = phantom.ct(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        NumberOfFrames=3,
        PixelData=b"".join(phantom.stored(seed).tobytes() for seed in (1, 2, 3)),
        FrameOfReferenceUID=UID,
        SharedFunctionalGroupsSequence=shared,
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        **dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")),
    )
    image = sent(client(cast.doctor), draft(cast), "enhanced.dcm", content)
    positions = [[1, 2, z] for z in heights]
    assert image.facts["plane"] == {"frame": UID, "orientation": CORONAL, "positions": positions}
    assert image.facts["spacing"] == {"row": 0.5, "column": 0.8, "at": "patient"}


@pytest.fixture(scope="module")
def letters() -> Iterator[Script]:
    with Script("static/js/viewer/orientation.js") as script:
        yield script


@pytest.fixture(scope="module")
def cuts() -> Iterator[Script]:
    with Script("static/js/viewer/planes.js") as script:
        yield script


@pytest.mark.small
@pytest.mark.parametrize(
    ("direction", "said"),
    [
        ([1, 0, 0], "L"),
        ([0, -1, 0], "A"),
        ([0, 0, -1], "F"),
        ([0.6, -0.8, 0], "AL"),
        ([-0.9, 0.3, 0.3], "RPH"),
        ([0.99, 0.14, 0], "L"),
    ],
)
def test_a_direction_in_letters(letters: Script, direction: list[float], said: str) -> None:
    assert letters.ask("lettersOf", direction) == said


@pytest.mark.small
def test_the_edges_follow_mirror_and_turn(letters: Script) -> None:
    """Where the corner of the image that is at its left and top goes says which letters stand there."""

    def edges(turn: int, flip: bool, sides: list[str] | None = None) -> str:
        image = {"plane": None if sides else {"orientation": AXIAL}, "sides": sides or []}
        found = letters.ask("edgesOf", image, {"turn": turn, "flip": flip})
        return " ".join(found[name] for name in ("top", "right", "bottom", "left"))

    assert edges(0, False) == "A L P R"  # as one stands at the feet of who lies there
    assert edges(1, False) == "R A L P"
    assert edges(2, False) == "P R A L"
    assert edges(0, True) == "A R P L"
    assert edges(1, True) == "L A R P"
    assert edges(0, False, ["AL", "F"]) == "H AL F PR"
    assert letters.ask("edgesOf", {"plane": None, "sides": []}, {"turn": 0, "flip": False}) is None


def placed(orientation: list[int], at: list[float], **changed: Any) -> dict[str, Any]:
    """100 x 80 pixels, 2 mm across and 1 mm down."""
    plane = {"frame": UID, "orientation": orientation, "positions": [at], **changed}
    return {
        "plane": plane,
        "spacing": {"row": 1, "column": 2, "at": "patient"},
        "width": 100,
        "height": 80,
    }


@pytest.mark.small
def test_a_plane_cuts_another_in_a_line(cuts: Script) -> None:
    """An axial image at z = 20 in a sagittal one whose rows run to the back and columns to the feet."""
    axial = cuts.ask("sliceOf", placed(AXIAL, [-100, -50, 20]), 0)
    sagittal = cuts.ask("sliceOf", placed(SAGITTAL, [0, -100, 60]), 0)
    # z = 20 is 40 mm below the middle of the first row; the axial image reaches from y = -50.5 to 29.5
    ends = sorted(cuts.ask("lineIn", sagittal, axial))
    assert np.allclose(ends, [[49.5 / 2 + 0.5, 40.5], [129.5 / 2 + 0.5, 40.5]])
    # x = 0 is 100 mm beside the middle of its first pixel; the sagittal image reaches from y = -101 to 99
    ends = sorted(cuts.ask("lineIn", axial, sagittal))
    assert np.allclose(ends, [[50.5, -50.5], [50.5, 149.5]])


@pytest.mark.small
@pytest.mark.parametrize(
    "other",
    [
        placed(AXIAL, [-100, -50, 90]),  # parallel
        placed(SAGITTAL, [0, -100, 60], frame="1.2.3.5"),  # another space
        placed(SAGITTAL, [0, -100, 900]),  # its image does not reach that far
    ],
)
def test_no_line_where_planes_do_not_meet(cuts: Script, other: dict[str, Any]) -> None:
    axial = cuts.ask("sliceOf", placed(AXIAL, [-100, -50, 20]), 0)
    assert cuts.ask("lineIn", axial, cuts.ask("sliceOf", other, 0)) is None


@pytest.mark.small
def test_both_panes_mark_the_same_points_of_the_patient(cuts: Script) -> None:
    """For planes at all angles: an end of the line, brought back into the patient, lies in both planes."""
    for tilt, twist in itertools.product((0.2, 0.7, 1.2), (0.0, 0.5, 1.1)):
        way = np.array([[math.cos(twist), math.sin(twist), 0], [-math.sin(twist), math.cos(twist), 0], [0, 0, 1]])
        lean = np.array([[1, 0, 0], [0, math.cos(tilt), math.sin(tilt)], [0, -math.sin(tilt), math.cos(tilt)]])
        turned = (lean @ way)[:2].ravel().tolist()
        one = cuts.ask("sliceOf", placed(AXIAL, [-100, -40, 0]), 0)
        other = cuts.ask("sliceOf", placed(turned, (-(lean @ way)[0] * 100 - (lean @ way)[1] * 40).tolist()), 0)
        ends = cuts.ask("lineIn", one, other)
        assert len(ends) == 2
        for x, y in ends:
            at = np.array(one["at"]) + np.array(one["row"]) * (x - 0.5) * 2 + np.array(one["column"]) * (y - 0.5)
            assert abs(np.dot(at - one["at"], one["normal"])) < 1e-6
            assert abs(np.dot(at - other["at"], other["normal"])) < 1e-6


@pytest.mark.small
def test_the_nearest_slice_along_the_normal(cuts: Script) -> None:
    stack = [cuts.ask("sliceOf", placed(AXIAL, [5, 9, z]), 0) for z in (0, 5, 10, 15)]
    here = cuts.ask("sliceOf", placed([-1, 0, 0, 0, 1, 0], [-100, -50, 11]), 0)  # from the other side
    assert cuts.ask("nearest", here, [*stack, None]) == 2
    assert cuts.ask("nearest", here, [None]) == -1
    assert (
        cuts.ask("sliceOf", {**placed(AXIAL, [0, 0, 0]), "spacing": {"row": 1, "column": 1, "at": "detector"}}, 0)
        is None
    )
    assert json.loads(json.dumps(cuts.ask("sliceOf", placed(AXIAL, [0, 0, 0]), 1))) is None


def test_the_viewer_is_told(cast: Cast) -> None:
    thing = draft(cast)
    browser = client(cast.doctor)
    sent(browser, thing, "ct.dcm", phantom.ct(1, ImagePositionPatient=[0, 0, 7]))
    (said,) = browser.get(f"/consultations/{thing.pk}/images/list/").json()["images"]
    assert said["plane"]["positions"] == [[0, 0, 7]]
    assert said["sides"] == []
