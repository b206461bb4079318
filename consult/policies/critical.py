"""Who sees a critical finding, who reads it back and who says that it was understood. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, CriticalFinding
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person
from consult.states import Actor


def visible_findings(user: Person, consultation: Consultation) -> QuerySet[CriticalFinding]:
    """Those of a consultation, for everyone who sees it: they are part of what was signed."""
    if not consultations.side_of(user, consultation):
        return CriticalFinding.objects.none()
    rows = CriticalFinding.objects.filter(consultation=consultation)
    return rows.select_related("version", "read_back_by", "confirmed_by")


def open_findings(user: Person) -> QuerySet[CriticalFinding]:
    """All that this person should see to: unread ones of the asking side and the desk, read ones of the specialist."""
    seen = consultations.visible_consultations(user)
    rows = CriticalFinding.objects.open().filter(consultation__in=seen).select_related("consultation")
    return rows if not person.is_regulator(user) else rows.none()


def may_read_back(user: Person, finding: CriticalFinding) -> bool:
    """The asking doctor, or a colleague of the department."""
    waits = finding.confirmed_at is None and finding.read_back_at is None and not finding.replaced
    return waits and Actor.ASKER in consultations.actors(user, finding.consultation)


def may_confirm(user: Person, finding: CriticalFinding) -> bool:
    """Who answers: that the read-back is right, or that it is not."""
    waits = finding.confirmed_at is None and finding.read_back_at is not None and not finding.replaced
    return waits and consultations.side_of(user, finding.consultation) == "answering"
