"""The calendar of public holidays, kept by the province's schedulers."""

from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Holiday, User
from consult.policies import holiday as policies
from consult.services import audit

MOST = 31
"""Days entered at once."""


@transaction.atomic
def enter(*, by: User, first: date, last: date, kind: str, name: str, name_en: str = "") -> list[Holiday]:
    """Each day from `first` to `last` is free, or worked. Conflict when one of them is in the table already."""
    _check(by)
    days = (last - first).days + 1
    if not 1 <= days <= MOST:
        raise Refusal("days", _("Enter one day, or up to 31 in order."), field="last")
    new = [Holiday(day=first + timedelta(days=n), kind=kind, name=name, name_en=name_en or name) for n in range(days)]
    try:
        with transaction.atomic():
            for row in new:
                row.save()
    except IntegrityError:
        raise Conflict("day_taken", _("One of these days is in the calendar already. Remove it first.")) from None
    detail = {"kind": kind, "name": name}
    audit.record_all(by=by, action="holiday.enter", things=[(row, {"day": row.day, **detail}) for row in new])
    transaction.on_commit(policies.forget)
    return new


@transaction.atomic
def remove(*, by: User, holiday: Holiday) -> None:
    """The day follows its weekday again."""
    _check(by)
    if not Holiday.objects.filter(pk=holiday.pk).delete()[0]:
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))
    audit.record(by=by, action="holiday.remove", thing=holiday, detail={"day": holiday.day, "kind": holiday.kind})
    transaction.on_commit(policies.forget)


def _check(by: User) -> None:
    if not policies.may_keep(by):
        raise NotAllowed("not_desk", _("The calendar is kept by the schedulers of the province."))
