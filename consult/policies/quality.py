"""Who reads how good a call was, and who may write it. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import CallQuality, Consultation
from consult.policies import consultation as consultations
from consult.policies.person import Person


def may_see_quality(user: Person, consultation: Consultation) -> bool:
    """The desk and the regulator: it is about the service, not about the patient."""
    return consultations.side_of(user, consultation) in {"desk", "oversight"}


def visible_qualities(user: Person, consultation: Consultation) -> QuerySet[CallQuality]:
    if not may_see_quality(user, consultation):
        return CallQuality.objects.none()
    return CallQuality.objects.filter(consultation=consultation).select_related("person")


def may_note_quality(user: Person, consultation: Consultation) -> bool:
    """Of one's own page: who takes part. The last words come after the call, so a withdrawn consent does not matter."""
    return consultations.side_of(user, consultation) in {"asking", "answering"}
