"""Nobody is recorded who has not agreed: the site's gate, the answers, the ways it ends, and what is kept of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Recording, RecordingAnswer
from consult.reel.sealed import Tampered
from consult.services import consent, recording, recording_files, recording_keys, session
from consult.states import RecordingState as R
from tests import cast as walk
from tests.cast import Cast
from tests.recording import scene


def state(row: Recording) -> str:
    row.refresh_from_db()
    return row.state


def actions(row: Recording) -> list[str]:
    entries = AuditEntry.objects.filter(object_kind="recording", object_id=str(row.pk)).order_by("seq")
    return list(entries.values_list("action", flat=True))


def test_without_the_patients_consent_nobody_can_ask(cast: Cast) -> None:
    thing = walk.in_session(cast)
    scene.in_call(thing, cast.doctor, cast.expert)
    with pytest.raises(Refusal) as refused:
        recording.ask(consultation=thing, by=cast.doctor)
    assert refused.value.code == "no_recording_consent"
    assert Recording.objects.count() == 0


def test_it_starts_when_everybody_present_has_agreed(cast: Cast) -> None:
    row = scene.asked(cast, walk.in_session(cast))
    assert (state(row), scene.orders()) == (R.ASKED, [])
    recording.answer(recording=row, by=cast.expert, agrees=True)
    assert state(row) == R.RUNNING
    [order] = scene.orders()
    assert order.people == ["doctor.nitun", "expert.provincial"]
    assert actions(row) == ["recording.ask", "recording.agree", "recording.agree", "recording.start"]


def test_a_no_is_enough(cast: Cast) -> None:
    row = scene.asked(cast, walk.in_session(cast))
    recording.answer(recording=row, by=cast.expert, agrees=False)
    assert (state(row), row.stop_reason, bytes(row.wrapped_key)) == (R.EMPTY, "declined", b"")
    with pytest.raises(Conflict):
        recording.answer(recording=row, by=cast.expert, agrees=True)


def test_who_comes_later_is_not_among_the_people_until_they_agree(cast: Cast) -> None:
    thing = walk.in_session(cast)
    row = scene.running(cast, thing)
    scene.in_call(thing, cast.doctor, cast.expert, cast.colleague)
    assert "second.nitun" not in scene.orders()[0].people
    recording.answer(recording=row, by=cast.colleague, agrees=True)
    assert "second.nitun" in scene.orders()[0].people
    recording.answer(recording=row, by=cast.colleague, agrees=False)
    assert (state(row), row.stop_reason, scene.orders()) == (R.CUTTING, "withdrawn", [])


def test_the_patients_withdrawal_ends_it(cast: Cast) -> None:
    thing = walk.in_session(cast)
    row = scene.running(cast, thing)
    scene.orders()
    given = thing.consents.get(text__kind="recording")
    consent.withdraw(consent=given, by=cast.doctor)
    assert (state(row), row.stop_reason, scene.orders()) == (R.CUTTING, "withdrawn", [])


def test_the_end_of_the_session_ends_it(cast: Cast) -> None:
    thing = walk.in_session(cast)
    row = scene.running(cast, thing)
    session.end(consultation=thing, by=cast.expert)
    assert (state(row), row.stop_reason) == (R.CUTTING, "ended")


def test_only_those_in_the_call_are_asked_and_stop_it(cast: Cast) -> None:
    row = scene.running(cast, walk.in_session(cast))
    for stranger in (cast.outsider, cast.other_expert, cast.scheduler, cast.regulator):
        with pytest.raises(NotAllowed):
            recording.answer(recording=row, by=stranger, agrees=False)
        with pytest.raises(NotAllowed):
            recording.stop(recording=row, by=stranger)
    with pytest.raises(NotAllowed):
        recording.answer(recording=row, by=cast.colleague, agrees=False)  # not in the room
    assert state(row) == R.RUNNING


def test_answers_are_never_changed(cast: Cast) -> None:
    scene.running(cast, walk.in_session(cast))
    for change in (lambda rows: rows.update(agrees=False), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(RecordingAnswer.objects.all())


def test_nobody_answers_and_nobody_is_there(cast: Cast) -> None:
    thing = walk.in_session(cast)
    row = scene.asked(cast, thing)
    Recording.objects.filter(pk=row.pk).update(asked_at=timezone.now() - timedelta(minutes=11))
    recording.tidy()
    assert (state(row), row.stop_reason) == (R.EMPTY, "unanswered")
    scene.in_call(thing, cast.doctor, cast.expert)
    again = recording.ask(consultation=thing, by=cast.doctor)
    recording.answer(recording=again, by=cast.expert, agrees=True)
    scene.in_call(thing)
    recording.tidy()
    assert state(again) == R.RUNNING
    Recording.objects.filter(pk=again.pk).update(
        asked_at=timezone.now() - timedelta(hours=1), started_at=timezone.now() - timedelta(minutes=6)
    )
    recording.tidy()
    assert (state(again), again.stop_reason) == (R.CUTTING, "empty")


def test_a_full_disk_ends_it_and_says_so(cast: Cast) -> None:
    row = scene.running(cast, walk.in_session(cast))
    scene.heard(scene.orders()[0].log, "closed", "disk")
    assert (state(row), row.stop_reason, row.incomplete) == (R.CUTTING, "disk", True)


def test_each_view_is_on_record_and_ranges_are_answered(cast: Cast, client: Client) -> None:
    thing = walk.in_session(cast)
    row = scene.ready(cast, thing)
    assert (state(row), row.incomplete, row.files.count()) == (R.READY, False, 2)
    client.force_login(cast.doctor, backend="django.contrib.auth.backends.ModelBackend")
    page = f"/consultations/{thing.pk}/recordings/{row.pk}/"
    view = client.get(page).context["view"]
    client.get(page)
    assert actions(row).count("recording.view") == 2
    film = f"{page}media/1/"
    assert client.get(film).status_code == 403
    whole: Any = client.get(film, {"view": view}, headers={"Range": "bytes=0-"})
    size = row.files.get(number=1).size
    assert (whole.status_code, whole["Content-Range"]) == (206, f"bytes 0-{size - 1}/{size}")
    for asked, span in (("bytes=100-199", (100, 200)), ("bytes=-50", (size - 50, size))):
        part = client.get(film, {"view": view}, headers={"Range": asked})
        assert part.content == whole.content[span[0] : span[1]]
    assert client.get(film, {"view": view}, headers={"Range": f"bytes={size}-"}).status_code == 416


def test_a_changed_film_is_not_played_and_a_changed_log_not_cut(cast: Cast, settings: Any) -> None:
    row = scene.ready(cast, walk.in_session(cast))
    film = row.files.get(number=1)
    path = settings.RECORDINGS_ROOT / film.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    reader = recording_files.open_film(film)
    with pytest.raises(Tampered):
        list(reader.parts(0, reader.size))


def test_a_master_key_is_changed_without_writing_files(cast: Cast, settings: Any) -> None:
    row = scene.ready(cast, walk.in_session(cast))
    key = recording_keys.key_of(row)
    settings.RECORDING_OLD_KEYS, settings.RECORDING_KEY = [settings.RECORDING_KEY], "another-key-of-at-least-32-letters"
    assert recording_keys.rewrap() == 1
    settings.RECORDING_OLD_KEYS = []
    row.refresh_from_db()
    assert recording_keys.key_of(row) == key


def test_it_is_deleted_when_its_time_is_over_unless_it_is_held(cast: Cast, settings: Any, commits: Any) -> None:
    row = scene.ready(cast, walk.in_session(cast))
    assert recording_files.expire() == 0
    Recording.objects.filter(pk=row.pk).update(delete_on=timezone.localdate() - timedelta(days=1))
    with pytest.raises(NotAllowed):
        recording.hold(recording=row, by=cast.doctor, held=True)
    recording.hold(recording=row, by=cast.regulator, held=True)
    assert recording_files.expire() == 0
    recording.hold(recording=row, by=cast.regulator, held=False)
    with commits():
        assert recording_files.expire() == 1
    assert (state(row), bytes(row.wrapped_key), row.files.count()) == (R.DELETED, b"", 0)
    assert list(recording_files.folder(row).glob("*")) == []
    assert actions(row)[-3:] == ["recording.hold", "recording.release", "recording.delete"]
