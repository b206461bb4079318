"""Who looks after hospitals, departments and agreements. Deny unless a line says yes."""

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from consult.models import Agreement, Consultation, Department, Hospital, Role
from consult.policies import person
from consult.policies.person import Person
from consult.states import OPEN


def is_province(user: Person) -> bool:
    """A scheduler of the province: founds hospitals, keeps agreements."""
    return any(role.hospital_id is None for role in person.roles_of(user, Role.Kind.SCHEDULER))


def kept_hospitals(user: Person) -> QuerySet[Hospital]:
    """Also inactive ones: of the province all, of a hospital's scheduler that hospital."""
    if is_province(user):
        return Hospital.objects.all()
    return Hospital.objects.filter(pk__in=person.hospitals_of(user, Role.Kind.SCHEDULER))


def kept_departments(user: Person) -> QuerySet[Department]:
    return Department.objects.filter(hospital__in=kept_hospitals(user)).select_related("hospital")


def kept_agreements(user: Person) -> QuerySet[Agreement]:
    rows = Agreement.objects.select_related("primary", "superior")
    if is_province(user):
        return rows
    own = kept_hospitals(user)
    return rows.filter(Q(primary__in=own) | Q(superior__in=own))


def valid() -> Q:
    """Agreements that count today."""
    today = timezone.localdate()
    return Q(valid_from__lte=today, valid_until__gte=today, ended_at=None)


def listed(user: Person, text: str) -> QuerySet[Hospital]:
    """Hospitals with what a line of the list shows, those that have all words of `text` in name, code or county."""
    own = {"primary": Q(primary=OuterRef("pk")), "superior": Q(superior=OuterRef("pk"))}
    rows = kept_hospitals(user).annotate(
        open_departments=Count("departments", filter=Q(departments__active=True), distinct=True),
        has_agreement=Exists(Agreement.objects.filter(valid()).filter(own["primary"] | own["superior"])),
    )
    for word in text.split():
        fields = ("name", "name_en", "code", "county")
        said = Q()
        for field in fields:
            said |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(said)
    return rows.order_by("tier", "code")


def open_here(hospital: Hospital) -> int:
    """Consultations that are not over and that this hospital asks or answers."""
    rows = Consultation.objects.filter(Q(hospital=hospital) | Q(asked_hospital=hospital), state__in=OPEN)
    return rows.filter(submitted_at__isnull=False).count()


def open_in(department: Department) -> int:
    rows = Consultation.objects.filter(Q(department=department) | Q(asked_department=department), state__in=OPEN)
    return rows.filter(submitted_at__isnull=False).count()
