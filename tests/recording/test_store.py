"""Recordings in an S3 bucket: a relay gives its own up only when they are in it, films play from it, and all go."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from consult.errors import StoreAway
from consult.models import RecordingFile
from consult.services import outbox, recording, recording_files
from tests import cast as walk
from tests.cast import Cast
from tests.platform.bucket import Bucket
from tests.recording import scene


def another_machine() -> None:
    shutil.rmtree(site.RECORDINGS_ROOT)


def played(film: RecordingFile) -> bytes:
    reader = recording_files.open_film(film)
    return recording_files.part(reader, 0, reader.size)


def test_a_log_that_the_bucket_does_not_take_stays_with_its_relay(cast: Cast, bucket: Bucket) -> None:
    row = scene.running(cast, walk.in_session(cast))
    name = scene.orders()[0].log
    scene.heard(name, "running")
    content = scene.log_for(row, name, Path(site.RECORDINGS_ROOT).parent)
    recording_files.append(name=name, offset=0, content=content)
    recording.stop(recording=row, by=cast.doctor)
    bucket.goes()
    with pytest.raises(StoreAway):
        recording_files.arrived(name=name)
    assert not recording_files.is_over(name)
    bucket.comes()
    recording_files.arrived(name=name)
    assert recording_files.is_over(name)
    assert bucket.content(f"recordings/{row.token.hex}/{name}.log") == content
    another_machine()
    assert recording_files.offset_of(name) == len(content)
    outbox.sweep()
    row.refresh_from_db()
    assert (row.state, row.files.count()) == ("READY", 2)


def test_films_play_on_a_machine_that_has_none_of_them_and_go_with_their_key(cast: Cast, bucket: Bucket) -> None:
    row = scene.ready(cast, walk.in_session(cast))
    films = list(row.files.all())
    before = [played(film) for film in films]
    outbox.sweep()
    assert bucket.names("recordings/") == {f"recordings/{film.path}" for film in films}  # the log is in the films
    another_machine()
    assert [played(film) for film in films] == before
    assert recording_files._delete(row)
    while outbox.sweep():
        pass
    assert bucket.names("recordings/") == set()


def test_a_film_cut_anew_replaces_the_one_in_the_bucket(cast: Cast, bucket: Bucket, settings: Any) -> None:
    row = scene.ready(cast, walk.in_session(cast), whole=False)
    earlier = {f"recordings/{film.path}" for film in row.files.all()}
    assert earlier < bucket.names("recordings/")  # and the log: more of it may come
    another_machine()
    type(row).objects.filter(pk=row.pk).update(cut_bytes=0)
    recording_files.cut_recording(recording=row.pk)
    while outbox.sweep():
        pass
    films = list(row.files.all())
    assert [len(played(film)) > 0 for film in films] == [True, True]
    assert not earlier & bucket.names("recordings/")
