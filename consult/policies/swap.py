"""Swaps of shifts: who sees them, whose move it is, and what speaks against one. Changes nothing."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import Role, Shift, Swap
from consult.policies import person, plan
from consult.policies.person import Person
from consult.policies.plan import Planned
from consult.states import SWAP_MOVES, SwapState

OPEN = frozenset({SwapState.ASKED, SwapState.ACCEPTED})
AHEAD = timedelta(days=62)
"""How far ahead shifts are offered in return."""


def own_shifts(user: Person) -> QuerySet[Shift]:
    """One's published shifts."""
    rows = Shift.objects.filter(role__person_id=user.pk, role__active=True) if user.pk else Shift.objects.none()
    return rows.select_related("role__person", "role__department__hospital", "role__hospital")


def visible_swaps(user: Person) -> QuerySet[Swap]:
    """One's own, and for schedulers those of their departments."""
    if not user.is_authenticated:
        return Swap.objects.none()
    own = Q(giver__person=user.pk) | Q(taker__person=user.pk)
    if person.is_scheduler(user):
        own |= Q(giver__department__in=plan.plannable_departments(user).values("pk"))
    rows = Swap.objects.filter(own)
    return rows.select_related(
        "giver__person",
        "giver__department__hospital",
        "giver__hospital",
        "taker__person",
        "taker__department__hospital",
        "taker__hospital",
        "shift",
        "back",
        "decided_by",
    )


def actors(user: Person, swap: Swap) -> set[str]:
    found = set()
    if user.pk == swap.giver.person_id:
        found.add("giver")
    if user.pk == swap.taker.person_id:
        found.add("taker")
    own = [role.hospital_id for role in person.roles_of(user, Role.Kind.SCHEDULER)]
    if None in own or swap.giver.hospital_id in own:
        found.add("scheduler")
    return found


def moves(user: Person, swap: Swap) -> list[str]:
    """What this person may do with it as it stands, in the order of the table."""
    mine = actors(user, swap)
    return [name for name, (sources, _target, actor) in SWAP_MOVES.items() if swap.state in sources and actor in mine]


def partners(shift: Shift) -> QuerySet[Role]:
    """Colleagues of the department who may answer at all that day."""
    able = person.practising(timezone.localdate(shift.starts_at))
    rows = able.filter(department=shift.role.department_id).exclude(person=shift.role.person_id)
    return rows.select_related("person", "department__hospital", "hospital").order_by("person__name_index", "pk")


def returns(shift: Shift) -> QuerySet[Shift]:
    """Shifts of colleagues that could be taken in return."""
    now = timezone.now()
    rows = Shift.objects.filter(role__in=partners(shift), starts_at__gt=now, starts_at__lt=now + AHEAD)
    return rows.select_related("role__person", "role__department", "role__hospital")


def against(shift: Shift, giver: Role, taker: Role, back: Shift | None) -> str | Promise:
    """Why these two may not swap: begun, leave, licence, another shift at that time; empty when they may."""
    now = timezone.now()
    if shift.starts_at <= now or (back and back.starts_at <= now):
        return _("The shift has begun.")
    pairs = [(shift, taker)] + ([(back, giver)] if back else [])
    gone = [row.pk for row in (shift, back) if row]
    for row, who in pairs:
        [planned] = plan.blocked([Planned(who, row.level, row.starts_at, row.ends_at)])
        said = {"person": who.person, "why": planned.why, "day": timezone.localdate(row.starts_at)}
        if planned.blocked:
            return _("%(person)s cannot take the shift of %(day)s: %(why)s.") % said
        same = Shift.objects.filter(
            role__person=who.person_id, starts_at__lt=row.ends_at, ends_at__gt=row.starts_at
        ).exclude(pk__in=gone)
        if same.exists():
            return _("%(person)s has another shift at the time of that of %(day)s.") % said
    return ""
