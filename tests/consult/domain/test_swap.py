"""Swaps of shifts: asked, accepted, approved; what speaks against one; the plan follows."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Licence, Notification, Role, Shift, Swap, User
from consult.policies import publication as previews
from consult.policies import repeat
from consult.policies import swap as policies
from consult.services import plan, publication, swap
from consult.states import SWAP_MOVES, SwapState
from tests.cast import Cast, again
from tests.consult.domain.threads import together

MONDAY = date(2026, 11, 30)
SUNDAY = MONDAY + timedelta(days=6)


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with time_machine.travel(datetime(2026, 11, 23, 1, 0, tzinfo=UTC), tick=False):
        yield


def role_of(person: Any) -> Role:
    return Role.objects.get(person=person, kind=Role.Kind.EXPERT)


def publish(cast: Cast) -> None:
    """Zhang has the days, Liu the nights of a week."""
    for person, starts in ((cast.expert, time(8)), (cast.second_expert, time(20))):
        fields = {"role": role_of(person), "rrule": repeat.daily(), "first": MONDAY, "starts": starts, "minutes": 720}
        plan.add_rule(by=cast.scheduler, fields=fields)
    shown = previews.preview(cast.cardiology, MONDAY, SUNDAY)
    publication.publish(
        by=cast.scheduler,
        department=cast.cardiology,
        first=MONDAY,
        last=SUNDAY,
        known=0,
        digest=shown.diff.digest(),
    )


def shift(person: Any, day: int) -> Shift:
    return next(
        row for row in Shift.objects.filter(role__person=person) if timezone.localdate(row.starts_at).day == day
    )


def asked(cast: Cast, day: int = 1, back: int | None = 4) -> Swap:
    mine = shift(cast.expert, day)
    other = shift(cast.second_expert, back) if back else None
    return swap.ask(by=cast.expert, shift=mine, taker=role_of(cast.second_expert), back=other, reason="门诊")


def kinds(person: User) -> list[str]:
    return list(Notification.objects.filter(person=person, kind__startswith="swap").values_list("kind", flat=True))


def test_asked_accepted_and_approved_it_is_exchanged_in_the_roster_and_in_the_plan(cast: Cast) -> None:
    publish(cast)
    first = asked(cast)
    assert swap.move(swap=first, by=cast.second_expert, name="accept").state == SwapState.ACCEPTED
    assert shift(cast.expert, 1).pk == first.shift_id  # nothing yet
    done = swap.move(swap=first, by=cast.scheduler, name="approve")
    assert (done.state, done.decided_by) == (SwapState.APPROVED, cast.scheduler)
    rows = {row.pk: row.role for row in Shift.objects.select_related("role__person")}
    assert (rows[first.shift_id].person, rows[first.back_id]) == (cast.second_expert, role_of(cast.expert))
    shown = previews.preview(cast.cardiology, MONDAY, SUNDAY)
    assert (shown.diff.count, len(shown.diff.kept)) == (0, 14)  # the next publishing does not undo it
    assert kinds(cast.second_expert) == ["swap_approved", "swap_asked"]
    assert kinds(cast.expert) == ["swap_approved", "swap_accepted"]
    assert kinds(cast.scheduler) == ["swap_accepted"]
    assert AuditEntry.objects.filter(action__startswith="swap.").count() == 3


def test_shifts_that_begin_together_change_what_they_hold(cast: Cast) -> None:
    publish(cast)
    duty = shift(cast.expert, 1)
    Shift.objects.filter(role__person=cast.second_expert).delete()
    role = role_of(cast.second_expert)
    standby = Shift.objects.create(role=role, level="standby", starts_at=duty.starts_at, ends_at=duty.ends_at)
    one = swap.ask(by=cast.expert, shift=duty, taker=role, back=standby)
    swap.move(swap=one, by=cast.second_expert, name="accept")
    swap.move(swap=one, by=cast.scheduler, name="approve")
    levels = {row.role.person: row.level for row in Shift.objects.filter(starts_at=duty.starts_at)}
    assert levels == {cast.expert: "standby", cast.second_expert: "duty"}


def test_leave_licence_and_another_shift_speak_against_it_also_at_the_approval(cast: Cast) -> None:
    publish(cast)
    earlier = shift(cast.expert, 1).starts_at + timedelta(hours=4)
    Shift.objects.filter(pk=shift(cast.second_expert, 1).pk).update(starts_at=earlier)
    with pytest.raises(Refusal) as refused:  # her night begins at noon
        asked(cast)
    assert refused.value.code == "swap_unfit"
    leave = plan.give_leave(
        by=cast.scheduler, role=role_of(cast.expert), first=date(2026, 12, 5), last=date(2026, 12, 5), reason="x"
    )
    with pytest.raises(Refusal):
        asked(cast, day=2, back=4)  # the night of the 4th ends on the 5th
    plan.cancel_leave(leave=leave, by=cast.scheduler, at=timezone.now())
    one = asked(cast, day=2, back=4)
    swap.move(swap=one, by=cast.second_expert, name="accept")
    Licence.objects.filter(person=cast.second_expert).update(valid_until=date(2026, 12, 1))
    with pytest.raises(Refusal):
        swap.move(swap=one, by=cast.scheduler, name="approve")
    one.refresh_from_db()
    assert (one.state, shift(cast.expert, 2).pk) == (SwapState.ACCEPTED, one.shift_id)


def test_a_swap_of_a_shift_that_is_gone_or_anothers_is_not_approved(cast: Cast) -> None:
    publish(cast)
    one = asked(cast, back=None)
    swap.move(swap=one, by=cast.second_expert, name="accept")
    Shift.objects.filter(pk=one.shift_id).delete()
    one.refresh_from_db()
    with pytest.raises(Conflict) as refused:
        swap.move(swap=one, by=cast.scheduler, name="approve")
    assert refused.value.code == "shift_changed"
    assert swap.move(swap=Swap.objects.get(), by=cast.scheduler, name="refuse").state == SwapState.REFUSED


def test_each_move_is_of_its_actor_from_its_states(cast: Cast) -> None:
    """Every move by everybody from every state is as the table says."""
    publish(cast)
    one = asked(cast)
    people = {"giver": cast.expert, "taker": cast.second_expert, "scheduler": cast.scheduler, "": cast.other_expert}
    for state in SwapState:
        for name, (sources, _target, actor) in SWAP_MOVES.items():
            for side, person in people.items():
                done = {"decided_by": None, "decided_at": None}
                Swap.objects.filter(pk=one.pk).update(state=state, **done)
                row = policies.visible_swaps(person).filter(pk=one.pk).first()
                assert (row is None) == (side == "")
                may = actor == side and state in sources
                assert row is None or (name in policies.moves(person, row)) == may
                if may:
                    continue
                with pytest.raises(NotAllowed if actor != side else Conflict):
                    swap.move(swap=Swap.objects.get(), by=again(person), name=name)


def test_it_is_withdrawn_and_asked_again_but_not_twice_at_once(cast: Cast) -> None:
    publish(cast)
    one = asked(cast)
    with pytest.raises(Conflict):
        asked(cast)
    swap.move(swap=one, by=cast.expert, name="withdraw")
    assert asked(cast).pk != one.pk
    with pytest.raises(NotAllowed):
        swap.ask(by=cast.second_expert, shift=shift(cast.expert, 3), taker=role_of(cast.second_expert))
    with pytest.raises(Refusal):
        swap.ask(by=cast.expert, shift=shift(cast.expert, 3), taker=role_of(cast.other_expert))
    Role.objects.filter(person=cast.scheduler).update(hospital=cast.bethune)
    assert policies.visible_swaps(again(cast.scheduler)).count() == 0


@pytest.mark.slow
def test_approved_and_withdrawn_at_once_one_is_told(live_cast: Cast) -> None:
    publish(live_cast)
    one = asked(live_cast)
    swap.move(swap=one, by=live_cast.second_expert, name="accept")
    results = together(
        lambda: swap.move(swap=Swap.objects.get(), by=live_cast.scheduler, name="approve").state,
        lambda: swap.move(swap=Swap.objects.get(), by=live_cast.expert, name="withdraw").state,
    )
    state = Swap.objects.get().state
    assert sorted(results) == sorted([state, "too_late"])
    assert (shift(live_cast.expert, 4).role.person == live_cast.expert) is True
