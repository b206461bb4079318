"""Swapping shifts: asked by one specialist, accepted by the other, approved by a scheduler."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Change, Role, Rule, Shift, Swap, User
from consult.policies import plan as plans
from consult.policies import swap as policies
from consult.services import audit, notification, plan
from consult.states import SWAP_MOVES


@transaction.atomic
def ask(*, by: User, shift: Shift, taker: Role, back: Shift | None = None, reason: str = "") -> Swap:
    """`by` gives `shift` to `taker`, for `back` of theirs or for nothing. Refusal when it could not be approved."""
    giver = shift.role
    if giver.person_id != by.pk:
        raise NotAllowed("not_yours", _("Only who has the shift asks for a swap."))
    if taker.department_id != giver.department_id or taker.person_id == by.pk or (back and back.role_id != taker.pk):
        raise Refusal("no_partner", _("Choose a colleague of the department."), field="want")
    _check(shift, giver, taker, back)
    swap = Swap(giver=giver, taker=taker, shift=shift, back=back, reason=reason)
    swap.starts_at, swap.ends_at = shift.starts_at, shift.ends_at
    if back:
        swap.back_starts_at, swap.back_ends_at = back.starts_at, back.ends_at
    try:
        with transaction.atomic():
            swap.save()
    except IntegrityError:
        raise Conflict("asked_already", _("A swap of this shift is asked for already. Withdraw it first.")) from None
    audit.record(by=by, action="swap.ask", thing=swap, detail=_said(swap))
    _tell("swap_asked", swap, {taker.person_id})
    return swap


def _check(shift: Shift, giver: Role, taker: Role, back: Shift | None) -> None:
    why = policies.against(shift, giver, taker, back)
    if why:
        raise Refusal("swap_unfit", why, field="want")


@transaction.atomic
def move(*, swap: Swap, by: User, name: str, reason: str = "") -> Swap:
    """One move of SWAP_MOVES. Conflict when it is not there any more; approving checks everything again."""
    sources, target, actor = SWAP_MOVES[name]
    if actor not in policies.actors(by, swap):
        raise NotAllowed("not_your_move", _("This is not yours to decide."))
    done = {"decided_by": by, "decided_at": timezone.now()} if target not in policies.OPEN else {}
    said = {"reason": reason} if reason else {}
    if not Swap.objects.filter(pk=swap.pk, state__in=sources).update(state=target, **done, **said):
        raise Conflict("too_late", _("Somebody was first, or the moment has passed. Look at the newest state."))
    swap.refresh_from_db()
    if name in {"accept", "approve"}:
        shift, back = _shifts(swap)
        _check(shift, swap.giver, swap.taker, back)
        if name == "approve":
            _exchange(swap, shift, back, by)
    audit.record(by=by, action=f"swap.{name}", thing=swap, detail=_said(swap))
    both = {swap.giver.person_id, swap.taker.person_id}
    told = both | _schedulers(swap) if name == "accept" else both
    _tell(f"swap_{target.lower()}", swap, told - {by.pk})
    return swap


def _shifts(swap: Swap) -> tuple[Shift, Shift | None]:
    """Both as they are now. Conflict when one is gone or has become somebody else's or another time's."""
    shift, back = swap.shift, swap.back
    fits = shift and (shift.role_id, shift.starts_at) == (swap.giver_id, swap.starts_at)
    if swap.back_starts_at:
        fits = fits and back and (back.role_id, back.starts_at) == (swap.taker_id, swap.back_starts_at)
    if not fits or shift is None:
        words = _("The roster changed since: one of the shifts is not there any more. Refuse or withdraw this swap.")
        raise Conflict("shift_changed", words)
    return shift, back


def _exchange(swap: Swap, shift: Shift, back: Shift | None, by: User) -> None:
    """In the published roster, and in the plan, so that the next publishing does not undo it."""
    _in_plan(by, swap.giver, swap.taker, shift.starts_at, back.starts_at if back else None)
    if back and back.starts_at == shift.starts_at:  # one row a person and start: what they hold is exchanged instead
        Shift.objects.filter(pk=shift.pk).update(level=back.level, ends_at=back.ends_at)
        Shift.objects.filter(pk=back.pk).update(level=shift.level, ends_at=shift.ends_at)
        return
    for row, before, after in ((shift, swap.giver, swap.taker), (back, swap.taker, swap.giver)):
        if row and not Shift.objects.filter(pk=row.pk, role=before).update(role=after):
            raise Conflict("shift_changed", _("The roster changed meanwhile. Look at the newest state."))


def _in_plan(by: User, giver: Role, taker: Role, start: datetime, back: datetime | None) -> None:
    zone = timezone.get_default_timezone()
    wanted = [(giver, taker, start)] + ([(taker, giver, back)] if back else [])
    days = [moment.astimezone(zone).date() for _from, _to, moment in wanted]
    rows = plans.draft([giver.department_id or 0], min(days), max(days))
    for before, after, moment in wanted:
        row = next((one for one in rows if one.role.pk == before.pk and one.starts_at == moment), None)
        if row is None:
            continue
        if row.rule is None and row.change:
            change = Change.objects.select_related("role").get(pk=row.change)
            plan.set_extra(change=change, by=by, known=row.known, role=after)
            continue
        since, until = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
        minutes = (until.replace(tzinfo=None) - since.replace(tzinfo=None)).total_seconds() / 60
        rule = Rule.objects.select_related("role").get(pk=row.rule or 0)
        shape = {"level": row.level, "starts": since.time(), "minutes": int(minutes)}
        plan.replace(rule=rule, day=row.day or row.on, by=by, role=after, on=row.on, known=row.known, **shape)


def _schedulers(swap: Swap) -> set[int]:
    rows = Role.objects.filter(kind=Role.Kind.SCHEDULER, active=True, person__is_active=True)
    return {role.person_id for role in rows if role.hospital_id in {None, swap.giver.hospital_id}}


def _tell(kind: str, swap: Swap, people: set[int]) -> None:
    notification.tell(people=people, kind=kind, consultation=None, key=f"{kind}.{swap.pk}")


def _said(swap: Swap) -> dict[str, object]:
    said = {"giver": swap.giver_id, "taker": swap.taker_id, "starts_at": swap.starts_at}
    return {**said, "back_starts_at": swap.back_starts_at, "state": swap.state}
