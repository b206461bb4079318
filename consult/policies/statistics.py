"""Whose consultations somebody may count: those they may see. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation
from consult.policies import person
from consult.policies.consultation import visible_consultations
from consult.policies.hospital import is_keeper
from consult.policies.person import Person


def may_count(user: Person) -> bool:
    """Everybody with a role counts their own; schedulers and regulators count what they look after."""
    return bool(person.roles(user))


def may_compare(user: Person) -> bool:
    """Whether tables by person are for this viewer: colleagues do not rank each other."""
    return is_keeper(user)


def counted(user: Person) -> QuerySet[Consultation]:
    """What was sent, of what this person may see."""
    return visible_consultations(user).filter(submitted_at__isnull=False)
