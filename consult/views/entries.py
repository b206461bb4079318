"""One shift of the plan by its address: `r12-2026-11-30` is what rule 12 gives on that day, `c5` an extra one."""

import re
from dataclasses import dataclass
from datetime import date

from django.http import Http404

from consult.models import Change, Role, Rule
from consult.policies import plan as policies
from consult.policies import repeat
from consult.policies.person import Person

KEY = re.compile(r"r(\d{1,18})-(\d{4}-\d{2}-\d{2})|c(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Found:
    """A rule with its day, and the change that stands there; or an extra one."""

    rule: Rule | None
    day: date
    change: Change | None

    @property
    def extra(self) -> Change:
        if self.rule or self.change is None:
            raise Http404
        return self.change

    @property
    def role(self) -> Role | None:
        """Whose it is; None when it was taken off."""
        if self.change:
            return self.change.role
        return self.rule.role if self.rule else None

    @property
    def department_id(self) -> int | None:
        role = self.rule.role if self.rule else self.role
        return role.department_id if role else None


def found_entry(user: Person, key: str) -> Found:
    """Http404 for what this person does not plan, and for days on which the rule gives nothing."""
    said = KEY.fullmatch(key)
    if said is None:
        raise Http404
    if said[3]:
        change = policies.visible_changes(user).filter(pk=said[3], rule=None).first()
        if change is None or change.on is None:
            raise Http404
        return Found(None, change.on, change)
    rule = policies.visible_rules(user).filter(pk=said[1]).first()
    try:
        day = date.fromisoformat(said[2])
    except ValueError:
        raise Http404 from None
    if rule is None:
        raise Http404
    change = rule.changes.filter(day=day).select_related("role__person").first()
    if change is None and day not in repeat.days_of(rule, day, day):
        raise Http404
    return Found(rule, day, change)
