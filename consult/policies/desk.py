"""The triage desk and the overdue board: what stands there, in the order of the clocks, and what a request lacks."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import Consent, Consultation
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.consultation import AT_DESK
from consult.policies.person import Person
from consult.states import State

S = State
QUEUE = frozenset({S.SUBMITTED, S.TRIAGE, S.DECLINED, S.OFFERED, S.NEEDS_INFO})
SHORT = 20
"""Characters below which a text is hardly a summary."""


def may_run_desk(user: Person) -> bool:
    return person.is_scheduler(user)


def may_see_board(user: Person) -> bool:
    """Who looks after all that is late: schedulers, and the regulator."""
    return person.is_scheduler(user) or person.is_regulator(user)


def queue(user: Person) -> QuerySet[Consultation]:
    """What the desk has not got rid of yet, by clock; what stands comes last. With what a line and its checks show."""
    if not may_run_desk(user):
        return Consultation.objects.none()
    rows = consultations.visible_consultations(user).filter(~AT_DESK, state__in=QUEUE)
    given = Consent.objects.filter(consultation=OuterRef("pk"), withdraws=None, withdrawal=None)
    return (
        rows.annotate(has_consent=Exists(given), stands=Q(state=S.NEEDS_INFO))
        .select_related("patient", "hospital", "department", "asker", "asked_hospital", "asked_department", "expert")
        .prefetch_related("participants")
        .order_by("stands", F("due_at").asc(nulls_last=True), "pk")
    )


def checklist(consultation: Consultation) -> list[tuple[str | Promise, bool]]:
    """What a scheduler checks before asking a specialist, and whether it is there. For a row of `queue`."""
    texts = (
        (_("Record summary"), consultation.record_summary),
        (_("Tests"), consultation.tests),
        (_("Present diagnosis"), consultation.present_diagnosis),
    )
    checks: list[tuple[str | Promise, bool]] = [(_("Consent"), bool(getattr(consultation, "has_consent", False)))]
    checks += [(words, len(text) >= (SHORT if words == texts[0][0] else 2)) for words, text in texts]
    checks.append((_("Question"), len(consultation.question) >= 5))
    return checks


def board(user: Person) -> QuerySet[Consultation]:
    """All that is timed, the most overdue first; nothing of the patient is read."""
    if not may_see_board(user):
        return Consultation.objects.none()
    rows = consultations.visible_consultations(user).filter(due_at__isnull=False).exclude(state=S.NEEDS_INFO)
    return rows.select_related("hospital", "asked_department", "asked_hospital").order_by("due_at", "pk")
