"""Who looks after which hospital. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Hospital, Role
from consult.policies import person
from consult.policies.person import Person

KEEPERS = frozenset({Role.Kind.SCHEDULER, Role.Kind.REGULATOR})


def sealing_hospitals(user: Person) -> QuerySet[Hospital]:
    """Superior hospitals whose certificates this scheduler or regulator sees: of their hospital, or of the province."""
    rows = Hospital.objects.filter(active=True, tier=Hospital.Tier.PROVINCIAL)
    roles = [role for role in person.roles(user) if role.kind in KEEPERS]
    if any(role.hospital_id is None for role in roles):
        return rows
    return rows.filter(pk__in=[role.hospital_id for role in roles])


def is_keeper(user: Person) -> bool:
    return any(role.kind in KEEPERS for role in person.roles(user))
