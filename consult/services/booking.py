"""The time of the call: held, booked, moved, cancelled, waited for; by whom it concerns, each with its notice."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import Booking, Consultation, User
from consult.policies import booking as policies
from consult.services import audience, audit, moves, notification, outbox, slot
from consult.states import State

Why = Booking.Why
DISPLACED = gettext_noop("An urgent booking took over the time.")


def _locked(consultation: Consultation, by: User) -> Consultation:
    """The row and the specialist's times are this transaction's from here on."""
    row = moves.lock(consultation)
    moves.check(consultation=row, name="schedule", by=by)
    if row.expert_id is None:
        raise moves.too_late()
    slot.lock(row.expert_id)
    return row


@transaction.atomic
def hold(*, consultation: Consultation, by: User, starts_at: datetime, minutes: int | None = None) -> Booking:
    """Keep a free time for a few minutes. Of several who want it one gets it, the others get Conflict.

    Who waits for a time of this specialist is served first.
    """
    minutes = minutes or policies.length(consultation)
    _check_time(starts_at, minutes)
    row = _locked(consultation, by)
    if not policies.is_on_roster(row, starts_at, starts_at + timedelta(minutes=minutes)):
        raise Refusal(
            "not_on_roster", _("The specialist is not on the roster then. Choose another time."), field="starts_at"
        )
    slot.serve(row.expert_id or 0)
    booking = slot.hold(consultation=row, by=by, starts_at=starts_at, minutes=minutes, lasts=policies.HOLD)
    detail = {"starts_at": starts_at.isoformat(), "minutes": minutes}
    audit.record(by=by, action="booking.hold", thing=booking, consultation=row, detail=detail)
    moves.announce(row)
    return booking


def _check_time(starts_at: datetime, minutes: int) -> None:
    if minutes not in policies.LENGTHS or not policies.is_cell(starts_at):
        raise Refusal("time_wrong", _("Times begin at a quarter of an hour."), field="starts_at")
    if starts_at <= timezone.now():
        raise Refusal("time_past", _("This time is past. Choose a later one."), field="starts_at")


@transaction.atomic
def book(*, consultation: Consultation, by: User, reason: str = "") -> Consultation:
    """Book what is held. When another time was booked before a reason is wanted, and that time gets free."""
    row = _locked(consultation, by)
    held = row.bookings.filter(state=Booking.State.HELD, held_until__gt=timezone.now()).first()
    if held is None:
        raise Conflict("hold_expired", _("This time was not held any longer. Choose one again."))
    return _book(consultation, row, held, by, reason)


def _book(
    consultation: Consultation, row: Consultation, chosen: Booking, by: User, reason: str, action: str = ""
) -> Consultation:
    before = row.bookings.filter(state=Booking.State.BOOKED).first()
    if before and not reason.strip():
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="reason")
    if before:
        slot.free(before, Why.MOVED)
    slot.take(chosen)
    booked = {"state": Booking.State.BOOKED, "booked_at": timezone.now(), "held_until": None}
    if not Booking.objects.filter(pk=chosen.pk, state=Booking.State.HELD).update(reason=reason.strip(), **booked):
        raise slot.taken()
    detail = {"starts_at": chosen.starts_at.isoformat(), "ends_at": chosen.ends_at.isoformat(), "moved": bool(before)}
    changes = {"scheduled_at": chosen.starts_at, "scheduled_until": chosen.ends_at}
    moves.make(consultation=consultation, name="schedule", by=by, detail=detail, changes=changes)
    if action:
        audit.record(by=by, action=action, thing=chosen, consultation=consultation, detail=detail)
    _remind_later(chosen)
    _tell(consultation, "rescheduled" if before else "scheduled", by)
    moves.announce(consultation)
    return consultation


def _tell(consultation: Consultation, kind: str, by: User) -> None:
    people = audience.askers(consultation) | audience.answering(consultation) | audience.schedulers(consultation)
    notification.tell_of(consultation=consultation, kind=kind, people=people, by=by)


def _remind_later(booking: Booking) -> None:
    due = booking.starts_at - policies.REMIND
    if due > timezone.now():
        outbox.later(kind="booking.remind", payload={"booking": booking.pk}, due_at=due, key=f"remind.{booking.pk}")


@outbox.handles("booking.remind")
def remind(booking: int) -> None:
    """Both sides, a quarter of an hour before; nobody when it was moved or cancelled."""
    row = Booking.objects.select_related("consultation").get(pk=booking)
    if row.state != Booking.State.BOOKED or row.consultation.state != State.SCHEDULED:
        return
    people = {row.consultation.asker_id} | audience.answering(row.consultation)
    notification.tell(people=people, kind="reminder", consultation=row.consultation, key=f"reminder.{row.pk}")


@transaction.atomic
def release(*, consultation: Consultation, by: User) -> Consultation:
    """Give back what is held; it is offered to who waits, and not to this one again."""
    row = _locked(consultation, by)
    for held in row.bookings.filter(state=Booking.State.HELD):
        slot.free(held, Why.EXPIRED if held.by_id is None else Why.RELEASED)
        audit.record(by=by, action="booking.release", thing=held, consultation=row)
    moves.announce(row)
    return row


@transaction.atomic
def cancel(*, consultation: Consultation, by: User, reason: str) -> Consultation:
    """The call is still wanted, its time is not: free again, and told to the others."""
    moves.make(consultation=consultation, name="unschedule", by=by, reason=reason)
    _tell(consultation, "unscheduled", by)
    moves.announce(consultation)
    return consultation


@transaction.atomic
def wait(*, consultation: Consultation, by: User) -> Consultation:
    """In line for the next time that gets free, when there is none."""
    row = _locked(consultation, by)
    if row.state != State.ACCEPTED:
        raise moves.too_late()
    if policies.free(row):
        raise Conflict("slots_free", _("There are free times: choose one of them."))
    slot.wait(row, timezone.now())
    audit.record(by=by, action="booking.wait", thing=row, consultation=row)
    moves.announce(row)
    return row


@transaction.atomic
def stop_waiting(*, consultation: Consultation, by: User) -> Consultation:
    row = _locked(consultation, by)
    if row.waitings.filter(ended_at=None).update(ended_at=timezone.now()):
        audit.record(by=by, action="booking.stop_waiting", thing=row, consultation=row)
    moves.announce(row)
    return row


@transaction.atomic
def override(*, consultation: Consultation, by: User, starts_at: datetime, minutes: int, reason: str) -> Consultation:
    """Book over others or outside the roster. Who loses their time is told, and is first in line for the next one."""
    _check_time(starts_at, minutes)
    if not reason.strip():
        raise Refusal("reason_missing", _("Say why: the others need to know."), field="reason")
    ends_at = starts_at + timedelta(minutes=minutes)
    in_the_way = Booking.objects.filter(
        policies.running(), person=consultation.expert_id, starts_at__lt=ends_at, ends_at__gt=starts_at
    ).exclude(consultation=consultation)
    # rows of consultations come before the person's, and among them in one order
    known = {consultation.pk, *in_the_way.values_list("consultation", flat=True)}
    list(Consultation.objects.select_for_update().filter(pk__in=known).order_by("pk"))
    row = _locked(consultation, by)
    if not policies.may_override(by, row):
        raise NotAllowed("no_override", _("Only the scheduler books over others; in an emergency the specialist may."))
    slot.expire(row.expert_id or 0)
    lost = [_displace(one, known) for one in in_the_way.select_related("consultation")]
    chosen = slot.hold(consultation=row, by=by, starts_at=starts_at, minutes=minutes, lasts=policies.HOLD)
    Booking.objects.filter(pk=chosen.pk).update(override=True)
    detail = {"starts_at": starts_at.isoformat(), "minutes": minutes, "over": lost}
    detail["on_roster"] = policies.is_on_roster(row, starts_at, ends_at)
    _book(consultation, row, chosen, by, reason)
    audit.record(by=by, action="booking.override", thing=chosen, consultation=consultation, detail=detail)
    return consultation


def _displace(booking: Booking, known: set[int]) -> str:
    """Answers the number of the consultation that lost its time."""
    thing = booking.consultation
    if thing.pk not in known or thing.state not in slot.HOLDING:
        raise Conflict("in_call", _("A call is going on then, or somebody was first. Choose another time."))
    was_booked, since = booking.state == Booking.State.BOOKED, booking.at
    slot.free(booking, Why.DISPLACED)
    if was_booked:
        moves.make(consultation=thing, name="unschedule", by=None, reason=DISPLACED)
    if thing.state == State.ACCEPTED:
        slot.wait(thing, since)
    people = audience.askers(thing) | audience.answering(thing) | audience.schedulers(thing)
    notification.tell(people=people, kind="slot_lost", consultation=thing, key=f"slot_lost.{booking.pk}")
    moves.announce(thing)
    return thing.number or ""


@outbox.every(timedelta(minutes=1), "bookings")
def sweep() -> int:
    """Every minute: holds that are over, times that a new roster made free, booked times it took away, calls that
    nobody began. Answers how many people were told."""
    now = timezone.now()
    over = Booking.objects.filter(state=Booking.State.HELD, held_until__lte=now).values_list("person", flat=True)
    for person in {*over, *policies.in_line().values_list("consultation__expert", flat=True)}:
        slot.offer(person=person)
    ahead = Booking.objects.filter(state=Booking.State.BOOKED, starts_at__gt=now).select_related("consultation")
    gone = [row for row in policies.conflicts(ahead.filter(conflict_told_at=None)) if _say(row, "conflict", now)]
    begun = now - policies.ABSENT
    late = Booking.objects.filter(state=Booking.State.BOOKED, absence_told_at=None, starts_at__lte=begun)
    late = late.filter(consultation__state__in=[State.SCHEDULED, State.WAITING]).select_related("consultation")
    return len(gone) + sum(_say(row, "absence", now) for row in late)


@transaction.atomic
def _say(booking: Booking, what: str, now: datetime) -> bool:
    """Of two sweepers one tells it."""
    field = f"{what}_told_at"
    if not Booking.objects.filter(pk=booking.pk, **{field: None}).update(**{field: now}):
        return False
    thing = booking.consultation
    people = audience.schedulers(thing)
    if what == "absence":
        people |= audience.askers(thing) | audience.answering(thing)
    notification.tell(people=people, kind=f"booking_{what}", consultation=thing, key=f"{what}.{booking.pk}")
    audit.record(by=None, action=f"booking.{what}", thing=booking, consultation=thing)
    moves.announce(thing)
    return True
