"""Hospitals, departments, agreements: made, changed, closed. Nothing that others refer to is ever deleted."""

from datetime import date
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Agreement, Department, Hospital, User
from consult.policies import administration as policies
from consult.services import audit, outbox

Row = TypeVar("Row", Hospital, Department)
HOSPITAL = ("name", "name_en", "tier", "county")
DEPARTMENT = ("name", "name_en", "specialty", "reads")
NAMES = {"name", "name_en"}


def _check(may: bool) -> None:
    if not may:
        raise NotAllowed("not_keeper", _("Only its schedulers may change this."))


def _new(row: models.Model, code: str, words: str, field: str) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refusal(code, words, field=field) from None


@transaction.atomic
def add_hospital(*, by: User, code: str, **fields: Any) -> Hospital:
    _check(policies.is_province(by))
    hospital = Hospital(code=code, **fields)
    _new(hospital, "code_taken", _("There is a hospital with this code already."), "code")
    audit.record(by=by, action="hospital.add", thing=hospital, detail={"code": code, **fields})
    return hospital


@transaction.atomic
def add_department(*, by: User, hospital: Hospital, **fields: Any) -> Department:
    _check(policies.kept_hospitals(by).filter(pk=hospital.pk).exists())
    department = Department(hospital=hospital, **fields)
    _new(department, "name_taken", _("This hospital has a department of this name already."), "name")
    audit.record(by=by, action="department.add", thing=department, detail={"hospital": hospital.code, **fields})
    return department


def set_hospital(*, by: User, hospital: Hospital, **fields: Any) -> None:
    """`hospital` is as the person saw it; Conflict when it is another by now. What is found by its names follows."""
    _check(policies.kept_hospitals(by).filter(pk=hospital.pk).exists())
    if fields.get("tier", hospital.tier) != hospital.tier:
        _check(policies.is_province(by))
    _set(by, hospital, HOSPITAL, fields, "hospital.set")


def set_department(*, by: User, department: Department, **fields: Any) -> None:
    _check(policies.kept_departments(by).filter(pk=department.pk).exists())
    _set(by, department, DEPARTMENT, fields, "department.set")


@transaction.atomic
def _set(by: User, row: Row, names: tuple[str, ...], fields: dict[str, Any], action: str) -> None:
    was = {name: getattr(row, name) for name in names}
    changed = {name: value for name, value in fields.items() if name in was and was[name] != value}
    if not changed:
        return
    try:
        with transaction.atomic():
            found = type(row).objects.filter(pk=row.pk, **was).update(**changed)
    except IntegrityError:
        words = _("This hospital has a department of this name already.")
        raise Refusal("name_taken", words, field="name") from None
    if not found:
        raise Conflict("too_late", _("Somebody changed this meanwhile. Look at the newest state and do it again."))
    row.refresh_from_db()
    audit.record(by=by, action=action, thing=row, detail={"was": {name: was[name] for name in changed}, "is": changed})
    if isinstance(row, Hospital) and NAMES & changed.keys():
        outbox.later(kind="search.hospital", payload={"hospital": row.pk, "after": 0}, key=f"hospital.{row.pk}")


def switch_hospital(*, by: User, hospital: Hospital, active: bool) -> None:
    """Closed: nobody there is asked, asks or signs any more; what is open stays readable to the others."""
    _check(policies.is_province(by))
    _switch(by, hospital, active, "hospital")


def switch_department(*, by: User, department: Department, active: bool) -> None:
    _check(policies.kept_departments(by).filter(pk=department.pk).exists())
    _switch(by, department, active, "department")


@transaction.atomic
def _switch(by: User, row: Row, active: bool, kind: str) -> None:
    if not type(row).objects.filter(pk=row.pk, active=not active).update(active=active):
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))
    row.refresh_from_db()
    audit.record(by=by, action=f"{kind}.{'open' if active else 'close'}", thing=row)


@transaction.atomic
def agree(
    *, by: User, primary: Hospital, superior: Hospital, number: str, valid_from: date, valid_until: date
) -> Agreement:
    """From its first day to its last, both included, the primary hospital may ask the superior one."""
    _check(policies.is_province(by))
    if primary.is_superior or not superior.is_superior:
        raise Refusal("tiers", _("A primary hospital asks, a provincial one answers."), field="superior")
    if valid_until < valid_from:
        raise Refusal("days_order", _("The last day is before the first."), field="valid_until")
    agreement = Agreement(
        primary=primary, superior=superior, number=number, valid_from=valid_from, valid_until=valid_until
    )
    _new(agreement, "number_taken", _("There is an agreement with this number already."), "number")
    detail = {"primary": primary.code, "superior": superior.code, "number": number}
    audit.record(
        by=by, action="agreement.add", thing=agreement, detail={**detail, "from": valid_from, "until": valid_until}
    )
    return agreement


@transaction.atomic
def end_agreement(*, by: User, agreement: Agreement, reason: str) -> None:
    """From now on nothing new is asked under it; what was asked goes on."""
    _check(policies.is_province(by))
    if not reason.strip():
        raise Refusal("reason_missing", _("Say why the agreement ends."), field="reason")
    if not Agreement.objects.filter(pk=agreement.pk, ended_at=None).update(ended_at=timezone.now()):
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))
    agreement.refresh_from_db()
    audit.record(by=by, action="agreement.end", thing=agreement, detail={"reason": reason.strip()})
