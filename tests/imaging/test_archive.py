"""A zip of a study becomes its images, each like any other file; a hostile one is refused whole, in words."""

import hashlib
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from consult.models import AuditEntry, Job
from consult.services import outbox
from imaging.models import Image, sentence
from imaging.raster.beside import lies_beside
from imaging.services import intake, unpack
from tests.cast import Cast, draft
from tests.imaging.doors import client, photo, real, send, sent
from tests.imaging.zips import BESIDE, CD, HOSTILE_ZIPS, packed


def members(archive: Image) -> list[Image]:
    return list(Image.objects.filter(archive=archive).order_by("pk"))


def test_a_study_in_a_zip_becomes_its_images(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    archive = sent(browser, consultation, "study.zip", packed({**CD, **BESIDE}))
    outbox.sweep()
    found = members(archive)
    assert (archive.state, archive.facts["files"], archive.facts["skipped"]) == ("unpacked", 3, 4)
    assert [(image.name, image.state) for image in found] == [("CT1", "held"), ("MR1", "held"), ("foto.jpg", "ready")]
    assert [image.sha256 for image in found] == [hashlib.sha256(content).hexdigest() for content in CD.values()]
    assert [image.original.read_bytes() for image in found] == list(CD.values())
    assert not archive.path.exists()
    added = AuditEntry.objects.filter(object_kind="image", action="image.add").values_list("object_id", "actor")
    assert sorted(added) == sorted((str(image.pk), "doctor.nitun") for image in (archive, *found))
    page = browser.get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert "4 others beside them left out" in page or "另有 4" in page
    listed = browser.get(f"/consultations/{consultation.pk}/images/list/").json()["images"]
    assert sorted(image["pk"] for image in listed) == [image.pk for image in found]
    assert browser.get(f"/images/{archive.pk}/original/").status_code == 404


def test_opening_twice_and_files_that_are_here_already_change_nothing(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    alone = sent(browser, consultation, "a.jpg", CD["foto.jpg"])
    archive = sent(browser, consultation, "study.zip", packed(CD))
    unpack.unpack(archive.pk)
    assert [image.name for image in members(archive)] == ["CT1", "MR1"]
    assert Image.objects.get(sha256=alone.sha256) == alone


def test_killed_in_the_middle_it_is_finished_by_the_next_worker(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill leaves: two files in, the job leased. The child, the rows and the files are the real ones."""
    browser, consultation = client(cast.doctor), draft(cast)
    archive = Image.objects.get(pk=send(browser, consultation, "study.zip", packed(CD))["X-Image"])

    class Killed(BaseException):
        pass

    def cut(**kwargs: Any) -> list[Image]:
        if Image.objects.filter(archive=archive).count() == 2:
            raise Killed
        return real_keep(**kwargs)

    real_keep = intake.keep
    monkeypatch.setattr(unpack, "BATCH", 2)
    monkeypatch.setattr(intake, "keep", cut)
    with pytest.raises(Killed):
        outbox.sweep()
    monkeypatch.undo()
    archive.refresh_from_db()
    assert (archive.state, len(members(archive)), archive.facts["done"]) == ("processing", 2, 2)
    Job.objects.filter(kind="imaging.unpack").update(lease_until=None)
    while outbox.sweep():
        pass
    archive.refresh_from_db()
    assert archive.state == "unpacked"
    assert [image.name for image in members(archive)] == ["CT1", "MR1", "foto.jpg"]


@pytest.mark.parametrize(("name", "make", "code"), HOSTILE_ZIPS, ids=[name for name, _, _ in HOSTILE_ZIPS])
def test_a_hostile_zip_is_refused_whole(cast: Cast, name: str, make: Callable[[], bytes], code: str) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    image = sent(browser, consultation, name, make())
    assert (image.state, image.reason, Image.objects.count()) == ("refused", code, 1)
    page = browser.get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert sentence(code) in page.replace("&#x27;", "'")
    assert browser.get(f"/images/{image.pk}/original/").status_code == 422


def test_a_study_without_room_is_not_taken_in_part(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "QUOTA_FILES", 3)
    image = sent(client(cast.doctor), draft(cast), "study.zip", packed(CD))
    assert (image.state, image.reason, Image.objects.count()) == ("refused", "quota", 1)


def test_archives_inside_and_what_is_no_image_are_refused_by_name_together(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    inside = {f"{number}.bin": b"words " * number for number in range(1, 5)} | {"more.zip": packed(CD)}
    archive = sent(browser, consultation, "study.zip", packed({**inside, "foto.jpg": photo(50, 50)}))
    outbox.sweep()
    reasons = [(image.name, image.reason) for image in members(archive)]
    words = [(f"{number}.bin", "not_an_image") for number in range(1, 5)]
    assert reasons == [*words, ("more.zip", "archive"), ("foto.jpg", "")]
    page = browser.get(f"/consultations/{consultation.pk}/images/?part=list").content.decode()
    assert page.count("data-reason=") == 2
    first = Image.objects.get(name="1.bin")
    assert browser.post(f"/images/{first.pk}/withdraw/").status_code == 302
    assert set(Image.objects.filter(reason="not_an_image").values_list("state", flat=True)) == {"withdrawn"}
    assert Image.objects.get(name="more.zip").state == "refused"


def test_names_packed_by_windows_read_as_chinese(cast: Cast) -> None:
    content = packed({"xxxx.jpg": photo(40, 40)}, zipfile.ZIP_STORED).replace(
        b"xxxx.jpg", "伤口".encode("gbk") + b".jpg"
    )
    assert members(sent(client(cast.doctor), draft(cast), "study.zip", content))[0].name == "伤口.jpg"


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("DICOMDIR", True),
        ("CD/Viewer/Start.EXE", True),
        (".DS_Store", True),
        ("a/Thumbs.db", True),
        ("__MACOSX/CT1", True),
        ("IMG\\autorun.inf", True),
        ("CT1", False),
        ("1.2.840.113619.2", False),
        ("a/IM000001.dcm", False),
        ("report.pdf", False),
    ],
)
def test_what_lies_beside_images(path: str, beside: bool) -> None:
    assert lies_beside(path) is beside


def test_what_the_discs_index_names_and_is_not_there_is_said(cast: Cast) -> None:
    """pydicom's DICOMDIR names 31 files; two of them lie in the zip, one under other letters."""
    browser, consultation = client(cast.doctor), draft(cast)
    files = {
        "CD/DICOMDIR": real("DICOMDIR"),
        "CD/77654033/CR1/6154": CD["IMG/CT1"],
        "cd/77654033/cr2/6247": CD["IMG/MR1"],
    }
    archive = sent(browser, consultation, "disc.zip", packed(files))
    outbox.sweep()
    archive.refresh_from_db()
    said = archive.facts["directory"]
    assert (archive.state, said["files"], said["lost"], len(said["names"])) == ("unpacked", 31, 29, 20)
    assert "77654033/CR1/6154" not in said["names"]
    page = browser.get(f"/consultations/{consultation.pk}/images/").content.decode()
    assert 'data-lost="29"' in page
    assert said["names"][0] in page


def test_an_index_that_cannot_be_read_costs_nothing(cast: Cast) -> None:
    archive = sent(client(cast.doctor), draft(cast), "disc.zip", packed({"DICOMDIR": b"x" * 99, **CD}))
    outbox.sweep()
    archive.refresh_from_db()
    assert (archive.state, archive.facts["directory"]["files"]) == ("unpacked", 0)
    assert len(members(archive)) == 3
