"""A search over DICOMweb asks the database a few times, however many instances there are, and opens no file for it."""

import importlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pydicom import dcmread

from consult.models import Consultation
from consult.services import outbox
from imaging.dicom.names import SEARCH
from imaging.models import Attributes, Image
from imaging.services import attributes, decoding, storing
from tests.cast import Cast, draft
from tests.imaging.doors import client, real
from tests.imaging.peer import slices


@pytest.fixture
def place(cast: Cast) -> tuple[Client, Consultation]:
    return client(cast.doctor), draft(cast)


def put(place: tuple[Client, Consultation], *files: bytes) -> list[Image]:
    """Stored at once and prepared, in the order of the series."""
    storing.store(consultation=place[1], by=place[1].asker, files=[[file] for file in files])
    outbox.sweep()
    found = list(Image.objects.filter(consultation=place[1]))
    assert {image.state for image in found} <= {"ready", "held"}
    return found


def search(place: tuple[Client, Consultation], what: str, **asked: str) -> Any:
    answer = place[0].get(f"/dicomweb/{place[1].pk}/{what}", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def changed(**elements: object) -> bytes:
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    for name, value in elements.items():
        setattr(dataset, name, value)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def more_alike(image: Image, count: int) -> list[Image]:
    """`count` further slices of the series of `image`, as rows without files."""
    said = Attributes.objects.get(image=image).said
    for number in range(2, count + 2):
        other = Image.objects.get(pk=image.pk)
        uid = f"{image.sop_uid[:50]}.{number}"
        other.pk, other.folder, other.sha256 = None, f"{number:032}", f"{number:064}"
        other.instance_number, other.sop_uid = number, uid
        other.save()
        own = {"00080018": {"vr": "UI", "Value": [uid]}, "00200013": {"vr": "IS", "Value": [number]}}
        Attributes.objects.create(image=other, said=said | own)
    return list(Image.objects.filter(consultation=image.consultation))


def test_as_many_queries_for_thirty_as_for_one_and_no_file(place: tuple[Client, Consultation]) -> None:
    images = put(place, *slices(1))
    (images[0].path / "shown" / "metadata.json").unlink()
    counts = []
    for count in (1, 30):
        for what in ("studies", "series", "instances"):
            search(place, what)  # the session has settled
            with CaptureQueriesContext(connection) as asked:
                found = search(place, what, PatientName="", fuzzymatching="true", includefield="SliceLocation")
            counts.append(len(asked))
        assert len(found) == count
        images = images if count == 30 else more_alike(images[0], 29)
    assert counts[:3] == counts[3:]
    page = search(place, "instances", limit="5", offset="10", Modality="CT")
    assert [each["00080018"]["Value"][0] for each in page] == [image.sop_uid for image in images[10:15]]
    assert page[0]["00201208"]["Value"] == page[0]["00201209"]["Value"] == [30]
    assert len(search(place, "instances", InstanceNumber="7")) == 1
    assert {path.name for path in images[0].path.iterdir()} == {"original", "shown"}  # nothing was made anew for it


def test_what_the_database_does_not_keep_is_read_from_the_file(place: tuple[Client, Consultation]) -> None:
    """Attributes that are rarely searched, and values that are too large to keep."""
    [image] = put(place, changed(ImageComments="x" * 3000, ImageType=["A"] * 600))
    said = Attributes.objects.get(image=image).said
    assert (said["00204000"], said["00080008"], said["00100020"]) == (None, None, {"vr": "LO", "Value": ["1CT1"]})
    assert "00180090" not in said  # Data Collection Diameter
    assert len(search(place, "instances", ImageComments="x*")) == 1
    assert len(search(place, "instances", ImageComments="y*")) == 0
    assert search(place, "instances", **{"00180090": "480*"}) != []
    assert search(place, "instances", **{"00180090": "500"}) == []
    [one] = search(place, "studies", includefield="00180090,ImageComments")
    assert one["00204000"]["Value"] == ["x" * 3000]
    assert one["00180090"]["Value"] == [480.0]
    [whole] = search(place, "instances", includefield="all")
    assert whole["00281053"]["Value"] == [1]


def test_images_of_before_are_filled_by_the_migration_and_by_the_first_search(
    place: tuple[Client, Consultation],
) -> None:
    images = put(place, *slices(3))
    kept = {row.pk: row.said for row in Attributes.objects.all()}
    Attributes.objects.all().delete()
    importlib.import_module("imaging.migrations.0009_attributes").fill(apps, None)
    assert {row.pk: row.said for row in Attributes.objects.all()} == kept
    Attributes.objects.filter(image__in=images[:2]).delete()
    assert len(search(place, "instances")) == 3
    assert {row.pk: row.said for row in Attributes.objects.all()} == kept


@pytest.mark.parametrize("said", ["[]", '{"x": 1}', "nonsense", json.dumps({"00100020": "x" * 600_000})])
def test_the_child_is_believed_only_within_bounds(tmp_path: Path, said: str) -> None:
    (tmp_path / SEARCH).write_text(said)
    with pytest.raises(decoding.Undecodable) as refused:
        attributes.said_by_child(tmp_path)
    assert refused.value.code == "damaged"
