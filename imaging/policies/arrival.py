"""Who sees what a hospital's devices sent, and which consultations it may go to. Deny unless a line says yes."""

from django.db.models import Q, QuerySet

from consult.models import Consultation, Role, User
from consult.policies import consultation as consultations
from consult.policies import person
from consult.policies.person import Person
from consult.states import FINAL
from imaging.models import Arrival, Device

S = Arrival.State
OPEN = (S.RECEIVED, S.WAITING, S.REFUSED)


def visible_arrivals(user: Person) -> QuerySet[Arrival]:
    """What waits at the hospitals where this person is a doctor."""
    hospitals = person.hospitals_of(user, Role.Kind.DOCTOR)
    return Arrival.objects.filter(device__hospital__in=hospitals, state__in=OPEN).select_related("device__hospital")


def targets(user: User, hospital: int) -> list[Consultation]:
    """Consultations asked by `hospital` to which this person may add images from its devices, newest first."""
    rows = consultations.visible_consultations(user).filter(hospital=hospital).exclude(state__in=FINAL)
    rows = rows.select_related("patient", "hospital").prefetch_related("participants").order_by("-pk")
    return [row for row in rows if may_place(user, row, hospital)]


def may_place(user: User, consultation: Consultation, hospital: int) -> bool:
    """Images of a hospital's devices go only to what it asks itself, by its own doctors."""
    asking = consultations.side_of(user, consultation) == "asking"
    return consultation.hospital_id == hospital and asking and consultations.may_add_images(user, consultation)


def named(hospital: int, *, accession: str, patient_id: str) -> QuerySet[Consultation]:
    """Open consultations asked by `hospital` whose number is the accession number, or whose patient has this id."""
    said = Q(pk__in=[])
    if accession:
        said |= Q(number=accession)
    if patient_id:
        said |= Q(patient__record_number=patient_id) | Q(patient__id_number=patient_id)
    rows = Consultation.objects.filter(said, hospital=hospital, patient__isnull=False).exclude(state__in=FINAL)
    return rows.select_related("patient", "asker").prefetch_related("participants")


def known(address: str, ae_title: str = "") -> Device | None:
    """The active device of this address, and of this calling AE title when one is given; None for strangers."""
    rows = Device.objects.filter(address=address, active=True, hospital__active=True).select_related("hospital")
    return (rows.filter(ae_title=ae_title) if ae_title else rows).first()
