"""Publishing: what is planned becomes shifts, in one transaction. And how many have to be there."""

from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Cover, Department, Publication, Shift, User
from consult.policies import plan
from consult.policies import publication as policies
from consult.services import audit, notification


@transaction.atomic
def publish(*, by: User, department: Department, first: date, last: date, known: int, digest: str) -> Publication:
    """Exactly what a page showed: `known` is the publication it was made after, `digest` that of its differences.

    Conflict `published` when somebody published since, `plan_changed` when the plan is another by now; Refusal
    `booked` when a shift that would go has appointments.
    """
    if not plan.may_plan(by, department.pk):
        raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital publish its roster."))
    if not 0 <= (last - first).days < policies.LONGEST:
        raise Refusal("period", _("Choose a period of 62 days at most."), field="last")
    publication = _next(by, department, first, last, known)
    shown = policies.preview(department, first, last)
    if shown.diff.digest() != digest:
        raise Conflict("plan_changed", _("The plan changed meanwhile. Look at the differences again."))
    _apply(shown.diff)
    detail = {
        "first": first,
        "last": last,
        "added": [_said(row) for row in shown.diff.added],
        "removed": [_said(row) for row in shown.diff.removed],
        "changed": [[_said(row), _said(new)] for row, new in shown.diff.changed],
    }
    counts = {name: len(detail[name]) for name in ("added", "removed", "changed")}  # type: ignore[arg-type]
    Publication.objects.filter(pk=publication.pk).update(**counts)
    publication.refresh_from_db()
    audit.record(by=by, action="roster.publish", thing=publication, detail=detail)
    key = f"roster_published.{department.pk}.{publication.number}"
    notification.tell(people=shown.diff.people - {by.pk}, kind="roster_published", consultation=None, key=key)
    return publication


def _next(by: User, department: Department, first: date, last: date, known: int) -> Publication:
    """The number after `known` is there once: of two at once the second waits for the first, and is told."""
    told = Conflict("published", _("Somebody else published this roster meanwhile. Look at the differences again."))
    if Publication.objects.filter(department=department, number__gt=known).exists():
        raise told
    try:
        with transaction.atomic():
            return Publication.objects.create(
                department=department, number=known + 1, first=first, last=last, added=0, removed=0, changed=0, by=by
            )
    except IntegrityError:
        raise told from None


def _apply(found: policies.Diff) -> None:
    for shift in found.removed:
        try:
            with transaction.atomic():
                Shift.objects.filter(pk=shift.pk).delete()
        except ProtectedError:
            said = {"person": shift.role.person, "day": shift.starts_at.strftime("%Y-%m-%d")}
            words = _("%(person)s has appointments in the shift of %(day)s. Move them first, or keep the shift.")
            raise Refusal("booked", words % said) from None
    for shift, new in found.changed:
        Shift.objects.filter(pk=shift.pk).update(level=new.level, ends_at=new.ends_at)
    Shift.objects.bulk_create(
        Shift(role=row.role, level=row.level, starts_at=row.starts_at, ends_at=row.ends_at) for row in found.added
    )


def _said(row: Shift | plan.Planned) -> list[object]:
    return [row.role.pk, row.level, row.starts_at, row.ends_at]


@transaction.atomic
def want(*, by: User, department: Department, days: str, starts: int, ends: int, least: int) -> Cover:
    """So many have to be there in these hours; 0 to 24, the end not included."""
    if not plan.may_plan(by, department.pk):
        raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital plan its roster."))
    if not 0 <= starts < ends <= 24:
        raise Refusal("hours", _("The hours end after they start."), field="ends")
    cover = Cover.objects.create(department=department, days=days, starts=starts, ends=ends, least=least)
    audit.record(by=by, action="cover.want", thing=cover, detail=_wanted(cover))
    return cover


@transaction.atomic
def unwant(*, cover: Cover, by: User) -> None:
    if not plan.may_plan(by, cover.department_id):
        raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital plan its roster."))
    audit.record(by=by, action="cover.unwant", thing=cover, detail=_wanted(cover))
    if not Cover.objects.filter(pk=cover.pk).delete()[0]:
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))


def _wanted(cover: Cover) -> dict[str, object]:
    said = {"days": cover.days, "starts": cover.starts, "ends": cover.ends, "least": cover.least}
    return {"department": cover.department_id, **said}
