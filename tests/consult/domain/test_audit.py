"""The audit chain: complete under concurrency, and every tampering is seen."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from consult.models import AuditEntry, AuditHead, Consultation
from consult.services import audit
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together

TABLE = "consult_auditentry"


@contextmanager
def unguarded() -> Iterator[Callable[..., None]]:
    """What a person with the database's password can do: take the triggers away and write."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
        else:
            for verb in ("update", "delete"):
                cursor.execute(f"DROP TRIGGER {TABLE}_no_{verb}")
        yield cursor.execute


def test_every_word_of_the_main_job_is_in_the_chain(cast: Cast) -> None:
    people.closed(cast)
    report = audit.verify()
    assert (report.broken, report.count) == (None, AuditEntry.objects.count())
    assert report.last_hash == AuditEntry.objects.order_by("-seq")[0].hash
    assert list(AuditEntry.objects.values_list("seq", flat=True)) == list(range(1, report.count + 1))


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {TABLE} SET actor = 'somebody else' WHERE seq = 3",
        f"UPDATE {TABLE} SET action = 'consultation.read' WHERE seq = 3",
        f"UPDATE {TABLE} SET at = '2020-01-01 00:00:00' WHERE seq = 3",
        f"UPDATE {TABLE} SET detail = '{{}}' WHERE seq = 3",
        f"UPDATE {TABLE} SET object_id = '999' WHERE seq = 3",
        f"UPDATE {TABLE} SET consultation = 999 WHERE seq = 3",
        f"UPDATE {TABLE} SET hospital = 'haizhou' WHERE seq = 3",
        f"DELETE FROM {TABLE} WHERE seq = 3",
    ],
)
def test_tampering_in_the_middle_is_found_where_it_was_done(cast: Cast, sql: str) -> None:
    thing = people.draft(cast)
    audit.record(by=cast.scheduler, action="test.more", thing=thing, consultation=thing, detail={"number": 4})
    assert AuditEntry.objects.get(seq=3).detail != {}
    with unguarded() as execute:
        execute(sql)
    report = audit.verify()
    assert (report.broken, report.count) == (3, 2)


def test_a_removed_end_is_found(cast: Cast) -> None:
    people.draft(cast)
    count = AuditEntry.objects.count()
    with unguarded() as execute:
        execute(f"DELETE FROM {TABLE} WHERE seq = {count}")
    assert audit.verify().broken == count


def test_a_chain_rebuilt_with_its_head_is_found_by_an_end_printed_earlier(cast: Cast) -> None:
    """Who changes an entry and computes all later hashes anew has another end than the one on paper."""
    people.draft(cast)
    seen = audit.verify()
    with unguarded() as execute:
        last = audit.ZERO
        for entry in AuditEntry.objects.order_by("seq"):
            entry.actor, entry.prev_hash = "somebody else", last
            last = audit.digest(entry)
            execute(
                f"UPDATE {TABLE} SET actor = %s, prev_hash = %s, hash = %s WHERE id = %s",
                [entry.actor, entry.prev_hash, last, entry.pk],
            )
        AuditHead.objects.update(hash=last)
    assert audit.verify().broken is None
    with pytest.raises(CommandError, match="no longer holds"):
        call_command("verify_audit", since=f"{seen.count}:{seen.last_hash}")


@pytest.mark.parametrize("verb", [f"UPDATE {TABLE} SET actor = 'x'", f"DELETE FROM {TABLE}"])
def test_the_database_refuses_change_and_removal(cast: Cast, verb: str) -> None:
    people.draft(cast)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)
    assert audit.verify().broken is None


def test_the_command_prints_the_end_or_the_break(cast: Cast) -> None:
    people.draft(cast)
    report = audit.verify()
    said = io.StringIO()
    call_command("verify_audit", stdout=said)
    assert said.getvalue() == f"audit chain intact: {report.count} entries, last hash {report.last_hash}\n"
    call_command("verify_audit", since=f"{report.count}:{report.last_hash}", stdout=io.StringIO())
    with unguarded() as execute:
        execute(f"UPDATE {TABLE} SET actor = 'x' WHERE seq = 2")
    with pytest.raises(CommandError, match="broken at entry 2") as stopped:
        call_command("verify_audit")
    assert stopped.value.returncode == 1


def test_an_entry_says_who_from_where_did_what_and_never_what_was_written(cast: Cast) -> None:
    thing = people.closed(cast)
    patient = thing.patient
    assert patient is not None
    entry = AuditEntry.objects.get(action="opinion.save_draft")
    assert (entry.actor, entry.hospital, entry.consultation) == ("expert.provincial", "provincial", thing.pk)
    written = " ".join(str(detail) for detail in AuditEntry.objects.values_list("detail", flat=True))
    secret = [patient.name, patient.record_number, *people.OPINION.values()]
    secret += [people.REQUEST[name] for name in ("reason", "record_summary", "tests", "question")]
    assert "fields" in written
    assert [words for words in secret if words in written] == []


def test_reading_is_an_entry(cast: Cast) -> None:
    thing = people.submitted(cast)
    audit.record_read(by=cast.regulator, thing=thing, consultation=thing)
    entry = AuditEntry.objects.order_by("-seq")[0]
    assert (entry.actor, entry.action, entry.object_id) == ("regulator", "consultation.read", str(thing.pk))


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(cast: Cast) -> None:
    thing = people.draft(cast)
    before = audit.verify()
    with transaction.atomic():
        audit.record(by=cast.doctor, action="test.undone", thing=thing)
        transaction.set_rollback(True)
    assert audit.verify() == before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one_chain(live_cast: Cast) -> None:
    thing = people.draft(live_cast)
    before = AuditEntry.objects.count()

    def read() -> Any:
        return [audit.record_read(by=live_cast.doctor, thing=thing, consultation=thing) for _turn in range(3)]

    together(*[read] * 20)
    report = audit.verify()
    assert (report.broken, report.count) == (None, before + 60)
    assert Consultation.objects.count() == 1
