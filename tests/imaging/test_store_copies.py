"""Copies of a bucket's files: bounded, gone only when nobody uses them, fetched once however many want them."""

import io
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from pydicom import dcmread

from consult.services import bucket as buckets
from consult.services import store_copies
from imaging.services import rendering
from imaging.services.rendering import Look
from tests.cast import Cast, submitted
from tests.imaging.doors import client, sent
from tests.imaging.peer import slices
from tests.imaging.test_arrivals import instance
from tests.imaging.test_store import another_machine, fetched
from tests.platform.bucket import Bucket


def aged(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_copies_are_bounded_and_those_unused_for_longest_go(cast: Cast, bucket: Bucket, settings: Any) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    images = [sent(browser, consultation, f"{at}.dcm", each) for at, each in enumerate(slices(6))]
    raws = [image.path / "shown" / "frames.raw" for image in images]
    for path in Path(site.MEDIA_ROOT).rglob("*"):
        aged(path, 5000)
    for at, path in enumerate(raws):
        aged(path, 4000 - 100 * at)
    rendering.read(images[0], 0)  # the oldest, used now
    raws[5].chmod(0o600)  # not known to be in the bucket
    bucket.delete(f"files/images/{images[4].folder}/shown/frames.raw")  # somebody emptied the bucket behind our back
    size = raws[0].stat().st_size
    copies = sum(copy.size for copy in store_copies._copies())
    others = copies - 5 * size
    settings.S3_CACHE_BYTES = copies - 1  # a tenth of the copies has to go, others first
    assert store_copies.tidy() >= copies // 10
    settings.S3_CACHE_BYTES = 1
    store_copies.tidy()
    assert [path.exists() for path in raws] == [True, False, False, False, True, True]
    assert others > 0
    for image in images:
        assert browser.get(f"/images/{image.pk}/frames/0/").status_code == 200
    assert store_copies.tidy() == 0  # all were used just now


def test_frames_split_for_programs_go_with_the_copies_and_are_made_again(
    cast: Cast, bucket: Bucket, settings: Any
) -> None:
    browser, consultation, [content] = client(cast.doctor), submitted(cast), slices(1)
    image = sent(browser, consultation, "ct.dcm", content)
    url = (
        f"/dicomweb/{consultation.pk}/studies/{image.study_uid}/series/{image.series_uid}/instances/{image.sop_uid}"
        "/frames/1"
    )
    pixels = dcmread(io.BytesIO(content)).PixelData
    assert pixels in fetched(browser, url)[0]
    assert (image.path / "stored").is_dir()
    for path in Path(site.MEDIA_ROOT).rglob("*"):
        aged(path, 5000)
    settings.S3_CACHE_BYTES = 1
    store_copies.tidy()
    assert [path.name for path in image.path.iterdir()] == ["shown"]
    assert pixels in fetched(browser, url)[0]


def test_who_reads_while_copies_are_removed_never_finds_one_gone(
    cast: Cast, bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_copies, "SPARED", 0.3)
    settings.S3_CACHE_BYTES = 1
    browser, consultation = client(cast.doctor), submitted(cast)
    images = [sent(browser, consultation, f"{at}.dcm", each) for at, each in enumerate(slices(4))]
    stop, lost, removed = threading.Event(), [], 0

    def reads() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                rendering.frame(images[turn % 4], 0, Look())
            except Exception as error:
                lost.append(error)
            time.sleep(0.15)

    threads = [threading.Thread(target=reads) for _ in range(3)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        removed += store_copies.tidy() > 0
    stop.set()
    for thread in threads:
        thread.join()
    assert lost == []
    assert removed > 3


def test_a_file_that_many_want_is_fetched_once(cast: Cast, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    image = sent(client(cast.doctor), submitted(cast), "ct.dcm", instance())
    another_machine()
    fetches, fetch = [], buckets.fetch

    def counted(key: str, *more: Any) -> Any:
        fetches.append(key)
        return fetch(key, *more)

    monkeypatch.setattr(buckets, "fetch", counted)
    threads = [threading.Thread(target=rendering.read, args=(image, 0)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetches == [f"files/images/{image.folder}/shown/frames.raw"]


def test_a_copy_that_is_used_while_the_bucket_is_asked_about_it_stays(
    cast: Cast, bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = sent(client(cast.doctor), submitted(cast), "ct.dcm", instance())
    raw, look = image.path / "shown" / "frames.raw", buckets.look
    for path in Path(site.MEDIA_ROOT).rglob("*"):
        aged(path, 5000)

    def used(key: str) -> Any:
        if key.endswith("frames.raw"):
            rendering.read(image, 0)
        return look(key)

    monkeypatch.setattr(buckets, "look", used)
    settings.S3_CACHE_BYTES = 1
    assert store_copies.tidy() > 0
    assert (raw.exists(), image.original.exists()) == (True, False)
