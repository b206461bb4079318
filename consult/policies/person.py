"""Who somebody is: active roles, departments, licence. Knows no consultation but the one a specialist is sought for."""

from datetime import date

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from consult.models import Agreement, Consultation, Licence, Role, User

Person = User | AnonymousUser


def roles(user: Person) -> list[Role]:
    """Active roles at active hospitals and departments, read once per user object; a socket re-reads its user."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return []
    known = user._active_roles
    if known is None:
        rows = Role.objects.filter(person_id=user.pk, active=True).select_related("hospital", "department")
        known = [
            role
            for role in rows
            if (role.hospital is None or role.hospital.active) and (role.department is None or role.department.active)
        ]
        user._active_roles = known
    return known


def roles_of(user: Person, kind: Role.Kind) -> list[Role]:
    return [role for role in roles(user) if role.kind == kind]


def is_doctor(user: Person) -> bool:
    return bool(roles_of(user, Role.Kind.DOCTOR))


def is_expert(user: Person) -> bool:
    return bool(roles_of(user, Role.Kind.EXPERT))


def is_scheduler(user: Person) -> bool:
    return bool(roles_of(user, Role.Kind.SCHEDULER))


def is_regulator(user: Person) -> bool:
    return bool(roles_of(user, Role.Kind.REGULATOR))


def departments_of(user: Person, kind: Role.Kind | None = None) -> set[int]:
    """Ids of the departments where the person has an active role (of `kind`, or doctor or specialist)."""
    kinds = {kind} if kind else {Role.Kind.DOCTOR, Role.Kind.EXPERT}
    return {role.department_id for role in roles(user) if role.kind in kinds and role.department_id}


def hospitals_of(user: Person, kind: Role.Kind) -> set[int]:
    return {role.hospital_id for role in roles(user) if role.kind == kind and role.hospital_id}


def licence_on(user: Person, day: date | None = None) -> Licence | None:
    """The licence valid on `day` (default: today in the site's zone), both ends included."""
    if not user.is_authenticated:
        return None
    day = day or timezone.localdate()
    return Licence.objects.filter(person_id=user.pk, valid_from__lte=day, valid_until__gte=day).first()


def agreed_hospitals(hospital_id: int, day: date | None = None) -> QuerySet[Agreement, int]:
    """Ids of superior hospitals that `hospital_id` may ask on `day` under an agreement that has not ended."""
    day = day or timezone.localdate()
    return Agreement.objects.filter(
        primary_id=hospital_id, valid_from__lte=day, valid_until__gte=day, ended_at=None, superior__active=True
    ).values_list("superior_id", flat=True)


def assignable_experts(user: Person, consultation: Consultation) -> QuerySet[Role]:
    """Specialist roles a scheduler may offer the request to: agreement and licence valid today; wanted specialty first.

    Rows are roles (`role.person`, `role.department`, `role.hospital`): one person may answer for two departments.
    """
    if not any(covers(role, consultation) for role in roles_of(user, Role.Kind.SCHEDULER)):
        return Role.objects.none()
    return expert_roles(consultation)


def practising(day: date) -> QuerySet[Role]:
    """Specialist roles that may answer on `day`: active, at an active department and hospital, with a valid licence."""
    licensed = Licence.objects.filter(valid_from__lte=day, valid_until__gte=day).values("person_id")
    return Role.objects.filter(
        kind=Role.Kind.EXPERT,
        active=True,
        person__is_active=True,
        department__active=True,
        hospital__active=True,
        person__in=licensed,
    )


def expert_roles(consultation: Consultation) -> QuerySet[Role]:
    """Specialist roles that may answer this request at all."""
    day = timezone.localdate()
    return (
        practising(day)
        .filter(hospital__in=agreed_hospitals(consultation.hospital_id, day))
        .select_related("person", "department", "hospital")
        .order_by("hospital__code", "department__name", "person__name_index", "pk")
    )


def covers(role: Role, consultation: Consultation) -> bool:
    """Whether a desk or oversight role reaches this consultation: the province's, or of a hospital that takes part."""
    return role.hospital_id is None or role.hospital_id in {consultation.hospital_id, consultation.asked_hospital_id}
