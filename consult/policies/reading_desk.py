"""Reading desks: which may read a request, who runs them, who writes their templates. Deny unless a line says yes."""

from django.db.models import QuerySet

from consult.models import Consultation, Department, ReportTemplate, Role
from consult.policies import person
from consult.policies.person import Person


def desks_for(consultation: Consultation) -> QuerySet[Department]:
    """Departments with a desk and somebody who may answer this request."""
    able = person.expert_roles(consultation).order_by().values("department_id")
    return Department.objects.filter(reads=True, active=True, pk__in=able).select_related("hospital")


def is_reader(user: Person) -> bool:
    """Whether this person reads at a desk."""
    return any(role.department and role.department.reads for role in person.roles_of(user, Role.Kind.EXPERT))


def runnable_departments(user: Person) -> QuerySet[Department]:
    """Departments whose desks this scheduler opens and closes: of their hospital, or of all for the province's."""
    roles = person.roles_of(user, Role.Kind.SCHEDULER)
    rows = Department.objects.filter(active=True, hospital__active=True, hospital__tier="provincial")
    if not any(role.hospital_id is None for role in roles):
        rows = rows.filter(hospital__in=[role.hospital_id for role in roles])
    return rows.select_related("hospital").order_by("hospital__code", "name")


def may_run(user: Person, department: Department) -> bool:
    return runnable_departments(user).filter(pk=department.pk).exists()


def visible_templates(user: Person) -> QuerySet[ReportTemplate]:
    """Of the departments this person answers for."""
    own = person.departments_of(user, Role.Kind.EXPERT)
    return ReportTemplate.objects.filter(department__in=own).select_related("department__hospital", "changed_by")


def may_write_templates(user: Person, department: Department) -> bool:
    return department.pk in person.departments_of(user, Role.Kind.EXPERT)
