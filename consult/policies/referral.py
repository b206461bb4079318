"""Who sees a referral, from which side, and whose turn it is. Deny unless a line says yes."""

from typing import Literal

from django.db.models import Q, QuerySet
from django.utils import timezone

from consult.models import Agreement, Consultation, Department, Hospital, Patient, Referral, Role
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.patient import visible_patients
from consult.policies.person import Person
from consult.states import REFERABLE, REFERRAL_MOVES, REFERRAL_OPEN, Actor

Side = Literal["sending", "receiving", "desk", "oversight", ""]
CLINICAL = (Role.Kind.DOCTOR, Role.Kind.EXPERT)


def visible_referrals(user: Person) -> QuerySet[Referral]:
    """Of one's departments on either side; of one's hospitals for their desk; all for the province."""
    mine = person.departments_of(user)
    reach = Q(from_department__in=mine) | Q(to_department__in=mine)
    for role in person.roles(user):
        if role.kind in {Role.Kind.SCHEDULER, Role.Kind.REGULATOR}:
            if role.hospital_id is None:
                return Referral.objects.all()
            reach |= Q(from_hospital=role.hospital_id) | Q(to_hospital=role.hospital_id)
    return Referral.objects.filter(reach)


def side_of(user: Person, referral: Referral) -> Side:
    mine = person.departments_of(user)
    if referral.from_department_id in mine:
        return "sending"
    if referral.to_department_id in mine:
        return "receiving"
    kinds = {
        role.kind
        for role in person.roles(user)
        if role.hospital_id in {None, referral.from_hospital_id, referral.to_hospital_id}
    }
    if Role.Kind.SCHEDULER in kinds:
        return "desk"
    return "oversight" if Role.Kind.REGULATOR in kinds else ""


def moves(user: Person, referral: Referral) -> set[str]:
    """What this person may do now."""
    side = side_of(user, referral)
    return {name for name, move in REFERRAL_MOVES.items() if referral.state in move.sources and side == move.side}


def waits_for(user: Person) -> Q:
    """Whose turn it is: rows of `visible_referrals` on which this person's side acts next."""
    mine = person.departments_of(user)
    receiving = {state for move in REFERRAL_MOVES.values() if move.side == "receiving" for state in move.sources}
    sending = {
        state
        for name, move in REFERRAL_MOVES.items()
        if move.side == "sending" and name != "withdraw"
        for state in move.sources
    }
    return Q(to_department__in=mine, state__in=receiving) | Q(from_department__in=mine, state__in=sending)


def may_see_list(user: Person) -> bool:
    return bool(person.roles(user))


def sending_roles(user: Person) -> list[Role]:
    """Clinical roles under which somebody sends patients on."""
    return [role for kind in CLINICAL for role in person.roles_of(user, kind)]


def may_refer(user: Person, consultation: Consultation) -> bool:
    """From an answered consultation: the asking side sends up, none being under way."""
    if consultation.state not in REFERABLE or Actor.ASKER not in consultations.actors(user, consultation):
        return False
    return not Referral.objects.filter(consultation=consultation, state__in=REFERRAL_OPEN).exists()


def may_send_back(user: Person, referral: Referral) -> bool:
    """The receiver of a referral up sends the patient down again for rehabilitation."""
    return (
        referral.direction == Referral.Direction.UP
        and side_of(user, referral) == "receiving"
        and referral.state in {"ARRIVED", "DISCHARGED", "RECEIVED", "CLOSED"}
    )


def referable_patients(user: Person) -> QuerySet[Patient]:
    """Those one may read of, and those that were sent to one's departments."""
    came = Referral.objects.filter(to_department__in=person.departments_of(user)).values("patient")
    return Patient.objects.filter(Q(pk__in=visible_patients(user).values("pk")) | Q(pk__in=came))


def targets(hospital: Hospital) -> QuerySet[Department]:
    """Departments a hospital may send to today: of those on the other side of a valid agreement."""
    day = timezone.localdate()
    valid = Agreement.objects.filter(valid_from__lte=day, valid_until__gte=day, ended_at=None)
    if hospital.is_superior:
        others = set(valid.filter(superior=hospital).values_list("primary", flat=True))
    else:
        others = set(valid.filter(primary=hospital).values_list("superior", flat=True))
    rows = Department.objects.filter(hospital__in=others, active=True, hospital__active=True)
    return rows.select_related("hospital").order_by("hospital__code", "name")
