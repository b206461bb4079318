"""The times of one specialist: taken, freed, offered to who waits. Makes no move of a consultation.

Whoever takes or offers times of a person holds that person's row (`lock`), taken after the consultation's and before
any audit row; freeing one's own needs no lock. What is taken twice the database refuses all the same.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.errors import Conflict
from consult.models import BookedCell, Booking, Consultation, User, Waiting
from consult.policies import booking as policies
from consult.services import audience, audit, notification, outbox
from consult.states import State

Why = Booking.Why
HOLDING = frozenset({State.ACCEPTED, State.SCHEDULED})
KEEPING = frozenset({State.SCHEDULED, State.WAITING, State.IN_SESSION, State.INTERRUPTED})


def lock(person: int) -> None:
    """Until the caller's transaction ends nobody else takes times of this person."""
    User.objects.select_for_update(no_key=True).get(pk=person)


def taken() -> Conflict:
    return Conflict("slot_taken", _("Somebody else has just taken this time. Choose another one."))


def take(booking: Booking) -> None:
    """The cells of a booking that it has not got yet. Conflict when one belongs to another.

    Cells of another booking of the same consultation are left to it: they are taken over when that one gets free.
    """
    own = set(BookedCell.objects.filter(booking__consultation=booking.consultation_id).values_list("at", flat=True))
    wanted = [at for at in policies.cells(booking.starts_at, booking.ends_at) if at not in own]
    try:
        with transaction.atomic():
            BookedCell.objects.bulk_create(
                BookedCell(booking=booking, person_id=booking.person_id, at=at) for at in wanted
            )
    except IntegrityError:
        raise taken() from None


def hold(
    *, consultation: Consultation, by: User | None, starts_at: datetime, minutes: int, lasts: timedelta
) -> Booking:
    """Hold a time; what the consultation held before is given back. The caller has the locks and has asked the rules.

    Conflict when it is taken.
    """
    for before in consultation.bookings.filter(state=Booking.State.HELD):
        free(before, Why.RELEASED)
    booking = Booking(consultation=consultation, person=consultation.expert, by=by, starts_at=starts_at)
    booking.ends_at = starts_at + timedelta(minutes=minutes)
    booking.held_until = timezone.now() + lasts
    booking.save()
    take(booking)
    outbox.later(
        kind="booking.offer",
        payload={"person": booking.person_id},
        due_at=booking.held_until,
        key=f"offer.{booking.pk}",
    )
    return booking


def free(booking: Booking, why: str) -> bool:
    """Give the time back, for a reason that stays with the row; who waits for one is served after the commit."""
    rows = Booking.objects.filter(pk=booking.pk, state__in=policies.ACTIVE)
    if not rows.update(state=Booking.State.FREE, freed_at=timezone.now(), why=why):
        return False
    booking.cells.all().delete()
    outbox.later(kind="booking.offer", payload={"person": booking.person_id}, key=f"free.{booking.pk}")
    return True


def follow(consultation: Consultation) -> None:
    """After a move, in its transaction: what no longer fits the state it led to gets free."""
    state = State(consultation.state)
    for row in consultation.bookings.filter(state__in=policies.ACTIVE):
        keeps = HOLDING if row.state == Booking.State.HELD else KEEPING
        if state not in keeps:
            free(row, Why.CANCELLED if state in {State.CANCELLED, State.ACCEPTED} else Why.ENDED)
    if state != State.ACCEPTED:
        consultation.waitings.filter(ended_at=None).update(ended_at=timezone.now())
    if state in {State.ACCEPTED, State.ASYNC_REVIEW} and consultation.scheduled_at:
        consultation.scheduled_at = consultation.scheduled_until = None
        consultation.save(update_fields=["scheduled_at", "scheduled_until"])


def expire(person: int) -> int:
    """Holds of this person that nobody booked in time get free. The caller has the lock."""
    rows = Booking.objects.filter(person=person, state=Booking.State.HELD, held_until__lte=timezone.now())
    return sum(free(row, Why.EXPIRED) for row in rows)


def serve(person: int) -> int:
    """Offer what is free to those who wait for this person, by urgency and time. The caller has the lock.

    Each is offered a time once: who let it pass is offered the next. Answers how many were offered one.
    """
    expire(person)
    offered = 0
    for row in policies.in_line().filter(consultation__expert=person):
        thing = row.consultation
        if thing.bookings.filter(state=Booking.State.HELD).exists():
            continue
        passed = set(thing.bookings.filter(why=Why.EXPIRED, by=None).values_list("starts_at", flat=True))
        slot = next((one for one in policies.free(thing) if one.starts_at not in passed), None)
        if slot:
            _offer(thing, slot)
            offered += 1
    return offered


def _offer(thing: Consultation, slot: policies.Slot) -> None:
    minutes = policies.length(thing)
    made = hold(consultation=thing, by=None, starts_at=slot.starts_at, minutes=minutes, lasts=policies.OFFER)
    people = audience.askers(thing)
    notification.tell(people=people, kind="slot_offered", consultation=thing, key=f"slot_offered.{made.pk}")
    audit.record(by=None, action="booking.offer", thing=made, consultation=thing, detail={"starts_at": slot.value})


@outbox.handles("booking.offer")
@transaction.atomic
def offer(person: int) -> None:
    """Something got free, or a hold is over. May run twice."""
    lock(person)
    serve(person)


def wait(consultation: Consultation, since: datetime) -> None:
    """Put it in line; twice is once."""
    if not consultation.waitings.filter(ended_at=None).exists():
        Waiting.objects.create(consultation=consultation, since=since)
