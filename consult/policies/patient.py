"""Whose records one may open."""

from django.db.models import Q, QuerySet

from consult.models import Patient, Role
from consult.policies import person
from consult.policies.consultation import visible_consultations
from consult.policies.person import Person


def visible_patients(user: Person) -> QuerySet[Patient]:
    """Patients of the hospitals where the person is a doctor, and those of consultations they see."""
    through = visible_consultations(user).filter(patient__isnull=False).values("patient_id")
    own = Q(hospital__in=person.hospitals_of(user, Role.Kind.DOCTOR))
    return Patient.objects.filter(own | Q(pk__in=through))


def may_enter(user: Person, hospital_id: int) -> bool:
    return hospital_id in person.hospitals_of(user, Role.Kind.DOCTOR)
