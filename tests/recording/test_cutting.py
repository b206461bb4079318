"""Films are cut whatever is lost, whoever dies: no bell, no single message, no worker decides whether there are any."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from consult.models import Job, Recording, RecordingLog
from consult.services import outbox, recording, recording_files
from consult.states import RecordingState as R
from tests import cast as walk
from tests.cast import Cast
from tests.recording import scene


def state(row: Recording) -> str:
    row.refresh_from_db()
    return row.state


def sent(row: Recording, seconds: float = 1.0, *, channel: str = scene.CHANNEL) -> tuple[str, bytes]:
    """The running recording's log, begun at its relay, and what will be in it."""
    name = recording.orders(channel=channel)[0].log
    recording.heard(channel=channel, log=name, state="running", reason="", seconds=0, lost=0)
    return name, scene.log_for(row, name, Path(site.RECORDINGS_ROOT).parent, seconds=seconds)


def arrives(name: str, content: bytes) -> None:
    offset = recording_files.offset_of(name) or 0
    recording_files.append(name=name, offset=offset, content=content[offset:])
    recording_files.arrived(name=name)


def sweep() -> int:
    """How many jobs of cutting are done now."""
    done = Job.objects.filter(kind=recording.CUT).exclude(done_at=None)
    before = done.count()
    outbox.sweep()
    return done.count() - before


def later(**passed: float) -> None:
    """So much time passes."""
    for model, field in ((Job, "lease_until"), (Job, "due_at"), (Recording, "stopped_at")):
        for one in model.objects.exclude(**{field: None}):
            model.objects.filter(pk=one.pk).update(**{field: getattr(one, field) - timedelta(**passed)})


def test_a_stop_while_the_job_of_an_earlier_bell_runs_is_not_swallowed(cast: Cast) -> None:
    """The worker has read that it is still recorded, and is about to say "done" when somebody stops it."""
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    outbox.later(kind=recording.CUT, payload={"recording": row.pk}, key=recording.cut_key(row))
    job = outbox._take(Job.objects.get(kind=recording.CUT).pk)
    assert job is not None
    recording_files.cut_recording(recording=row.pk)  # nothing to cut yet
    arrives(name, content)
    recording.stop(recording=row, by=cast.doctor)
    outbox._finish(job)
    assert state(row) == R.CUTTING
    sweep()
    assert (state(row), row.incomplete, row.files.count()) == (R.READY, False, 2)


def test_without_any_job_it_is_found(cast: Cast) -> None:
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    arrives(name, content)
    recording.stop(recording=row, by=cast.doctor)
    Job.objects.filter(kind=recording.CUT).delete()
    assert (sweep(), state(row)) == (0, R.CUTTING)
    assert (recording_files.find_uncut(), recording_files.find_uncut()) == (1, 0)
    sweep()
    assert (state(row), recording_files.find_uncut()) == (R.READY, 0)


def test_what_was_given_up_is_tried_again(cast: Cast, settings: Any) -> None:
    """Without its key nothing can be cut: all attempts fail. With the key back it is."""
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    arrives(name, content)
    recording.stop(recording=row, by=cast.doctor)
    key, settings.RECORDING_KEY = settings.RECORDING_KEY, "another-key-of-at-least-32-letters"
    for _attempt in range(outbox.MAX_ATTEMPTS):
        assert sweep() == 0
        later(minutes=10)
    assert (state(row), Job.objects.filter(kind=recording.CUT, failed_at=None).count()) == (R.CUTTING, 0)
    settings.RECORDING_KEY = key
    assert recording_files.find_uncut() == 1
    sweep()
    assert (state(row), row.files.count()) == (R.READY, 2)


def test_the_end_is_waited_for_and_what_comes_later_is_cut_too(cast: Cast) -> None:
    """A relay is away when the call ends: two minutes later there are films of what is here, then of all."""
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row, 4.0)
    half = len(content) * 2 // 3
    recording_files.append(name=name, offset=0, content=content[:half])
    recording.stop(recording=row, by=cast.doctor)
    assert (sweep(), state(row)) == (0, R.CUTTING)
    later(minutes=3)
    sweep()
    assert (state(row), row.incomplete) == (R.READY, True)
    assert 1 < row.seconds < 3
    arrives(name, content)
    sweep()
    assert (state(row), round(row.seconds), row.files.count()) == (R.READY, 4, 2)


def test_a_relay_that_comes_back_after_the_waiting_brings_the_only_log(cast: Cast) -> None:
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    recording.stop(recording=row, by=cast.doctor)
    later(minutes=3)
    sweep()
    assert state(row) == R.EMPTY
    arrives(name, content)
    sweep()
    assert (state(row), round(row.seconds)) == (R.READY, 1)


def test_a_site_killed_after_a_piece_was_written_loses_nothing(cast: Cast) -> None:
    """The piece is on the disk, its size not in the row: the relay says "whole" and the site believes its disk."""
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    recording_files.append(name=name, offset=0, content=content)
    RecordingLog.objects.filter(name=name).update(size=0)
    recording_files.arrived(name=name)
    recording.stop(recording=row, by=cast.doctor)
    sweep()
    assert (state(row), row.incomplete, row.files.count()) == (R.READY, False, 2)


def test_a_moved_call_is_one_recording(cast: Cast) -> None:
    """The room moves to another relay: two logs, one film for each person, as long as both."""
    thing = walk.in_session(cast)
    row = scene.running(cast, thing)
    first, early = sent(row, 2.0)
    scene.move(thing, "other.link")
    assert scene.orders() == []
    second, late = sent(row, 3.0, channel="other.link")
    assert first != second
    scene.heard(first, "closed", "ended", 2.0)
    arrives(second, late)
    recording.stop(recording=row, by=cast.doctor)
    assert (sweep(), state(row)) == (0, R.CUTTING)  # the old relay's log is on its way
    arrives(first, early)
    sweep()
    assert (state(row), row.incomplete, row.files.count(), round(row.seconds)) == (R.READY, False, 2, 5)


WORKER = """
import sys, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"], settings.RECORDINGS_ROOT, settings.RECORDING_KEY = sys.argv[1:4]
from consult.reel.film import Film
from consult.services import outbox, recording_files
put, seen = Film.picture, []
def waits(film, frame, at):
    put(film, frame, at)
    seen.append(at)
    if len(seen) == 40:
        print("cutting", flush=True)
        sys.stdin.read()
Film.picture = waits
outbox.sweep()
"""


@pytest.mark.slow
def test_a_worker_killed_while_it_cuts_leaves_nothing_half_done(live_cast: Cast, settings: Any) -> None:
    row = scene.running(live_cast, walk.in_session(live_cast))
    name, content = sent(row)
    arrives(name, content)
    recording.stop(recording=row, by=live_cast.doctor)
    database = str(connection.settings_dict["NAME"])
    connection.close()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, database, str(settings.RECORDINGS_ROOT), settings.RECORDING_KEY],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "telemed.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"cutting\n"
    half = set(recording_files.folder(row).glob("*.film"))
    worker.kill()
    worker.wait()
    assert (len(half), state(row), row.files.count()) == (2, R.CUTTING, 0)
    assert (sweep(), recording_files.find_uncut()) == (0, 0)  # the lease of the dead one is not over
    later(seconds=recording_files.LEASE.total_seconds() + 1)
    sweep()
    assert (state(row), row.incomplete, row.files.count()) == (R.READY, False, 2)
    films = set(recording_files.folder(row).glob("*"))
    assert films == {settings.RECORDINGS_ROOT / path for path in row.files.values_list("path", flat=True)}


def test_a_worker_that_slept_past_its_lease_changes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one has the job by then: the sleeper's films are removed, the other's stay."""
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row)
    arrives(name, content)
    recording.stop(recording=row, by=cast.doctor)
    sleeper = outbox._take(Job.objects.get(kind=recording.CUT).pk)
    assert sleeper is not None
    Job.objects.filter(pk=sleeper.pk).update(lease_until=timezone.now() + timedelta(hours=1))  # taken by another
    assert outbox._run(sleeper) is False
    assert (state(row), row.files.count(), list(recording_files.folder(row).glob("*.film"))) == (R.CUTTING, 0, [])


def test_how_far_it_is_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    row = scene.running(cast, walk.in_session(cast))
    name, content = sent(row, 4.0)
    arrives(name, content)
    recording.stop(recording=row, by=cast.doctor)
    shares: list[float] = []
    monkeypatch.setattr(recording_files, "PULSE", -1.0)

    def kept() -> None:
        shares.append(Recording.objects.values_list("cut_share", flat=True).get(pk=row.pk))

    monkeypatch.setattr(outbox, "keep", kept)
    sweep()
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
    assert (state(row), row.cut_share) == (R.READY, 0)
