"""The audit chain: append, and check that nothing was changed, removed or slipped in.

`hash` = SHA-256 of the previous hash and the entry's canonical JSON. The head row is locked while an entry is added, so
entries are numbered without gaps on both databases; it also shows when the newest entries were cut off.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from consult.models import AuditEntry, AuditHead, Consultation, User
from consult.policies import person as people

ZERO = "0" * 64


@dataclass(frozen=True, slots=True)
class Report:
    """`broken` is the first sequence number that does not fit, None when all do."""

    count: int
    last_hash: str
    broken: int | None = None


@transaction.atomic
def record(
    *,
    by: User | None,
    action: str,
    thing: models.Model,
    consultation: Consultation | int | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add one entry in the caller's transaction. `by` None is the system; `detail` never holds a patient's words.

    Take row locks before: the head row stays locked until the transaction ends.
    """
    [entry] = record_all(by=by, action=action, things=[(thing, detail or {})], consultation=consultation)
    return entry


@transaction.atomic
def record_all(
    *,
    by: User | None,
    action: str,
    things: Sequence[tuple[models.Model, dict[str, Any]]],
    consultation: Consultation | int | None = None,
) -> list[AuditEntry]:
    """Add an entry for each thing and its detail, as `record` does for one."""
    if not things:
        return []
    head = _next(len(things))
    first, before, hospital = head.seq - len(things) + 1, head.hash, _hospital(by)
    entries = []
    for seq, (thing, detail) in enumerate(things, first):
        entry = AuditEntry(
            seq=seq,
            at=timezone.now(),
            actor=by.get_username() if by else "system",
            hospital=hospital,
            action=action,
            object_kind=thing._meta.model_name or "",
            object_id=str(thing.pk),
            consultation=consultation.pk if isinstance(consultation, Consultation) else consultation,
            detail=json.loads(json.dumps(detail, cls=DjangoJSONEncoder)),
            prev_hash=before,
        )
        entry.hash = before = digest(entry)
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries)
    AuditHead.objects.filter(pk=1).update(hash=before)
    return entries


def record_read(
    *, by: User, thing: models.Model, consultation: Consultation | int | None = None, what: str = "read"
) -> AuditEntry:
    """Somebody opened, printed or fetched a record: `what` is the verb (read, print, download)."""
    name = thing._meta.model_name
    return record(by=by, action=f"{name}.{what}", thing=thing, consultation=consultation)


def _next(count: int) -> AuditHead:
    """Lock the head and count it up by `count`; the first entry makes it."""
    if not AuditHead.objects.filter(pk=1).update(seq=F("seq") + count):
        AuditHead.objects.bulk_create([AuditHead(pk=1, seq=0, hash=ZERO)], ignore_conflicts=True)
        AuditHead.objects.filter(pk=1).update(seq=F("seq") + count)
    return AuditHead.objects.get(pk=1)


def _hospital(by: User | None) -> str:
    if by is None:
        return ""
    return next((role.hospital.code for role in people.roles(by) if role.hospital), "")


def digest(entry: AuditEntry) -> str:
    """The entry's own hash: sorted keys, no spaces, UTC with microseconds."""
    said = {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "hospital": entry.hospital,
        "action": entry.action,
        "object": [entry.object_kind, entry.object_id],
        "consultation": entry.consultation,
        "detail": entry.detail,
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{entry.prev_hash}{text}".encode()).hexdigest()


def verify() -> Report:
    """Walk the whole chain in order; the head row must name its end."""
    count, last = 0, ZERO
    for entry in AuditEntry.objects.order_by("seq").iterator(chunk_size=2000):
        if entry.seq != count + 1 or entry.prev_hash != last or entry.hash != digest(entry):
            return Report(count, last, broken=count + 1)
        count, last = entry.seq, entry.hash
    head = AuditHead.objects.filter(pk=1).first()
    if (head.seq, head.hash) != (count, last) if head else count != 0:
        return Report(count, last, broken=count + 1)
    return Report(count, last)


def holds(*, seq: int, digest_seen: str) -> bool:
    """Whether an earlier printed end of the chain is still part of it."""
    return AuditEntry.objects.filter(seq=seq, hash=digest_seen).exists()
