"""The plan of a roster: rules, single changes, leave. Nobody is on duty by it before it is published."""

from datetime import date, time, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Change, Leave, Role, Rule, User
from consult.policies import plan as policies
from consult.services import audit

FIELDS = ("role", "level", "rrule", "first", "last", "starts", "minutes", "holidays")
SHAPE = ("role", "level", "starts", "minutes")
"""What one occurrence may differ in from its rule, beside its day."""


def too_late() -> Conflict:
    words = _("Somebody changed this meanwhile. Look at the newest state and do it again.")
    return Conflict("too_late", words)


def _check(by: User, *roles: Role | None) -> None:
    for role in roles:
        if role and not (role.department_id and policies.may_plan(by, role.department_id)):
            raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital plan its roster."))


def _said(thing: models.Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(thing, f"{name}_id" if name == "role" else name) for name in names}


@transaction.atomic
def add_rule(*, by: User, fields: dict[str, Any]) -> Rule:
    """`fields` are those of FIELDS."""
    rule = Rule(**fields)
    _check(by, rule.role)
    rule.save()
    audit.record(by=by, action="rule.add", thing=rule, detail=_said(rule, FIELDS))
    return rule


@transaction.atomic
def set_rule(*, rule: Rule, by: User, fields: dict[str, Any], known: int) -> Rule:
    """Edit all of it. Conflict when it changed since revision `known`. Shifts that have begun stay as they were."""
    _check(by, rule.role, fields.get("role"))
    was = _said(rule, FIELDS)
    rows = Rule.objects.filter(pk=rule.pk, revision=known)
    if not rows.update(**fields, revision=F("revision") + 1):
        raise too_late()
    rule.refresh_from_db()
    audit.record(by=by, action="rule.set", thing=rule, detail={"was": was, "is": _said(rule, FIELDS)})
    return rule


@transaction.atomic
def set_following(*, rule: Rule, by: User, day: date, fields: dict[str, Any], known: int) -> Rule:
    """Edit what it gives from `day` on, which is one of its own days, so that its turns are counted on from there: it
    ends the day before, and another goes on in its place. Answers that one."""
    if day <= rule.first:
        return set_rule(rule=rule, by=by, fields=fields, known=known)
    said = {name: getattr(rule, name) for name in FIELDS} | {"first": day} | fields
    end(rule=rule, by=by, day=day, known=known)
    return add_rule(by=by, fields=said)


@transaction.atomic
def end(*, rule: Rule, by: User, day: date | None, known: int) -> None:
    """It gives nothing from `day` on; without a day it never did. Its single changes from then on go with it."""
    _check(by, rule.role)
    rows = Rule.objects.filter(pk=rule.pk, revision=known)
    if day is None or day <= rule.first:
        audit.record(by=by, action="rule.remove", thing=rule, detail=_said(rule, FIELDS))
        if not rows.delete()[0]:
            raise too_late()
        return
    if not rows.update(last=day - timedelta(days=1), revision=F("revision") + 1):
        raise too_late()
    rule.changes.filter(day__gte=day).delete()
    rule.refresh_from_db()
    audit.record(by=by, action="rule.end", thing=rule, detail={"last": rule.last})


@transaction.atomic
def replace(
    *, rule: Rule, day: date, by: User, role: Role | None, on: date | None = None, known: int = 0, **shape: Any
) -> Change:
    """This one only: what the rule gives on `day` is `role`'s, `on` another day or other times; no role: it is off.

    `known` is the revision of the change that stands there already, 0 when there is none.
    """
    _check(by, rule.role, role)
    whole = {"level": rule.level, "starts": rule.starts, "minutes": rule.minutes, **shape, "on": on or day}
    values = {"role": role, **whole} if role else {"role": None, "on": None, "starts": None, "minutes": None}
    if known:
        rows = Change.objects.filter(rule=rule, day=day, revision=known)
        if not rows.update(**values, revision=F("revision") + 1):
            raise too_late()
        change = Change.objects.get(rule=rule, day=day)
    else:
        try:
            with transaction.atomic():
                change = Change.objects.create(rule=rule, day=day, **values)
        except IntegrityError:
            raise too_late() from None
    _note(by, "change.set", change)
    return change


@transaction.atomic
def add(*, by: User, role: Role, on: date, level: str, starts: time, minutes: int) -> Change:
    """A shift of no rule."""
    _check(by, role)
    change = Change.objects.create(role=role, on=on, level=level, starts=starts, minutes=minutes)
    _note(by, "change.add", change)
    return change


@transaction.atomic
def set_extra(*, change: Change, by: User, known: int, **fields: Any) -> Change:
    """Other times, another day or person for an extra shift."""
    _check(by, change.role, fields.get("role"))
    rows = Change.objects.filter(pk=change.pk, rule=None, revision=known)
    if not rows.update(**fields, revision=F("revision") + 1):
        raise too_late()
    change.refresh_from_db()
    _note(by, "change.set", change)
    return change


@transaction.atomic
def undo(*, change: Change, by: User, known: int) -> None:
    """An extra shift goes; of a rule, the rule counts again on that day."""
    _check(by, change.role, change.rule.role if change.rule else None)
    _note(by, "change.undo", change)
    if not Change.objects.filter(pk=change.pk, revision=known).delete()[0]:
        raise too_late()


def _note(by: User, action: str, change: Change) -> None:
    said = {"rule": change.rule_id, "day": change.day, "on": change.on, **_said(change, SHAPE)}
    audit.record(by=by, action=action, thing=change, detail=said)


@transaction.atomic
def give_leave(*, by: User, role: Role, first: date, last: date, reason: str) -> Leave:
    """Whatever the person has in these days is not published; what is published is shown as to be removed."""
    _check(by, role)
    if last < first:
        raise Refusal("days_order", _("The last day is before the first."), field="last")
    leave = Leave.objects.create(person=role.person, first=first, last=last, reason=reason, by=by)
    audit.record(
        by=by, action="leave.give", thing=leave, detail={"person": role.person_id, "first": first, "last": last}
    )
    return leave


@transaction.atomic
def cancel_leave(*, leave: Leave, by: User, at: Any) -> None:
    if not policies.visible_leaves(by).filter(pk=leave.pk).exists():
        raise NotAllowed("not_scheduler", _("Only the schedulers of a hospital plan its roster."))
    if not Leave.objects.filter(pk=leave.pk, cancelled_at=None).update(cancelled_at=at):
        raise too_late()
    audit.record(by=by, action="leave.cancel", thing=leave, detail={"person": leave.person_id})
