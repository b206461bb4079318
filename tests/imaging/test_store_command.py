"""`manage.py store`: tries the bucket, moves what lies on the disk into it, fetches all of it back."""

import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command

from consult.services import bucket as buckets
from consult.services import consent
from tests.cast import Cast, submitted
from tests.imaging.doors import client, photo, sent
from tests.imaging.test_arrivals import device, instance, pushed
from tests.imaging.test_store import another_machine, fetched
from tests.platform.bucket import Bucket


@pytest.fixture
def later(bucket: Bucket, settings: Any) -> Any:
    """Files were on the disk alone until somebody set S3_BUCKET: the function that does."""
    name, settings.S3_BUCKET = settings.S3_BUCKET, ""

    def turned_on() -> Bucket:
        settings.S3_BUCKET = name
        return bucket

    return turned_on


def said(act: str) -> str:
    out = StringIO()
    call_command("store", act, stdout=out)
    return out.getvalue()


def test_a_bucket_is_tried_before_it_is_used(bucket: Bucket) -> None:
    assert "takes, gives back and deletes" in said("check")
    assert bucket.names() == set()
    bucket.goes()
    with pytest.raises(CommandError):
        said("check")


def test_without_a_bucket_it_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="S3_BUCKET is not set"):
        said("move")


def test_what_lies_on_the_disk_is_moved_and_a_run_that_was_cut_goes_on(
    cast: Cast, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    images = [sent(browser, consultation, "ct.dcm", instance()), sent(browser, consultation, "a.jpg", photo())]
    row = pushed(device(cast.nitun), instance())
    urls = [f"/images/{image.pk}/{page}" for image in images for page in ("frames/0/", "thumbnail/", "original/")]
    before, signed = fetched(browser, *urls), consent.content_of(consultation.consents.get())
    bucket, put, count = later(), buckets.put, [0]

    def cut(*args: Any) -> None:
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        put(*args)

    monkeypatch.setattr(buckets, "put", cut)
    with pytest.raises(KeyboardInterrupt):
        said("move")
    monkeypatch.setattr(buckets, "put", put)
    there = bucket.names()
    assert len(there) == 3
    for path in Path(site.MEDIA_ROOT).rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)  # the note on this machine is lost too
    assert f"{len(there)} were there, 0 wrong" in said("move")
    assert "0 files sent, 0 were there" in said("move")
    another_machine()
    assert fetched(browser, *urls) == before
    assert consent.content_of(consultation.consents.get()) == signed
    assert bucket.content(f"files/arrivals/{row.token}")


def test_a_file_that_is_not_what_was_stored_is_named_and_not_moved(cast: Cast, later: Any) -> None:
    image = sent(client(cast.doctor), submitted(cast), "ct.dcm", instance())
    image.original.write_bytes(b"something else")
    bucket, key = later(), f"files/images/{image.folder}/original"
    with pytest.raises(CommandError, match=key):
        said("move")
    assert key not in bucket.names()
    assert f"files/images/{image.folder}/shown/frames.raw" in bucket.names()


def test_all_is_fetched_back_to_do_without_the_bucket(cast: Cast, bucket: Bucket, settings: Any) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    image = sent(browser, consultation, "ct.dcm", instance())
    urls = [f"/images/{image.pk}/{page}" for page in ("frames/0/", "thumbnail/", "original/")]
    before = fetched(browser, *urls)
    another_machine()
    settings.S3_CACHE_BYTES = 1
    assert "All is on the disk" in said("fetch")
    settings.S3_BUCKET = ""
    assert fetched(browser, *urls) == before
    settings.S3_BUCKET = bucket.name
    shutil.rmtree(image.path)
    raw = f"files/images/{image.folder}/shown/frames.raw"
    bucket.change(raw, b"?" * len(bucket.content(raw)))
    with pytest.raises(CommandError, match="1 files are not"):
        said("fetch")
