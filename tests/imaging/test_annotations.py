"""Marks on images: who may draw, what is kept, what is refused, who is told."""

import json
import uuid
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consult.models import AuditEntry, User
from imaging.models import Annotation, Image
from tests import cast as walk
from tests.cast import Cast, accepted
from tests.imaging import ecgs, phantom
from tests.imaging.doors import client, photo, sent

LINE: dict[str, Any] = {"rev": 1, "frame": 0, "kind": "length", "points": [[10, 20], [40, 20]], "text": ""}


@pytest.fixture
def image(cast: Cast) -> Image:
    return sent(client(cast.doctor), accepted(cast), "ct.dcm", phantom.ct())


def put(user: User, image: Image, uid: str | uuid.UUID, **change: Any) -> Any:
    body = change.pop("raw", None) or json.dumps({**LINE, **change})
    address = f"/images/{image.pk}/annotations/{uid}/"
    return client(user).put(address, body, content_type="application/json", headers={"Accept": "application/json"})


def delete(user: User, image: Image, uid: str | uuid.UUID) -> Any:
    return client(user).delete(f"/images/{image.pk}/annotations/{uid}/", headers={"Accept": "application/json"})


def listed(user: User, image: Image) -> Any:
    return client(user).get(f"/consultations/{image.consultation_id}/annotations/")


def test_both_sides_read_what_one_has_drawn_and_who_drew_it(cast: Cast, image: Image) -> None:
    uid = str(uuid.uuid4())
    drawn = put(cast.expert, image, uid, text="第二肋")
    assert drawn.status_code == 200
    assert drawn.json()["figures"] == {"unit": "mm", "length": 24}
    here, there = listed(cast.expert, image).json(), listed(cast.doctor, image).json()
    assert (here["may"], there["may"]) == (True, True)
    assert here["annotations"][0].pop("mine") is True
    assert there["annotations"][0].pop("mine") is False
    assert here == there
    [mark] = there["annotations"]
    assert (mark["uid"], mark["rev"], mark["side"], mark["text"]) == (uid, 1, "answering", "第二肋")
    assert (mark["author"], mark["image"], mark["points"]) == (cast.expert.display_name, image.pk, LINE["points"])


def test_the_region_is_measured_in_hounsfield_units_of_the_file(cast: Cast, image: Image) -> None:
    found = put(cast.doctor, image, uuid.uuid4(), kind="rectangle", points=[[8, 4], [28, 14]]).json()["figures"]
    inside = phantom.truth()[4:14, 8:28]
    assert (found["count"], found["unit"], found["values"]) == (200, "mm", "HU")
    assert found["area"] == pytest.approx(20 * 0.8 * 10 * 0.5)
    assert found["mean"] == pytest.approx(np.mean(inside))
    assert found["sd"] == pytest.approx(np.std(inside))
    value = put(cast.doctor, image, uuid.uuid4(), kind="probe", points=[[9.2, 5.9]]).json()["figures"]
    assert value == {"value": phantom.truth()[5, 9], "values": "HU"}


@pytest.mark.parametrize(
    ("elements", "figures"),
    [
        ({"PixelSpacing": None}, {"unit": "px", "length": 30}),
        ({"PixelSpacing": [0, 0]}, {"unit": "px", "length": 30}),
        (
            {"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.1], "Modality": "DX"},
            {"unit": "mm", "length": 3, "at": "detector"},
        ),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, {"unit": "mm", "length": 24}),
    ],
)
def test_millimetres_only_where_the_file_gives_them(cast: Cast, elements: Any, figures: dict) -> None:
    """PixelSpacing before ImagerPixelSpacing; the latter is told as what it is."""
    image = sent(client(cast.doctor), accepted(cast), "x.dcm", phantom.ct(**elements))
    found = put(cast.doctor, image, uuid.uuid4()).json()["figures"]
    assert found == {name: pytest.approx(value) if name == "length" else value for name, value in figures.items()}


def test_a_line_on_an_electrocardiogram_is_a_caliper(cast: Cast) -> None:
    """At 8 pixels a millimetre: from one wave's top to the next, a second on, and half a millivolt lower."""
    recording = ecgs.edf({"ECG I": ecgs.wave(10) * 1000}, patient="X X X X")
    image = sent(client(cast.doctor), accepted(cast), "a.edf", recording)
    found = put(cast.doctor, image, uuid.uuid4(), points=[[400, 100], [600, 140]]).json()["figures"]
    assert (found["ms"], found["mv"], found["unit"]) == (1000, 0.5, "mm")
    [shown] = client(cast.doctor).get(f"/consultations/{image.consultation_id}/images/list/").json()["images"]
    assert shown["ecg"] == {"mmPerS": 25, "mmPerMv": 10}


def test_changed_deleted_and_brought_back_each_with_its_audit_row(cast: Cast, image: Image) -> None:
    uid = uuid.uuid4()
    assert put(cast.doctor, image, uid).status_code == 200
    moved = put(cast.doctor, image, uid, rev=2, points=[[10, 20], [10, 40]])
    assert moved.json()["figures"]["length"] == 10
    assert delete(cast.doctor, image, uid).json() == {"rev": 3}
    assert listed(cast.expert, image).json()["annotations"] == []
    assert (Annotation.objects.count(), delete(cast.doctor, image, uid).status_code) == (1, 409)
    assert put(cast.doctor, image, uid, rev=3).status_code == 409  # sent before it was deleted
    assert put(cast.doctor, image, uid, rev=4).status_code == 200
    assert [mark["rev"] for mark in listed(cast.expert, image).json()["annotations"]] == [4]
    rows = AuditEntry.objects.filter(action__startswith="annotation.").order_by("seq")
    said = [(row.action, row.actor, row.detail["rev"]) for row in rows]
    names = ["draw", "change", "delete", "restore"]
    assert said == [(f"annotation.{name}", "doctor.nitun", rev) for rev, name in enumerate(names, 1)]


def test_the_same_change_twice_is_one_and_an_older_one_is_too_late(cast: Cast, image: Image) -> None:
    uid = uuid.uuid4()
    assert [put(cast.doctor, image, uid).status_code for _ in range(2)] == [200, 200]
    assert put(cast.doctor, image, uid, points=[[1, 1], [2, 2]]).status_code == 409
    assert put(cast.doctor, image, uid, rev=5).status_code == 200
    assert put(cast.doctor, image, uid, rev=4).status_code == 409
    assert AuditEntry.objects.filter(action__startswith="annotation.").count() == 2


def test_nobody_changes_or_deletes_what_another_drew(cast: Cast, image: Image) -> None:
    uid = uuid.uuid4()
    put(cast.doctor, image, uid)
    for user in (cast.expert, cast.colleague):
        assert put(user, image, uid, rev=2).status_code == 403
        assert delete(user, image, uid).status_code == 403
    other = sent(client(cast.doctor), image.consultation, "other.dcm", phantom.ct(2))
    assert put(cast.doctor, other, uid, rev=2).status_code == 403
    assert Annotation.objects.get().rev == 1


def test_who_takes_no_part_only_looks_and_the_outsider_finds_nothing(cast: Cast, image: Image) -> None:
    uid = uuid.uuid4()
    put(cast.doctor, image, uid)
    for user in (cast.scheduler, cast.regulator):
        assert put(user, image, uuid.uuid4()).status_code == 403
        assert delete(user, image, uid).status_code == 403
        seen = listed(user, image).json()
        assert (len(seen["annotations"]), seen["may"]) == (1, False)
    tried = [put(cast.outsider, image, uid, rev=2), delete(cast.outsider, image, uid), listed(cast.outsider, image)]
    assert [answer.status_code for answer in tried] == [404, 404, 404]
    assert client(cast.doctor).post(f"/images/{image.pk}/annotations/{uid}/").status_code == 405
    assert client(cast.doctor).post(f"/consultations/{image.consultation_id}/annotations/").status_code == 405
    assert Annotation.objects.count() == 1


def test_after_the_end_nothing_more_is_drawn(cast: Cast) -> None:
    thing = walk.closed(cast)
    image = Image.objects.create(
        consultation=thing, kind="photo", state="ready", name="x", size=1, sha256="0" * 64, folder="x", width=100,
        height=100, frames=1, uploaded_by=cast.doctor,
    )  # fmt: skip
    assert put(cast.doctor, image, uuid.uuid4()).status_code == 403
    assert listed(cast.doctor, image).json() == {"may": False, "annotations": []}


def test_a_held_image_keeps_its_marks_to_the_asking_side(cast: Cast) -> None:
    thing = accepted(cast)
    held = sent(client(cast.doctor), thing, "other.dcm", phantom.ct(PatientName="Other^Name", PatientID="7"))
    assert held.state == "held"
    uid = uuid.uuid4()
    assert put(cast.doctor, held, uid).status_code == 200
    assert put(cast.expert, held, uuid.uuid4()).status_code == 403
    assert [len(listed(user, held).json()["annotations"]) for user in (cast.doctor, cast.expert)] == [1, 0]


BAD: list[dict[str, Any]] = [
    {"raw": json.dumps({**LINE, "points": [[1, float("nan")], [2, 2]]})},
    {"raw": json.dumps({**LINE, "points": [[1, float("inf")], [2, 2]]})},
    {"raw": json.dumps(LINE).replace("40", "1e999")},
    {"raw": "not json"},
    {"raw": "[" * 3000},
    {"raw": json.dumps([LINE])},
    {"raw": json.dumps({**LINE, "author": "z"})},
    {"raw": json.dumps({**LINE, "text": "a" * 5000})},
    {"points": [[10, 20], [phantom.COLUMNS + 0.01, 20]]},
    {"points": [[10, 20], [10, phantom.ROWS + 0.01]]},
    {"points": [[-0.01, 20], [10, 20]]},
    {"points": [[10, 20]]},
    {"points": [[10, 20], [20, 20], [30, 20]]},
    {"points": [[10, 20], [20]]},
    {"points": [[10, 20], [True, 20]]},
    {"points": [[10, 20], ["10", 20]]},
    {"points": "ab"},
    {"points": None},
    {"kind": "freehand"},
    {"kind": None},
    {"frame": 1},
    {"frame": -1},
    {"frame": 0.5},
    {"rev": 0},
    {"rev": 2**31},
    {"text": 7},
    {"text": "a" * 201},
    {"text": "a\x00b"},
    {"text": "\u202e"},
]


def test_what_is_no_mark_on_this_image_is_refused_with_a_reason(cast: Cast, image: Image) -> None:
    answers = [put(cast.doctor, image, uuid.uuid4(), **change) for change in BAD]
    wrong = [change for change, answer in zip(BAD, answers, strict=True) if answer.status_code != 400]
    assert wrong == []
    assert all(answer.json()["message"] for answer in answers)
    assert {answer.json()["code"] for answer in answers} == {"malformed", "points", "frame", "outside"}
    assert Annotation.objects.count() == 0


def test_a_photo_takes_lengths_in_pixels_and_has_no_values(cast: Cast) -> None:
    image = sent(client(cast.doctor), accepted(cast), "a.jpg", photo())
    assert put(cast.doctor, image, uuid.uuid4()).json()["figures"] == {"unit": "px", "length": 30}
    area = put(cast.doctor, image, uuid.uuid4(), kind="ellipse").json()["figures"]
    assert area == {"unit": "px", "area": 0}
    assert put(cast.doctor, image, uuid.uuid4(), kind="probe", points=[[1, 1]]).json()["code"] == "no_values"


def test_pixels_that_are_gone_are_not_measured(cast: Cast, image: Image) -> None:
    (image.path / "shown" / "frames.raw").write_bytes(b"short")
    answer = put(cast.doctor, image, uuid.uuid4(), kind="probe", points=[[1, 1]])
    assert (answer.status_code, answer.json()["code"], Annotation.objects.count()) == (422, "lost", 0)


@pytest.mark.small
def test_every_change_rings_in_the_room_and_at_those_whom_it_concerns(cast: Cast, image: Image, commits: Any) -> None:
    layer = get_channel_layer()
    assert layer
    names = [f"consultation.{image.consultation_id}", f"person.{cast.expert.pk}", f"person.{cast.outsider.pk}"]
    heard = [async_to_sync(layer.new_channel)() for _ in names]
    for name, channel in zip(names, heard, strict=True):
        async_to_sync(layer.group_add)(name, channel)
    uid = uuid.uuid4()
    with commits():
        put(cast.doctor, image, uid)
    with commits():
        put(cast.doctor, image, uid)  # the same again is no news
    with commits():
        delete(cast.doctor, image, uid)
    news = {"type": "news", "kind": "annotation", "consultation": image.consultation_id}
    seq = Annotation.objects.get().pk
    for channel in heard[:2]:
        drawn, deleted = (async_to_sync(layer.receive)(channel) for _ in range(2))
        assert drawn == {**news, "seq": seq, "mark": drawn["mark"]}
        mark = {"uid": str(uid), "rev": 1, "image": image.pk, "by": cast.doctor.username, **LINE}
        assert drawn["mark"].items() >= mark.items()
        assert drawn["mark"]["figures"]["length"] == 24
        assert deleted == {**news, "seq": seq, "mark": {"uid": str(uid), "rev": 2, "deleted": True}}
    assert [layer.channels[channel].qsize() if channel in layer.channels else 0 for channel in heard] == [0, 0, 0]


@pytest.mark.small
def test_news_of_a_held_image_bring_nobody_its_mark(cast: Cast, commits: Any) -> None:
    held = sent(client(cast.doctor), accepted(cast), "other.dcm", phantom.ct(PatientName="Other^Name", PatientID="7"))
    layer = get_channel_layer()
    assert layer
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(f"consultation.{held.consultation_id}", channel)
    with commits():
        put(cast.doctor, held, uuid.uuid4())
    assert async_to_sync(layer.receive)(channel)["mark"] is None


def test_thirty_marks_cost_no_more_queries_than_one(cast: Cast, image: Image) -> None:
    counts = []
    for many in (1, 29):
        for _ in range(many):
            put(cast.doctor, image, uuid.uuid4())
        with CaptureQueriesContext(connection) as queries:
            marks = listed(cast.expert, image).json()["annotations"]
        counts.append((len(marks), len(queries)))
    assert [count for count, _ in counts] == [1, 30]
    assert counts[0][1] == counts[1][1]


def test_there_is_an_end_to_how_many(cast: Cast, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imaging.services.annotation.MOST", 2)
    assert [put(cast.doctor, image, uuid.uuid4()).status_code for _ in range(3)] == [200, 200, 409]
