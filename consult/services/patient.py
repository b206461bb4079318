"""Patients of a hospital: entered and corrected by its doctors."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed
from consult.models import Department, Patient, User
from consult.policies import patient as policies
from consult.services import audit, names, search

FIELDS = ("record_number", "name", "sex", "birth_date", "id_number", "phone")


@transaction.atomic
def enter(*, by: User, department: Department, fields: dict[str, Any]) -> Patient:
    """A new patient of the department's hospital; Conflict when the record number is taken."""
    if not policies.may_enter(by, department.hospital_id):
        raise NotAllowed("not_your_hospital", _("Patients are entered by the doctors of their own hospital."))
    patient = Patient(hospital_id=department.hospital_id, created_by=by, **_chosen(fields))
    patient.name_index = names.index(patient.name)
    _save(patient)
    return _audited(patient, by, "patient.enter", list(_chosen(fields)))


@transaction.atomic
def correct(*, patient: Patient, by: User, fields: dict[str, Any]) -> Patient:
    """Correct what was entered. The audit row names the fields, not their values."""
    if not policies.may_enter(by, patient.hospital_id):
        raise NotAllowed("not_your_hospital", _("Patients are corrected by the doctors of their own hospital."))
    chosen = _chosen(fields)
    changed = [name for name, value in chosen.items() if getattr(patient, name) != value]
    if not changed:
        return patient
    for name in changed:
        setattr(patient, name, chosen[name])
    patient.name_index = names.index(patient.name)
    _save(patient, [*changed, "name_index"])
    search.keep(patient.consultations.values_list("pk", flat=True))
    return _audited(patient, by, "patient.correct", changed)


def _chosen(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in FIELDS if name in fields}


def _save(patient: Patient, changed: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            patient.save(update_fields=changed)
    except IntegrityError:
        raise Conflict(
            "record_number_taken",
            _("Your hospital already has a patient with this record number. Search for it, or correct the number."),
            field="record_number",
        ) from None


def _audited(patient: Patient, by: User, action: str, changed: list[str]) -> Patient:
    audit.record(by=by, action=action, thing=patient, detail={"fields": sorted(changed)})
    return patient
