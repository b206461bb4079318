"""Frames: windows, presets, sizes, caching; read from our own raw pixels."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from consult.models import AuditEntry
from imaging.models import Image
from tests.cast import Cast, draft
from tests.imaging.doors import client, photo, pixels, real, sent, streamed
from tests.imaging.hostile import changed, saved

pytestmark = pytest.mark.files


def grey(values: np.ndarray, center: float, width: float) -> np.ndarray:
    return np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


def test_ct_window_is_the_standards(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "ct.dcm", real("CT_small.dcm"))
    values = dcmread(io.BytesIO(real("CT_small.dcm"))).pixel_array.astype(float) - 1024
    for query, center, width in [("preset=bone", 500, 2000), ("center=40&width=400", 40, 400), ("", 40, 400)]:
        answer = browser.get(f"/images/{image.pk}/frames/0/?{query}")
        assert answer["Content-Type"] == "image/png"
        assert np.abs(pixels(answer).astype(float) - grey(values, center, width)).max() <= 1


def test_window_of_the_file_comes_first(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "mr.dcm", real("MR_small.dcm"))
    dataset = dcmread(io.BytesIO(real("MR_small.dcm")))
    theirs = apply_windowing(dataset.pixel_array, dataset)  # spreads over the signed 16 bits
    theirs = (theirs + 32768) / 65535 * 255
    assert np.abs(pixels(browser.get(f"/images/{image.pk}/frames/0/")).astype(float) - theirs).max() <= 1
    listed = browser.get(f"/consultations/{image.consultation_id}/images/list/").json()["images"][0]
    assert [preset["key"] for preset in listed["presets"]] == ["file1", "auto"]


def test_monochrome1_is_inverted(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    plain = sent(browser, consultation, "a.dcm", real("MR_small.dcm"))
    inverted = sent(browser, consultation, "b.dcm", changed("MR_small.dcm", PhotometricInterpretation="MONOCHROME1"))
    one, two = (pixels(browser.get(f"/images/{each.pk}/frames/0/")) for each in (plain, inverted))
    assert (one.astype(int) + two).tolist() == np.full(one.shape, 255).tolist()


def test_voi_table_is_applied(cast: Cast) -> None:
    dataset = dcmread(io.BytesIO(real("MR_small.dcm")))
    del dataset.WindowCenter, dataset.WindowWidth
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 100, 8])
    item.add_new("LUTData", "US", [255 - entry for entry in range(256)])
    dataset.VOILUTSequence = [item]
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "voi.dcm", saved(dataset))
    expected = 255 - np.clip(dataset.pixel_array.astype(int) - 100, 0, 255)
    assert np.abs(pixels(browser.get(f"/images/{image.pk}/frames/0/")).astype(int) - expected).max() <= 1


def test_colour_and_many_frames(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "echo.dcm", real("examples_ybr_color.dcm"))
    assert image.frames == 30
    first, last = (browser.get(f"/images/{image.pk}/frames/{n}/") for n in (0, 29))
    assert pixels(first).shape == (240, 320, 3)
    assert first.content != last.content
    assert browser.get(f"/images/{image.pk}/frames/30/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "center=nan&width=400",
        "center=1e400&width=1",
        "center=40",
        "center=40&width=0",
        "center=40&width=-3",
        "center=x&width=y",
        "preset=../x",
        "max=-1",
        "max=1e9",
        f"preset={'a' * 30}",
    ],
)
def test_senseless_views_are_refused(cast: Cast, query: str) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "ct.dcm", real("CT_small.dcm"))
    answer = browser.get(f"/images/{image.pk}/frames/0/?{query}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_view")


def test_frames_are_cached_privately(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "ct.dcm", real("CT_small.dcm"))
    url = f"/images/{image.pk}/frames/0/?preset=lung"
    answer = browser.get(url)
    assert answer["Cache-Control"] == "private, max-age=3600, immutable"
    assert "Cookie" in answer["Vary"]
    assert browser.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert browser.get(f"/images/{image.pk}/frames/0/")["ETag"] != answer["ETag"]


def test_photo_comes_in_the_size_asked_for(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "big.jpg", photo(3000, 2000))
    sizes = [pixels(browser.get(f"/images/{image.pk}/frames/0/?max={side}")).shape[1] for side in (400, 1500, 0)]
    assert sizes == [1024, 2048, 3000]
    thumbnail = browser.get(f"/images/{image.pk}/thumbnail/")
    assert (thumbnail["Content-Type"], Picture.open(io.BytesIO(thumbnail.content)).size) == ("image/webp", (256, 171))


def test_lost_pixels_are_said_not_another_image(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "ct.dcm", real("CT_small.dcm"))
    (image.path / "shown" / "frames.raw").write_bytes(b"short")
    answer = browser.get(f"/images/{image.pk}/frames/0/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "lost")


def test_child_that_lies_about_its_files_is_not_believed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(*, into: Any, **_: Any) -> dict:
        (into / "frames.raw").write_bytes(b"12")
        size = {"width": 10, "height": 10, "frames": 1, "samples": 1, "dtype": "<i2", "low": 0.0, "high": 1.0}
        return {"kind": "dicom", "windows": [], **size}

    monkeypatch.setattr("imaging.services.decoding.decode", lie)
    image = sent(client(cast.doctor), draft(cast), "ct.dcm", real("CT_small.dcm"))
    assert (image.state, image.reason) == ("refused", "damaged")


def test_scrolling_is_one_reading(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "echo.dcm", real("examples_ybr_color.dcm"))
    for number in range(5):
        browser.get(f"/images/{image.pk}/frames/{number}/")
    browser.get(f"/images/{image.pk}/")
    streamed(browser.get(f"/images/{image.pk}/original/"))
    actions = AuditEntry.objects.filter(object_kind="image", actor="doctor.nitun").values_list("action", flat=True)
    assert list(actions) == ["image.add", "image.read", "image.download"]


def test_list_asks_the_same_for_one_and_for_thirty(cast: Cast, django_assert_num_queries: Any) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    sent(browser, consultation, "0.jpg", photo(50, 50))
    urls = [f"/consultations/{consultation.pk}/images/", f"/consultations/{consultation.pk}/images/list/"]
    counts = [_queries(browser, url) for url in urls]
    for number in range(1, 30):
        sent(browser, consultation, f"{number}.jpg", photo(50 + number, 50))
    assert Image.objects.filter(state="ready").count() == 30
    assert [_queries(browser, url) for url in urls] == counts


def _queries(browser: Any, url: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        assert browser.get(url).status_code == 200
    return len(seen)
