"""Every kind of tampering with the audit chain is found at its number; no row repeats a patient's words."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from consult.models import AuditEntry, Message, OpinionVersion
from consult.services import audit, consent, message, opinion
from tests import cast as people
from tests.cast import OPINION, REQUEST, Cast


def _without_triggers() -> None:
    """What somebody does who owns the database."""
    with connection.cursor() as cursor:
        for verb in ("update", "delete"):
            on = " ON consult_auditentry" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER consult_auditentry_no_{verb}{on}")


def _sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _chain(cast: Cast, length: int = 12) -> list[AuditEntry]:
    for count in range(length):
        audit.record(by=cast.doctor, action="patient.read", thing=cast.patient, detail={"page": count})
    return list(AuditEntry.objects.order_by("seq"))


def _swap(entries: list[AuditEntry]) -> None:
    """Entries 4 and 5 change places, each with its own right hash."""
    _sql("UPDATE consult_auditentry SET seq = 1000 WHERE seq = 4")
    _sql("UPDATE consult_auditentry SET seq = 4 WHERE seq = 5")
    _sql("UPDATE consult_auditentry SET seq = 5 WHERE seq = 1000")


def _slip_in(entries: list[AuditEntry]) -> None:
    """A well-made entry between 6 and 7; those after are counted up."""
    for seq in range(len(entries), 6, -1):
        _sql("UPDATE consult_auditentry SET seq = %s WHERE seq = %s", seq + 1, seq)
    forged = AuditEntry(seq=7, at=entries[5].at, actor="regulator", action="patient.read", object_kind="patient",
                        object_id="1", prev_hash=entries[5].hash)  # fmt: skip
    forged.hash = audit.digest(forged)
    forged.save(force_insert=True)


def _rewrite_one(entries: list[AuditEntry]) -> None:
    """Entry 3 is changed and its own hash made to fit again."""
    forged = entries[2]
    forged.actor = "regulator"
    _sql("UPDATE consult_auditentry SET actor = %s, hash = %s WHERE seq = 3", forged.actor, audit.digest(forged))


def _postdate(entries: list[AuditEntry]) -> None:
    _sql("UPDATE consult_auditentry SET at = %s WHERE seq = 9", entries[8].at + timedelta(microseconds=1))


TAMPERING: dict[str, tuple[Callable[[list[AuditEntry]], None], int]] = {
    "an actor": (lambda _: _sql("UPDATE consult_auditentry SET actor = 'x' WHERE seq = 3"), 3),
    "an action": (lambda _: _sql("UPDATE consult_auditentry SET action = 'patient.print' WHERE seq = 1"), 1),
    "a hospital": (lambda _: _sql("UPDATE consult_auditentry SET hospital = 'haizhou' WHERE seq = 2"), 2),
    "an object": (lambda _: _sql("UPDATE consult_auditentry SET object_id = '999' WHERE seq = 12"), 12),
    "a consultation": (lambda _: _sql("UPDATE consult_auditentry SET consultation = 7 WHERE seq = 8"), 8),
    "a detail": (lambda _: _sql("UPDATE consult_auditentry SET detail = %s WHERE seq = 5", '{"page": 5}'), 5),
    "a time": (_postdate, 9),
    "a hash": (lambda _: _sql("UPDATE consult_auditentry SET hash = %s WHERE seq = 6", "0" * 64), 6),
    "an entry and its hash": (_rewrite_one, 4),
    "the first removed": (lambda _: _sql("DELETE FROM consult_auditentry WHERE seq = 1"), 1),
    "one removed": (lambda _: _sql("DELETE FROM consult_auditentry WHERE seq = 5"), 5),
    "the newest removed": (lambda _: _sql("DELETE FROM consult_auditentry WHERE seq > 10"), 11),
    "all removed": (lambda _: _sql("DELETE FROM consult_auditentry"), 1),
    "the head cut off": (lambda _: _sql("DELETE FROM consult_audithead"), 13),
    "two swapped": (_swap, 4),
    "one slipped in": (_slip_in, 8),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_is_found_at_its_number(cast: Cast, kind: str) -> None:
    entries = _chain(cast)
    assert audit.verify() == audit.Report(12, entries[-1].hash)
    _without_triggers()
    tamper, seq = TAMPERING[kind]
    tamper(entries)
    assert (audit.verify().broken, audit.verify().count) == (seq, seq - 1)
    with pytest.raises(CommandError, match=f"broken at entry {seq} "):
        call_command("verify_audit", stdout=StringIO())


def test_no_row_of_a_whole_case_repeats_the_patients_words(cast: Cast) -> None:
    cast.patient.id_number, cast.patient.phone = "140102195603081222", "13800138000"
    cast.patient.save(update_fields=["id_number", "phone"])
    thing = people.needs_info(cast)
    people.triage.supply(consultation=thing, by=cast.doctor, answer="补充的病情")
    for walked in (people.declined(cast), people.returned(cast)):
        message.post(consultation=walked, by=cast.doctor, body="患者的话", token="1")
    thing = people.acknowledged(cast)
    opinion.amend(consultation=thing, by=cast.expert, reason="补充肌钙蛋白")
    people.sign(cast, thing, diagnosis="急性心肌梗死")
    consent.withdraw(consent=thing.consents.get(), by=cast.doctor)
    people.consultation.call_off(consultation=people.accepted(cast), by=cast.expert, reason="患者转院")
    audit.record_read(by=cast.expert, thing=OpinionVersion.objects.first(), consultation=thing, what="print")  # type: ignore[arg-type]
    assert Message.objects.filter(body="患者的话").count() == 2
    words = [*OPINION.values(), *(REQUEST[name] for name in ("reason", "record_summary", "tests", "question"))]
    words += [
        "王桂英",
        "wangguiying",
        "N-0001",
        "140102195603081222",
        "13800138000",
        "1956-03-08",
        "补充",
        "患者",
        "手术",
    ]
    words += ["正在", "科室有误", "心肌梗死", "心绞痛"]
    rows = [json.dumps(row, ensure_ascii=False, default=str) for row in AuditEntry.objects.values()]
    assert len(rows) > 40
    assert [(word, row) for row in rows for word in words if word in row] == []
    assert not [row for row in rows if any("\u4e00" <= char <= "\u9fff" for char in row)]
    assert audit.verify().broken is None
