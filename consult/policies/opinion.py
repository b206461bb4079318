"""Who sees signed versions, who sees the draft, who writes and signs."""

from django.db.models import QuerySet

from consult.models import Consultation, Opinion, OpinionVersion
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person
from consult.states import ANSWERED, ANSWERING, FINAL, Actor

AMENDABLE = ANSWERED - FINAL


def visible_versions(user: Person, consultation: Consultation) -> QuerySet[OpinionVersion]:
    """Signed versions only, for everyone who sees the consultation; drafts are never here."""
    if not consultations.side_of(user, consultation):
        return OpinionVersion.objects.none()
    return OpinionVersion.objects.filter(opinion__consultation_id=consultation.pk).select_related("opinion")


def may_see_draft(user: Person, consultation: Consultation) -> bool:
    """The answering side once it has accepted; never the asking side, the desk or the regulator."""
    return consultation.state in ANSWERING | AMENDABLE and consultations.side_of(user, consultation) == "answering"


def may_write(user: Person, consultation: Consultation) -> bool:
    """The accepting specialist: until it is signed, and again while an amendment is open."""
    if Actor.EXPERT not in consultations.actors(user, consultation):
        return False
    return consultation.state in ANSWERING or (consultation.state in AMENDABLE and _amending(user, consultation))


def may_sign(user: Person, consultation: Consultation) -> bool:
    return may_write(user, consultation) and person.licence_on(user) is not None


def may_amend(user: Person, consultation: Consultation) -> bool:
    """Whether an amendment may be opened: by the signing specialist, until the consultation is closed."""
    return consultation.state in AMENDABLE and Actor.EXPERT in consultations.actors(user, consultation)


def _amending(user: Person, consultation: Consultation) -> bool:
    return (
        Opinion.objects.filter(consultation_id=consultation.pk, author_id=user.pk).exclude(amendment_reason="").exists()
    )
