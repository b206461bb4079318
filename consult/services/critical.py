"""Critical findings: said with a signed opinion, told again until read back, acknowledged by the specialist."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import Consultation, CriticalFinding, OpinionVersion, User
from consult.policies import critical as policies
from consult.services import alert, audience, audit, moves, notification, outbox

AGAIN = timedelta(minutes=5)
"""After which the asking side is told again."""
TO_DESK = timedelta(minutes=15)
"""After which the schedulers are told that nobody has read it back."""
LONGEST = 2000


def say(*, version: OpinionVersion, consultation: Consultation) -> CriticalFinding | None:
    """In the transaction that signs: what `version` says cannot wait. It replaces what an earlier version said."""
    older = CriticalFinding.objects.open().filter(version__opinion=version.opinion_id)
    older.update(replaced=True)
    words = version.about.get("critical", "")
    if not words:
        return None
    finding = CriticalFinding.objects.create(version=version, consultation=consultation, words=words)
    audit.record(by=version.signed_by, action="critical.say", thing=finding, consultation=consultation)
    _tell(finding, "critical", audience.askers(consultation))
    return finding


def _tell(finding: CriticalFinding, kind: str, people: set[int], times: object = 1) -> None:
    key = f"{kind}.{finding.pk}.{times}"
    notification.tell(people=people, kind=kind, consultation=finding.consultation, key=key)


@transaction.atomic
def read_back(*, finding: CriticalFinding, by: User, words: str) -> CriticalFinding:
    """The asking side writes what it has understood. Of two who do so one is first."""
    if not words.strip():
        raise Refusal("empty", _("Write the finding as you have understood it."), field="words")
    if len(words) > LONGEST:
        raise Refusal("too_long", _("This text is too long: 2,000 characters are the most."), field="words")
    row = _locked(finding, by, policies.may_read_back)
    row.read_back, row.read_back_by, row.read_back_at = words.strip(), by, timezone.now()
    row.save(update_fields=["read_back", "read_back_by", "read_back_at"])
    alert.settle(row.consultation, kinds={"critical", "critical_wrong", "critical_late"})
    audit.record(by=by, action="critical.read_back", thing=row, consultation=row.consultation)
    _tell(row, "critical_read", audience.answering(row.consultation), row.sent_back)
    moves.announce(row.consultation, kind="opinion", seq=row.version.number)
    return row


@transaction.atomic
def confirm(*, finding: CriticalFinding, by: User) -> CriticalFinding:
    """The specialist's side acknowledges: it was understood. Nobody is told again."""
    row = _locked(finding, by, policies.may_confirm)
    row.confirmed_by, row.confirmed_at = by, timezone.now()
    row.save(update_fields=["confirmed_by", "confirmed_at"])
    audit.record(by=by, action="critical.confirm", thing=row, consultation=row.consultation)
    moves.announce(row.consultation, kind="opinion", seq=row.version.number)
    return row


@transaction.atomic
def send_back(*, finding: CriticalFinding, by: User) -> CriticalFinding:
    """It was not understood: the asking side is told, and reads it again."""
    row = _locked(finding, by, policies.may_confirm)
    detail = {"read_back_by": row.read_back_by.get_username() if row.read_back_by else ""}
    row.read_back, row.read_back_by, row.read_back_at = "", None, None
    row.sent_back, row.told_at = row.sent_back + 1, timezone.now()
    row.save(update_fields=["read_back", "read_back_by", "read_back_at", "sent_back", "told_at"])
    audit.record(by=by, action="critical.send_back", thing=row, consultation=row.consultation, detail=detail)
    _tell(row, "critical_wrong", audience.askers(row.consultation), row.sent_back)
    moves.announce(row.consultation, kind="opinion", seq=row.version.number)
    return row


def _locked(finding: CriticalFinding, by: User, may: Callable[[User, CriticalFinding], bool]) -> CriticalFinding:
    """The row as it is now, until the transaction ends, if `by` may act on it. Raises Conflict, NotAllowed."""
    rows = CriticalFinding.objects.select_for_update(of=("self",)).select_related("version", "consultation")
    row = rows.get(pk=finding.pk)
    if may(by, row):
        return row
    if may(by, finding) or row.replaced or row.confirmed_at is not None:
        raise moves.too_late()
    raise NotAllowed("wrong_actor", _("This is not for you to do in this consultation."))


@outbox.every(timedelta(minutes=1), "critical_findings")
def remind() -> None:
    """Whoever has not read back is told again; after a quarter of an hour the schedulers are as well."""
    now = timezone.now()
    for row in CriticalFinding.objects.unread().filter(told_at__lte=now - AGAIN).select_related("consultation"):
        with transaction.atomic():
            if (
                not CriticalFinding.objects.unread()
                .filter(pk=row.pk, told=row.told)
                .update(told=F("told") + 1, told_at=now)
            ):
                continue  # read back, or told by another worker, a moment ago
            _tell(row, "critical", audience.askers(row.consultation), row.told + 1)
            if row.at <= now - TO_DESK:
                _tell(row, "critical_late", audience.schedulers(row.consultation))
