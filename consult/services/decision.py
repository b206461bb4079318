"""What the asking side does with a signed opinion."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from consult.errors import Refusal
from consult.models import Consultation, Decision, OpinionVersion, User
from consult.services import audience, audit, diagnosis, moves, notification, opinion


@transaction.atomic
def record(
    *,
    version: OpinionVersion,
    by: User,
    verdict: str,
    reason: str,
    final_diagnosis: str,
    final_codes: Iterable[str] = (),
) -> Decision:
    """Adopt, adopt partly or not adopt the newest version; Conflict when it is not the newest or already decided."""
    consultation = Consultation.objects.get(pk=version.opinion.consultation_id)
    row = moves.lock(consultation)
    moves.check(consultation=row, name="decide", by=by)
    newest = opinion.newest(row)
    if newest is None or newest.pk != version.pk:
        raise moves.too_late()
    if verdict not in Decision.Verdict.values:
        raise Refusal("unknown_verdict", _("Choose one of the decisions."), field="verdict")
    if verdict != Decision.Verdict.ADOPTED and not reason.strip():
        raise Refusal("reason_missing", _("Say why the opinion is not adopted as it is."), field="reason")
    if not final_diagnosis.strip():
        raise Refusal("diagnosis_missing", _("Write the final diagnosis."), field="final_diagnosis")
    decision = Decision.objects.create(
        version=version,
        consultation=row,
        verdict=verdict,
        reason=reason.strip(),
        final_diagnosis=final_diagnosis.strip(),
        final_codes=diagnosis.codes(final_codes),
        by=by,
    )
    moves.make(consultation=consultation, name="decide", by=by, detail={"verdict": verdict, "version": version.number})
    audit.record(by=by, action="decision.record", thing=decision, consultation=consultation)
    people = audience.answering(consultation) | audience.schedulers(consultation)
    key = f"decided.{consultation.pk}.{decision.pk}"
    notification.tell(people=people - {by.pk}, kind="decided", consultation=consultation, key=key)
    moves.announce(consultation)
    return decision
