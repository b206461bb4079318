"""Files in an S3 bucket: what was acknowledged is in it, what is shown comes out of it, and nothing stays half done."""

import io
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from pydicom import dcmread

from consult.errors import StoreAway
from consult.models import Job
from consult.services import bucket as buckets
from consult.services import consent, files, key_image, outbox, store, store_copies
from imaging.models import Arrival, Image, Upload
from imaging.services import arrivals, intake, prepare
from tests.cast import Cast, accepted, draft, signature, submitted
from tests.imaging import glass, papers
from tests.imaging.doors import begin, client, photo, put, real, send, sent, streamed
from tests.imaging.peer import KIND, body, slices
from tests.imaging.test_arrivals import device, instance, pushed
from tests.imaging.zips import packed
from tests.platform.bucket import Bucket

Pages = Callable[[Client, Image], list[bytes]]


def swept() -> None:
    while outbox.sweep():
        pass


def another_machine() -> None:
    """Nothing is on this machine's disk."""
    for root in (site.MEDIA_ROOT, site.RECORDINGS_ROOT):
        shutil.rmtree(root, ignore_errors=True)


def fetched(browser: Client, *urls: str) -> list[bytes]:
    answers = [browser.get(url) for url in urls]
    assert [answer.status_code for answer in answers] == [200] * len(urls)
    return [streamed(answer) if answer.streaming else answer.content for answer in answers]


@pytest.mark.parametrize(
    ("name", "made", "pages"),
    [
        ("ct.dcm", lambda: instance(), ["frames/0/?preset=lung", "frames/0/values/", "thumbnail/"]),
        ("rash.jpg", lambda: photo(2600, 1800), ["frames/0/?max=800", "frames/0/", "thumbnail/"]),
        ("letter.pdf", lambda: papers.pdf((300, 400), (300, 400)), ["frames/1/", "frames/0/?max=500"]),
        ("glass.svs", lambda: glass.svs(glass.tissue(1500, 1100)), ["tiles/0/1/1/", "frames/0/?max=400"]),
    ],
)
def test_what_is_shown_is_the_same_on_a_machine_that_has_none_of_it(
    cast: Cast, bucket: Bucket, name: str, made: Callable[[], bytes], pages: list[str]
) -> None:
    browser, content = client(cast.doctor), made()
    image = sent(browser, submitted(cast), name, content)
    assert image.state == "ready"
    assert bucket.content(f"files/images/{image.folder}/original") == content
    urls = [f"/images/{image.pk}/{page}" for page in [*pages, "original/"]]
    before = fetched(browser, *urls)
    assert before[-1] == content
    another_machine()
    assert fetched(browser, *urls) == before
    if image.has_tiles:
        assert not (image.path / "shown" / "tiles.pack").exists()  # tiles come one by one


def test_programs_get_studies_of_a_bucket_byte_for_byte(cast: Cast, bucket: Bucket) -> None:
    browser, consultation, files = client(cast.doctor), submitted(cast), slices(6)
    url = f"/dicomweb/{consultation.pk}/studies"
    assert browser.post(url, body(files), content_type=KIND["Content-Type"]).status_code == 200
    swept()
    study = f"{url}/{dcmread(io.BytesIO(files[0])).StudyInstanceUID}"
    metadata = browser.get(f"{study}/metadata").content
    another_machine()
    [whole] = fetched(browser, study)
    assert [file in whole for file in files] == [True] * 6
    another_machine()
    assert browser.get(f"{study}/metadata").content == metadata
    first = dcmread(io.BytesIO(files[0]))
    frame = f"{study}/series/{first.SeriesInstanceUID}/instances/{first.SOPInstanceUID}/frames/1"
    another_machine()
    [pixels] = fetched(browser, frame)
    assert first.PixelData in pixels


def test_an_upload_waits_for_the_bucket_and_loses_nothing(cast: Cast, bucket: Bucket) -> None:
    browser, consultation, content = client(cast.doctor), draft(cast), instance()
    url = begin(browser, consultation, "ct.dcm", content)["Location"]
    bucket.goes()
    answer = put(browser, url, 0, content)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
    assert "Nothing is lost" in answer.json()["message"] or "没有丢失" in answer.json()["message"]
    assert not Image.objects.exists()
    assert Upload.objects.get().image is None
    assert list((Path(site.MEDIA_ROOT) / "images").iterdir()) == []
    bucket.comes()
    answer = put(browser, url, 0, content)
    assert answer.status_code == 204
    image = Image.objects.get(pk=answer["X-Image"])
    assert bucket.content(f"files/images/{image.folder}/original") == content


def test_a_program_is_told_that_nothing_was_stored(cast: Cast, bucket: Bucket) -> None:
    browser, consultation, files = client(cast.doctor), draft(cast), slices(3)
    url, kind = f"/dicomweb/{consultation.pk}/studies", KIND["Content-Type"]
    bucket.goes()
    assert browser.post(url, body(files), content_type=kind).status_code == 503
    assert not Image.objects.exists()
    bucket.comes()
    assert browser.post(url, body(files), content_type=kind).status_code == 200
    assert {bucket.content(f"files/images/{each.folder}/original") for each in Image.objects.all()} == set(files)


def test_a_device_sends_again_what_the_bucket_did_not_take(cast: Cast, bucket: Bucket) -> None:
    sender, content = device(cast.nitun), instance()
    bucket.goes()
    with pytest.raises(StoreAway):
        pushed(sender, content)
    assert not Arrival.objects.exists()
    bucket.comes()
    row = pushed(sender, content)
    assert bucket.content(f"files/arrivals/{row.token}") == content
    another_machine()
    swept()
    row.refresh_from_db()
    assert (row.state, row.modality) == ("waiting", "CT")


def test_a_placed_arrival_is_in_the_bucket_once(cast: Cast, bucket: Bucket) -> None:
    consultation = submitted(cast)
    content = instance(AccessionNumber=consultation.number)
    pushed(device(cast.nitun), content)
    swept()
    image = Image.objects.get()
    assert bucket.names("files/arrivals/") == set()
    assert bucket.content(f"files/images/{image.folder}/original") == content


def test_the_worker_waits_however_long_the_bucket_is_away(cast: Cast, bucket: Bucket) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    answer = send(browser, consultation, "ct.dcm", instance())
    another_machine()
    bucket.goes()
    for _try in range(outbox.MAX_ATTEMPTS + 2):
        outbox.sweep()
        Job.objects.filter(done_at=None).update(due_at=Job.objects.first().created_at)  # type: ignore[union-attr]
    image = Image.objects.get(pk=answer["X-Image"])
    assert image.state == "processing"
    assert not Job.objects.exclude(failed_at=None).exists()
    bucket.comes()
    swept()
    image.refresh_from_db()
    assert image.state == "ready"
    assert bucket.names(f"files/images/{image.folder}/shown/")


def test_a_lost_and_a_changed_file_are_said_and_never_shown(cast: Cast, bucket: Bucket) -> None:
    browser = client(cast.doctor)
    image = sent(browser, submitted(cast), "ct.dcm", instance())
    raw, url = f"files/images/{image.folder}/shown/frames.raw", f"/images/{image.pk}/frames/0/"
    another_machine()
    bucket.change(raw, bucket.content(raw)[::-1])
    assert browser.get(url).status_code == 422
    bucket.delete(raw)
    answer = browser.get(url, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "lost")
    assert list((Path(site.MEDIA_ROOT) / "images").rglob(".fetch-*")) == []


def test_while_the_bucket_is_away_pages_say_so_at_once_and_what_is_here_is_shown(cast: Cast, bucket: Bucket) -> None:
    browser = client(cast.doctor)
    first, second = (sent(browser, submitted(cast), "ct.dcm", each) for each in slices(2))
    shutil.rmtree(first.path)
    bucket.goes()
    answer = browser.get(f"/images/{first.pk}/frames/0/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
    began = time.monotonic()
    assert browser.get(f"/images/{first.pk}/frames/0/").status_code == 503
    assert time.monotonic() - began < 1  # nobody waits for it again and again
    assert browser.get(f"/images/{second.pk}/frames/0/").status_code == 200


def test_what_is_removed_goes_from_the_bucket_too_even_when_it_is_away_for_a_while(cast: Cast, bucket: Bucket) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    kept, gone = (sent(browser, consultation, "ct.dcm", each) for each in slices(2))
    bucket.goes()
    assert browser.post(f"/images/{gone.pk}/withdraw/").status_code == 302
    outbox.sweep()
    bucket.comes()
    assert bucket.names(f"files/images/{gone.folder}/")
    Job.objects.filter(done_at=None, kind="store.forget").update(due_at=gone.at)
    swept()
    assert bucket.names(f"files/images/{gone.folder}/") == set()
    assert bucket.names(f"files/images/{kept.folder}/original")


def test_a_zip_goes_from_the_bucket_and_its_files_stay(cast: Cast, bucket: Bucket) -> None:
    files = {f"{at}.dcm": each for at, each in enumerate(slices(3))}
    answer = send(client(cast.doctor), submitted(cast), "study.zip", packed(files))
    another_machine()
    swept()
    archive = Image.objects.get(pk=answer["X-Image"])
    assert archive.state == "unpacked"
    originals = {key for key in bucket.names("files/images/") if key.endswith("/original")}
    assert originals == {f"files/images/{each.folder}/original" for each in archive.members.all()}
    assert {bucket.content(key) for key in originals} == set(files.values())


def test_what_a_killed_intake_put_into_the_bucket_goes_after_a_day(
    cast: Cast, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: Any) -> None:
        raise SystemExit(9)

    browser, consultation = client(cast.doctor), draft(cast)
    kept = sent(browser, consultation, "ct.dcm", instance())
    monkeypatch.setattr(intake, "_enter", killed)
    with pytest.raises(SystemExit):
        send(browser, consultation, "mr.dcm", real("MR_small.dcm"))
    assert len({key for key in bucket.names("files/images/") if key.endswith("/original")}) == 2
    jobs = Job.objects.filter(kind="imaging.unclaimed", done_at=None)
    assert min(job.due_at for job in jobs) >= kept.at - timedelta(minutes=1) + intake.UNCLAIMED
    jobs.update(due_at=kept.at)
    swept()
    assert {key for key in bucket.names("files/images/") if key.endswith("/original")} == {
        f"files/images/{kept.folder}/original"
    }


def test_what_a_killed_listener_put_into_the_bucket_goes_after_a_day(
    cast: Cast, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = pushed(device(cast.nitun), instance())
    path = arrivals.folder() / ("a" * 43)
    path.write_bytes(instance())
    store.put([path])
    arrivals.sweep()
    swept()
    assert len(bucket.names("files/arrivals/")) == 2  # the listener may be about to write its row
    monkeypatch.setattr(arrivals, "LEFT_FOR", -60)
    arrivals.sweep()
    swept()
    assert bucket.names("files/arrivals/") == {f"files/arrivals/{waiting.token}"}


def test_documents_of_the_record_are_in_the_bucket(cast: Cast, bucket: Bucket) -> None:
    consultation = accepted(cast)
    given = consultation.consents.get()
    picture = photo(300, 200)
    chosen = key_image.choose(
        consultation=consultation, by=cast.expert, picture=picture, width=300, height=200, shows={}
    )
    signed = consent.content_of(given)
    another_machine()
    assert consent.content_of(given) == signed
    assert key_image.read(chosen.sha256) == picture
    bucket.goes()
    another_machine()
    with pytest.raises(StoreAway):
        key_image.read(chosen.sha256)


def test_a_consent_the_bucket_did_not_take_was_not_given(cast: Cast, bucket: Bucket) -> None:
    consultation = draft(cast)
    before = consultation.consents.count()
    bucket.goes()
    with pytest.raises(StoreAway):
        consent.record(
            consultation=consultation, by=cast.doctor, text=consent.current(), signer_name="王桂英", relation="self",
            method="drawn", content=signature(),
        )  # fmt: skip
    assert consultation.consents.count() == before


def test_an_export_made_by_another_machine_is_taken(cast: Cast, bucket: Bucket) -> None:
    browser, consultation = client(cast.doctor), submitted(cast)
    sent(browser, consultation, "ct.dcm", instance())
    assert browser.post(f"/consultations/{consultation.pk}/exports/", {"purpose": "treatment"}).status_code == 302
    another_machine()
    swept()
    export = consultation.exports.get()
    url = f"/exports/{export.pk}/file/"
    [content] = fetched(browser, url)
    another_machine()
    assert fetched(browser, url) == [content]
    assert browser.post(f"/exports/{export.pk}/remove/").status_code == 302
    swept()
    assert bucket.names("files/exports/") == set()


@pytest.mark.parametrize("noun", ["consents/7", "key_images/ab", "opinions/ab", "letters/ab"])
def test_whatever_is_named_by_its_content_is_kept_and_goes_again(db: None, bucket: Bucket, noun: str) -> None:
    path = Path(site.MEDIA_ROOT) / noun / f"{'a' * 64}.pdf"
    files.keep(path, b"signed")
    another_machine()
    assert files.read(path) == b"signed"
    files.forget(path)
    swept()
    assert (bucket.names(), path.exists()) == (set(), False)
    with pytest.raises(ValueError, match="nothing of this name is kept"):
        files.keep(path.with_name("letter.pdf"), b"signed")


def test_only_one_thing_at_a_time_is_forgotten(bucket: Bucket) -> None:
    for name in ("", "files", "files/images", "files/images/", "recordings", "files/images/.."):
        with pytest.raises(ValueError, match="one thing"):
            store.forget_now(name)


def test_without_a_bucket_nothing_of_it_is_loaded_or_asked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*args: Any) -> None:
        raise AssertionError("the bucket was asked")

    monkeypatch.setattr(buckets, "_connected", asked)
    monkeypatch.setattr(store_copies, "locked", asked)
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "ct.dcm", instance())
    assert fetched(browser, f"/images/{image.pk}/frames/0/", f"/images/{image.pk}/original/")
    assert browser.post(f"/images/{image.pk}/withdraw/").status_code == 302
    assert not Job.objects.filter(kind__startswith="store.").exists()
    assert prepare.LEASE
