"""Whole slides: every tile shows what OpenSlide reads there, whatever file it came in; the label is never shown."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image as Picture

from consult.services import outbox
from imaging.models import Image
from imaging.raster import slide, tiles
from imaging.services import annotation, decoding, slides
from imaging.services.annotation import Mark
from tests.cast import Cast, accepted, submitted
from tests.imaging import glass, phantom
from tests.imaging.doors import client, pixels, send, sent

pytestmark = pytest.mark.files

SHAPE = (1500, 1100)  # pixels: 3 x 3 tiles, then 2 x 2, then one


def taken(cast: Cast, name: str, content: bytes) -> Image:
    image = sent(client(cast.doctor), submitted(cast), name, content)
    assert (image.state, image.reason) == ("ready", "")
    return image


def tile(cast: Cast, image: Image, level: int, column: int, row: int) -> np.ndarray:
    answer = client(cast.doctor).get(f"/images/{image.pk}/tiles/{level}/{column}/{row}/")
    assert answer.status_code == 200
    return pixels(answer)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("name", "made", "spacing", "power"),
    [
        ("a.svs", glass.svs, 0.0005, 20),
        ("a.tif", glass.pyramid, None, None),
        ("a.dcm", glass.wsi, 0.0005, 20),
    ],
)
def test_each_tile_is_what_openslide_reads_there(
    cast: Cast, tmp_path: Path, name: str, made: Callable[[Any], bytes], spacing: float | None, power: int | None
) -> None:
    content = made(glass.tissue(*SHAPE))
    image = taken(cast, name, content)
    (tmp_path / "slide").write_bytes(content)
    there = OpenSlide(tmp_path / "slide")
    assert (image.width, image.height, image.frames) == (*SHAPE, 1)
    said = {"row": spacing, "column": spacing, "at": "slide"} if spacing else None
    assert (image.facts["spacing"], image.facts["objective"]) == (said, power)
    for column in range(3):
        for row in range(3):
            got = tile(cast, image, 0, column, row)
            size = (got.shape[1], got.shape[0])
            assert size == slides.levels(image)[0].size_of(column, row)
            wanted = np.asarray(there.read_region((column * 512, row * 512), 0, size).convert("RGB"))
            assert apart(got, wanted) < 1.5
    small = np.asarray(Picture.fromarray(glass.tissue(*SHAPE)).reduce(4))
    assert apart(tile(cast, image, 2, 0, 0), small) < 2
    listed = client(cast.doctor).get(f"/consultations/{image.consultation_id}/images/list/").json()["images"][0]
    assert (listed["width"], listed["height"], listed["slide"]["objective"]) == (*SHAPE, power)
    assert listed["slide"]["tilesUrl"] == f"/images/{image.pk}/tiles/"
    whole = client(cast.doctor).get(f"/images/{image.pk}/frames/0/?max=375")
    assert apart(pixels(whole), small) < 3


def test_a_tile_is_for_those_who_see_the_consultation_and_stays_in_their_browser(cast: Cast) -> None:
    image = taken(cast, "a.tif", glass.pyramid(glass.tissue(*SHAPE)))
    url = f"/images/{image.pk}/tiles/0/1/1/"
    assert client(cast.outsider).get(url).status_code == 404
    first = client(cast.doctor).get(url)
    assert (first["Cache-Control"], first["Content-Type"]) == ("private, max-age=3600, immutable", "image/jpeg")
    assert client(cast.doctor).get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    for nowhere in ("0/3/0", "0/0/3", "3/0/0"):
        assert client(cast.doctor).get(f"/images/{image.pk}/tiles/{nowhere}/").status_code == 404
    pack = image.path / "shown" / tiles.NAME
    with pack.open("r+b") as file:
        file.write(struct.pack("<QI", pack.stat().st_size, 500))  # the first tile lies beyond the end
    lost = client(cast.doctor).get(f"/images/{image.pk}/tiles/0/0/0/", headers={"Accept": "application/json"})
    assert (lost.status_code, lost.json()["code"]) == (422, "lost")


def test_the_label_is_never_shown(cast: Cast) -> None:
    red = np.zeros((64, 64, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    image = taken(cast, "a.svs", glass.svs(glass.tissue(600, 600), label=red))
    assert sorted(path.name for path in (image.path / "shown").iterdir()) == ["thumbnail.webp", "tiles.pack"]
    assert tiles.count_of(slides.levels(image)) == 5
    for kind in ("LABEL", "OVERVIEW"):
        of_glass = sent(client(cast.doctor), image.consultation, "b.dcm", glass.wsi(red, kind=kind))
        assert (of_glass.state, of_glass.reason) == ("refused", "slide_label")
        assert of_glass.original.is_file()
        assert client(cast.doctor).get(f"/images/{of_glass.pk}/tiles/0/0/0/").status_code == 422
        assert client(cast.doctor).get(f"/images/{of_glass.pk}/original/").status_code == 422


def test_of_the_levels_of_a_dicom_slide_the_sharpest_is_shown(cast: Cast) -> None:
    picture, series = glass.tissue(*SHAPE), "1.2.3.4"
    thing = accepted(cast)
    doctor = client(cast.doctor)
    small = sent(doctor, thing, "1.dcm", glass.wsi(glass.halved(picture, 4), series=series))

    def listed() -> list[int]:
        return [each["pk"] for each in doctor.get(f"/consultations/{thing.pk}/images/list/").json()["images"]]

    assert listed() == [small.pk]
    sharp = sent(doctor, thing, "2.dcm", glass.wsi(picture, series=series))
    assert listed() == [sharp.pk]
    other = sent(doctor, thing, "3.dcm", glass.wsi(glass.tissue(600, 600, seed=3)))
    assert set(listed()) == {sharp.pk, other.pk}


def looped() -> bytes:
    content = bytearray(glass.pyramid(glass.tissue(600, 600)))
    at = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, at)[0]
    struct.pack_into("<I", content, at + 2 + count * 12, at)
    return bytes(content)


def claiming(tag: int, value: int) -> bytes:
    """The first directory's entry of `tag` says `value`."""
    content = bytearray(glass.pyramid(glass.tissue(600, 600)))
    at = struct.unpack_from("<I", content, 4)[0]
    for entry in range(struct.unpack_from("<H", content, at)[0]):
        place = at + 2 + entry * 12
        if struct.unpack_from("<H", content, place)[0] == tag:
            struct.pack_into("<HII", content, place + 2, 4, 1, value)
    return bytes(content)


def emptied() -> bytes:
    """Tiles that lie beyond the end of the file."""
    whole = glass.pyramid(glass.tissue(600, 600))
    return whole[: len(whole) // 2]


def blown_up() -> bytes:
    """90,000 x 90,000 pixels out of four tiles, the others left out."""
    size = {"TotalPixelMatrixColumns": 90_000, "TotalPixelMatrixRows": 90_000}
    return glass.wsi(glass.tissue(300, 300), **size)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (looped, "damaged"),
        (lambda: claiming(256, 2**31), "too_many_pixels"),
        (lambda: claiming(257, 2**32 - 1), "too_many_pixels"),
        (lambda: claiming(322, 2**30), "damaged"),
        (lambda: claiming(322, 0), "damaged"),
        (lambda: claiming(256, 900_000), "damaged"),  # more than its tiles cover
        (emptied, "truncated"),
        (lambda: b"II+\0\x08\0\0\0" + bytes(100), "damaged"),
        (lambda: b"II*\0\xff\xff\xff\x7f" + bytes(100), "truncated"),
        (lambda: glass.wsi(glass.tissue(300, 300), TotalPixelMatrixColumns=2**31 - 1), "too_many_pixels"),
        (blown_up, "bomb"),
    ],
)
def test_a_slide_that_lies_is_refused(cast: Cast, made: Callable[[], bytes], reason: str) -> None:
    content = made()
    name = "a.dcm" if content[128:132] == b"DICM" else "a.tif"
    image = sent(client(cast.doctor), submitted(cast), name, content)
    assert (image.state, image.reason) == ("refused", reason)
    assert sorted(path.name for path in image.path.iterdir()) == ["original"]


def test_a_cut_that_was_killed_goes_on_where_it_was(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker dies after the third band, and bytes nobody acknowledged lie behind the pack."""
    content = glass.pyramid(glass.tissue(*SHAPE))
    answer = send(client(cast.doctor), submitted(cast), "a.tif", content)
    image = Image.objects.get(pk=answer["X-Image"])
    cut, asked = slide.cut, []

    class Killed(BaseException):
        pass

    def one_band(*, kind: str, source: Path, into: Path, first: int, at: int) -> dict[str, Any]:
        """The child's own work, here and one band at a time: what is tested is what the worker remembers."""
        asked.append((first, at))
        if len(asked) == 4:
            with (into / tiles.NAME).open("ab") as file:
                file.write(b"half a tile")
            raise Killed
        monkeypatch.setattr(slide, "BATCH_SECONDS", -1)
        return cut(source, into, first=first, at=at)

    monkeypatch.setattr(decoding, "decode", one_band)
    with pytest.raises(Killed):
        outbox.sweep()
    image.refresh_from_db()
    assert (image.state, image.facts["cut"]["done"], image.facts["cut"]["of"]) == ("processing", 3, 6)
    shown = client(cast.doctor).get(f"/consultations/{image.consultation_id}/images/?part=list").content.decode()
    assert 'max="100" value="50"' in shown
    from imaging.services.prepare import prepare

    prepare(image=image.pk)
    image.refresh_from_db()
    assert image.state == "ready"
    assert asked[3] == asked[4]
    assert [first for first, _at in asked] == [0, 1, 2, 3, 3, 4, 5]
    monkeypatch.undo()
    whole = sent(client(cast.doctor), accepted(cast), "a.tif", content)
    for level, of in enumerate(slides.levels(image)):
        for row in range(of.rows):
            for column in range(of.columns):
                assert slides.tile(image, level, column, row) == slides.tile(whole, level, column, row)


def test_a_region_goes_into_the_opinion_with_its_marks(cast: Cast) -> None:
    picture = glass.tissue(*SHAPE)
    thing = accepted(cast)
    image = sent(client(cast.doctor), thing, "a.svs", glass.svs(picture))
    expert = client(cast.expert)
    uid = "5b1f1c3e-6e0f-4f0a-9a6f-3a86a1c2a001"
    body = {"rev": 1, "frame": 0, "kind": "length", "points": [[900, 700], [1300, 700]], "text": ""}
    put = expert.put(f"/images/{image.pk}/annotations/{uid}/", body, content_type="application/json")
    assert put.json()["figures"] == {"unit": "mm", "length": pytest.approx(0.2), "at": "slide"}
    far = {**body, "points": [[10, 10], [20, 10]]}
    expert.put(f"/images/{image.pk}/annotations/{uid[:-1]}2/", far, content_type="application/json")
    printed = expert.get(f"/images/{image.pk}/frames/0/print/picture/?region=800,600,600,400")
    got = np.asarray(Picture.open(io.BytesIO(printed.content)))
    assert got.shape == (667, 1000, 3)
    part = np.asarray(Picture.fromarray(picture[600:1000, 800:1400]).resize((1000, 667)))
    assert apart(got[400:], part[400:]) < 3  # below the mark and its words
    assert apart(got[140:190, 170:830], part[140:190, 170:830]) > 10  # the mark
    chosen = expert.post(f"/images/{image.pk}/frames/0/key/?region=800,600,600,400")
    assert chosen.status_code == 201
    from consult.models import KeyImage

    shows = KeyImage.objects.get().shows
    assert (shows["region"], [each["uid"] for each in shows["marks"]]) == ([800, 600, 600, 400], [uid])
    for wrong in ("0,0,0,10", "1400,0,200,10", "a,b,c,d", "1,2,3"):
        assert expert.get(f"/images/{image.pk}/frames/0/?region={wrong}").status_code == 422


def test_a_slide_may_be_larger_than_other_files(cast: Cast, settings: Any) -> None:
    content = glass.pyramid(glass.tissue(600, 600))
    settings.MAX_UPLOAD_BYTES = len(content) // 2
    settings.SLIDE_MAX_BYTES = len(content)
    doctor, thing = client(cast.doctor), submitted(cast)
    assert sent(doctor, thing, "a.svs", content).state == "ready"
    assert send(doctor, thing, "b.svs", content + b"\0").status_code == 413
    assert send(doctor, thing, "c.png", content).status_code == 413
    other = sent(doctor, thing, "d.tif", bytes.fromhex("89504e470d0a1a0a") + content[:-9])
    assert (other.state, other.reason) == ("refused", "too_large")


def test_an_export_says_what_of_a_slide_it_cannot_hold_and_a_print_that_it_is_a_part(cast: Cast) -> None:
    thing = accepted(cast)
    slide = sent(client(cast.doctor), thing, "a.dcm", glass.wsi(glass.tissue(*SHAPE)))
    other = sent(client(cast.doctor), thing, "ct.dcm", phantom.ct())
    for image in (slide, other):
        mark = Mark(frame=0, kind="length", points=[[5.0, 5.0], [25.0, 9.0]], text="")
        annotation.put(image=image, by=cast.expert, uid=uuid4(), rev=1, mark=mark)
    doctor = client(cast.doctor)
    assert doctor.post(f"/consultations/{thing.pk}/exports/", {"purpose": "treatment"}).status_code == 302
    outbox.sweep()
    row = thing.exports.get()
    assert (row.state, row.missing, row.made) == ("ready", 0, {"PR": 1, "SR": 1, "unheld": 1})
    assert 'data-unheld="1"' in doctor.get(f"/consultations/{thing.pk}/exports/").content.decode()
    for query, is_part in (("?region=100,100,400,300", True), ("", False)):
        page = doctor.get(f"/images/{slide.pk}/frames/0/print/{query}").content.decode()
        assert ("切片局部" in page) == is_part
