"""After the decision: who rates, sees ratings, follows up, records the outcome. Deny unless a line says yes."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from consult.models import Consultation, Decision, Outcome, Rating
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person
from consult.states import AFTERCARE, Actor, State

BLIND = timedelta(days=14)
"""How long a side does not see what the other one thinks, unless it has said what it thinks itself."""


def rating_side(user: Person, consultation: Consultation) -> str:
    """For which side this person rates: the asking one, or who answered; "" for others."""
    who = consultations.actors(user, consultation)
    if Actor.ASKER in who:
        return Rating.Side.ASKING
    return Rating.Side.ANSWERING if _answered(user, consultation) else ""


def _answered(user: Person, consultation: Consultation) -> bool:
    return consultation.expert_id == user.pk and consultations.side_of(user, consultation) == "answering"


def may_rate(user: Person, consultation: Consultation) -> bool:
    side = rating_side(user, consultation)
    if consultation.state not in AFTERCARE or not side:
        return False
    return not Rating.objects.filter(consultation=consultation, side=side).exists()


def visible_ratings(user: Person, consultation: Consultation) -> QuerySet[Rating]:
    """One's own side's; the other's once both have rated or two weeks after the decision; the desk sees both."""
    side = consultations.side_of(user, consultation)
    rows = Rating.objects.filter(consultation=consultation).select_related("by")
    if side in {"desk", "oversight"}:
        return rows
    if side not in {"asking", "answering"}:
        return rows.none()
    if rows.count() == len(Rating.Side) or _is_open(consultation):
        return rows
    return rows.filter(side=side)


def _is_open(consultation: Consultation) -> bool:
    decided = Decision.objects.filter(consultation=consultation).order_by("-pk").first()
    return decided is not None and decided.at <= timezone.now() - BLIND


def may_see(user: Person, consultation: Consultation) -> bool:
    """Both sides, the desk and the regulator; who only receives the patient has no use for it."""
    return consultation.state in AFTERCARE and consultations.side_of(user, consultation) not in {"", "receiving"}


def may_follow_up(user: Person, consultation: Consultation) -> bool:
    """The asking side plans and enters, until it is closed."""
    open_ = consultation.state in {State.ACKNOWLEDGED, State.FOLLOW_UP}
    return open_ and Actor.ASKER in consultations.actors(user, consultation)


def may_record_outcome(user: Person, consultation: Consultation) -> bool:
    """The asking side, once, also after it is closed: some outcomes come late."""
    if consultation.state not in AFTERCARE or Actor.ASKER not in consultations.actors(user, consultation):
        return False
    return not Outcome.objects.filter(consultation=consultation).exists()


def may_ask_again(user: Person, consultation: Consultation) -> bool:
    """The asking side asks the same specialist about the same patient, once the first matter is closed."""
    ended = consultation.state in {State.CLOSED, State.REFERRED} and consultation.expert_id is not None
    mine = consultation.department_id in person.departments_of(user)
    return ended and mine and Actor.ASKER in consultations.actors(user, consultation)
