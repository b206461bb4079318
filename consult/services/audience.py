"""Which people a consultation's news concern. Reads rows only; what each may see is still asked of the policies."""

from django.db.models import Q

from consult.models import Consultation, Hospital, Participant, Role
from consult.policies.consultation import OPEN_TO_DEPARTMENT
from consult.states import MemberState


def _active(*conditions: Q, **fields: object) -> set[int]:
    rows = Role.objects.filter(*conditions, active=True, person__is_active=True, **fields)
    return set(rows.values_list("person_id", flat=True))


def askers(consultation: Consultation) -> set[int]:
    """The asking doctor and the colleagues of the department who act for them."""
    return {consultation.asker_id} | _active(kind=Role.Kind.DOCTOR, department=consultation.department_id)


def schedulers(consultation: Consultation) -> set[int]:
    """The province's desk and those of the hospitals that take part."""
    here = Q(hospital=None) | Q(hospital__in=[consultation.hospital_id, consultation.asked_hospital_id or 0])
    return _active(here, kind=Role.Kind.SCHEDULER)


def desk_of(hospital: Hospital) -> set[int]:
    """The province's desk and the hospital's own."""
    return _active(Q(hospital=None) | Q(hospital=hospital), kind=Role.Kind.SCHEDULER)


def department(consultation: Consultation) -> set[int]:
    """Specialists of the asked department."""
    if not consultation.asked_department_id:
        return set()
    return _active(kind=Role.Kind.EXPERT, department=consultation.asked_department_id)


def answering(consultation: Consultation) -> set[int]:
    """The specialist it is offered to or who accepted, and everyone else still answering; not who is only invited."""
    rows = Participant.objects.filter(consultation=consultation, side=Participant.Side.ANSWERING, ended_at=None)
    people = set(rows.exclude(standing=MemberState.INVITED).values_list("person_id", flat=True))
    return people | ({consultation.expert_id} if consultation.expert_id else set())


def team(consultation: Consultation) -> set[int]:
    """Who has joined as a member, and who is invited to."""
    rows = Participant.objects.filter(consultation=consultation, side=Participant.Side.ANSWERING, ended_at=None)
    return set(rows.exclude(standing="").values_list("person_id", flat=True))


def onlookers(consultation: Consultation) -> set[int]:
    """Everyone whose lists show it."""
    if consultation.submitted_at is None:
        return {consultation.asker_id}
    people = askers(consultation) | schedulers(consultation) | answering(consultation) | team(consultation)
    if consultation.state in OPEN_TO_DEPARTMENT:
        people |= department(consultation)
    return people
