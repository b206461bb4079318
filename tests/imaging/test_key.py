"""Key images: chosen in the viewer, in the opinion's draft and PDF, and never changed once signed."""

import hashlib
import io
import re
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from PIL import Image as Picture

from consult.models import AuditEntry, Consultation, KeyImage, OpinionVersion
from consult.services import key_image, opinion
from imaging.models import Image
from imaging.services import annotation
from imaging.services.annotation import Mark
from tests import cast as walk
from tests.cast import PASSWORD, Cast
from tests.consult.pages.browsers import HTMX, JSON
from tests.imaging import phantom
from tests.imaging.doors import client, photo, real, sent

QUERY = "?center=40&width=400"


def scene(cast: Cast) -> tuple[Consultation, Image]:
    """An opinion is due, about a CT."""
    thing = walk.opinion_due(cast)
    image = sent(client(cast.doctor), thing, "CT_small.dcm", real("CT_small.dcm"))
    client(cast.doctor).post(f"/images/{image.pk}/confirm/")
    image.refresh_from_db()
    return thing, image


def add(browser: Client, image: Image, query: str = QUERY, frame: int = 0) -> Any:
    return browser.post(f"/images/{image.pk}/frames/{frame}/key/{query}", headers=JSON)


def shown(browser: Client, url: str) -> Picture.Image:
    answer = browser.get(url)
    assert (answer.status_code, answer["Content-Type"], answer["X-Content-Type-Options"]) == (
        200,
        "image/jpeg",
        "nosniff",
    )
    return Picture.open(io.BytesIO(answer.content))


def pixels(picture: Picture.Image) -> Any:
    return np.asarray(picture.convert("L")).astype(int)


def test_the_picture_is_the_frame_as_it_was_looked_at(cast: Cast) -> None:
    thing, image = scene(cast)
    expert = client(cast.expert)
    frame = pixels(Picture.open(io.BytesIO(expert.get(f"/images/{image.pk}/frames/0/{QUERY}").content)))
    ways = {
        "": frame,
        "&turn=1": np.rot90(frame, -1),
        "&turn=3": np.rot90(frame),
        "&flip=1": frame[:, ::-1],
        "&flip=1&turn=1": np.rot90(frame[:, ::-1], -1),
        "&invert=1": 255 - frame,
    }
    for way, expected in ways.items():
        pk = add(expert, image, QUERY + way).json()["key_image"]
        picture = pixels(shown(expert, f"/consultations/{thing.pk}/key-images/{pk}/picture/"))
        assert picture.shape == expected.shape
        assert np.abs(picture - expected).mean() < 3, way  # JPEG
    first = KeyImage.objects.earliest("pk").shows
    assert first["window"] == [40, 400]
    assert first["original_sha256"] == image.sha256
    assert first["sop_uid"] == image.sop_uid


def test_marks_are_printed_where_they_were_drawn_and_signed_with_the_picture(cast: Cast) -> None:
    """An arrow along the upper edge to the right: found by its colour however the image is turned."""
    thing, image = scene(cast)
    mark = Mark(frame=0, kind="arrow", points=[[16, 8], [48, 8]], text="第二肋")
    annotation.put(image=image, by=cast.expert, uid=uuid4(), rev=1, mark=mark)
    expert = client(cast.expert)
    scale = 1000 / max(image.width, image.height)
    for way, turn, flip in (("", 0, False), ("&turn=1&flip=1", 1, True), ("&turn=2", 2, False), ("&turn=3", 3, False)):
        pk = add(expert, image, QUERY + way).json()["key_image"]
        picture = shown(expert, f"/consultations/{thing.pk}/key-images/{pk}/picture/")
        assert max(picture.size) == 1000
        blue = np.abs(np.asarray(picture).astype(int) - (95, 212, 255)).sum(axis=2) < 60
        upright = np.rot90(blue, turn)[:, :: -1 if flip else 1]
        row = upright[round(8 * scale) - 1 : round(8 * scale) + 2].any(axis=0)
        assert row[round(17 * scale) : round(34 * scale)].mean() > 0.95, way  # its words may cross the tail
        assert not row[: round(14 * scale)].any(), way
        [said] = KeyImage.objects.get(pk=pk).shows["marks"]
        assert (said["text"], said["points"], said["author"]) == ("第二肋", mark.points, "expert.provincial")


def test_pixels_that_are_not_square_keep_their_shape_on_paper(cast: Cast) -> None:
    """64 x 48 pixels of 0.8 mm across and 0.5 mm down: 51.2 mm by 24."""
    thing = walk.opinion_due(cast)
    image = sent(client(cast.doctor), thing, "ct.dcm", phantom.ct())
    for way, expected in (("", 51.2 / 24), ("&turn=1", 24 / 51.2)):
        pk = add(client(cast.expert), image, QUERY + way).json()["key_image"]
        chosen = KeyImage.objects.get(pk=pk)
        assert chosen.width / chosen.height == pytest.approx(expected, rel=0.02)


def test_the_same_picture_twice_is_one_and_photos_can_be_chosen(cast: Cast) -> None:
    thing, image = scene(cast)
    expert = client(cast.expert)
    assert add(expert, image).json() == add(expert, image).json()
    other = sent(client(cast.doctor), thing, "a.jpg", photo(1200, 800))
    assert add(expert, other, "").json()["count"] == 2
    assert KeyImage.objects.latest("pk").shows["window"] == []


def test_bad_views_and_too_many_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _thing, image = scene(cast)
    expert = client(cast.expert)
    assert add(expert, image, "?center=nan&width=1").status_code == 422
    assert add(expert, image, "?turn=4").status_code == 404
    assert add(expert, image, frame=1).status_code == 404
    monkeypatch.setattr(key_image, "MOST", 1)
    assert add(expert, image).status_code == 201
    refused = add(expert, image, "?center=1&width=10")
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_pictures")


def test_captions_order_and_removal(cast: Cast) -> None:
    thing, image = scene(cast)
    expert = client(cast.expert)
    one, two = (add(expert, image, f"?center={center}&width=400").json()["key_image"] for center in (40, 80))
    door = f"/consultations/{thing.pk}/key-images/"
    assert expert.post(f"{door}{one}/", {"act": "caption", "caption": " 左肺  结节 "}, headers=HTMX).status_code == 204
    assert expert.post(f"{door}{two}/", {"act": "up"}, headers=HTMX)["HX-Trigger"] == "key-images"
    assert [each.pk for each in KeyImage.objects.all()] == [two, one]
    page = expert.get(door).content.decode()
    assert page.index(f'data-key-image="{two}"') < page.index(f'data-key-image="{one}"')
    assert 'value="左肺 结节"' in page
    assert expert.post(f"{door}{one}/", {"act": "caption", "caption": "x" * 201}, headers=JSON).status_code == 422
    assert expert.post(f"{door}{one}/", {"act": "caption", "caption": "\u202e"}, headers=JSON).status_code == 422
    assert expert.post(f"{door}{two}/", {"act": "remove"}).status_code == 302
    assert expert.post(f"{door}{two}/", {"act": "remove"}).status_code == 404
    assert [each.pk for each in KeyImage.objects.all()] == [one]
    actions = AuditEntry.objects.filter(object_kind="keyimage").values_list("action", flat=True)
    assert set(actions) == {f"key_image.{act}" for act in ("choose", "caption", "move", "remove")}


def test_nobody_else_adds_or_sees_what_is_not_signed(cast: Cast) -> None:
    thing, image = scene(cast)
    pk = add(client(cast.expert), image).json()["key_image"]
    doors = [f"/consultations/{thing.pk}/key-images/", f"/consultations/{thing.pk}/key-images/{pk}/picture/"]
    for person, status in ((cast.doctor, 403), (cast.scheduler, 403), (cast.regulator, 403), (cast.outsider, 404)):
        browser = client(person)
        assert add(browser, image).status_code == status
        assert [browser.get(door).status_code for door in doors] == [status, status]
        assert browser.post(f"/consultations/{thing.pk}/key-images/{pk}/", {"act": "remove"}).status_code == status
    assert KeyImage.objects.count() == 1


def test_signed_they_are_in_the_pdf_and_stay(cast: Cast, tmp_path: Path) -> None:
    thing, image = scene(cast)
    expert, doctor = client(cast.expert), client(cast.doctor)
    pk = add(expert, image).json()["key_image"]
    add(expert, image, "?center=80&width=400")
    change = f"/consultations/{thing.pk}/key-images/{pk}/"
    expert.post(change, {"act": "caption", "caption": "右肺上叶结节"})
    rev = walk.write_opinion(cast, thing)
    dialog = expert.get(f"/consultations/{thing.pk}/opinion/sign/", headers=HTMX).content.decode()
    seen = re.search(r'name="pictures" value="(\w{64})"', dialog)
    assert seen
    assert "右肺上叶结节" in dialog
    expert.post(change, {"act": "caption", "caption": "左肺上叶结节"})
    sent_in = {"password": PASSWORD, "draft_rev": rev, "pictures": seen[1]}
    refused = expert.post(f"/consultations/{thing.pk}/opinion/sign/", sent_in, headers=HTMX)
    assert refused.status_code == 422
    assert not OpinionVersion.objects.exists()
    sent_in["pictures"] = key_image.digest(thing.opinions.get())
    assert expert.post(f"/consultations/{thing.pk}/opinion/sign/", sent_in, headers=HTMX).status_code == 204

    version = OpinionVersion.objects.get()
    file = tmp_path / "opinion.pdf"
    file.write_bytes(doctor.get(f"/consultations/{thing.pk}/opinion/{version.pk}.pdf").content)
    words = subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout
    listed = subprocess.run(["pdfimages", "-list", file], capture_output=True, text=True, check=True).stdout
    assert "左肺上叶结节" in words
    assert "窗宽 400" in words
    assert version.about["key_images"][0]["sha256"][:32] in words
    assert listed.count("jpeg") == 2
    url = f"/consultations/{thing.pk}/opinion/{version.pk}/pictures/1/"
    picture = doctor.get(url)
    assert hashlib.sha256(picture.content).hexdigest() == version.about["key_images"][0]["sha256"]
    assert client(cast.outsider).get(url).status_code == 404
    assert doctor.get(url.replace("/1/", "/3/")).status_code == 404
    assert "左肺上叶结节" in doctor.get(f"/consultations/{thing.pk}/opinion/").content.decode()

    opinion.amend(consultation=thing, by=cast.expert, reason="补充")
    expert.post(change, {"act": "remove"})
    assert opinion.digest(version) == version.sha256
    assert doctor.get(url).content == picture.content
    walk.sign(cast, thing)
    assert [len(each.about["key_images"]) for each in OpinionVersion.objects.all()] == [2, 1]


def test_a_changed_picture_is_never_printed(cast: Cast) -> None:
    thing, image = scene(cast)
    add(client(cast.expert), image)
    version = walk.sign(cast, thing)
    place = key_image._place(version.about["key_images"][0]["sha256"])
    place.write_bytes(place.read_bytes()[:-1] + b"\x00")
    answer = client(cast.doctor).get(f"/consultations/{thing.pk}/opinion/{version.pk}.pdf", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "lost")
