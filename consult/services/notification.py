"""Who has to be told what: rows first, then the bell on their open pages."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from consult import events
from consult.models import Consultation, Notification, Referral, User
from consult.notify import texts
from consult.services import alert, outbox


@transaction.atomic
def tell(
    *,
    people: Iterable[int],
    kind: str,
    consultation: Consultation | None,
    key: str,
    referral: Referral | None = None,
) -> list[Notification]:
    """One row a person; the same `key` tells a person once. Returns the new rows."""
    if kind not in texts.TEXTS:
        raise KeyError(kind)
    ids = sorted(set(people))
    known = set(Notification.objects.filter(key=key, person__in=ids).values_list("person_id", flat=True))
    of = {"kind": kind, "consultation": consultation, "referral": referral, "key": key}
    new = [Notification(person_id=pk, **of) for pk in ids if pk not in known]
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    if new:
        outbox.later(kind="notification.deliver", payload={"key": key}, key=f"deliver.{key}"[:120])
    return new


def tell_of(*, consultation: Consultation, kind: str, people: Iterable[int], by: User) -> None:
    """News of the move just made: told once for this revision, never to who made it."""
    key = f"{kind}.{consultation.pk}.{consultation.revision}"
    tell(people=set(people) - {by.pk}, kind=kind, consultation=consultation, key=key)


def seen_of_referral(*, by: User, referral: Referral) -> int:
    """They opened the referral: what they were told of it is seen."""
    return _mark(Notification.objects.filter(person=by, referral=referral))


@outbox.handles("notification.deliver")
def deliver(key: str) -> None:
    """Ring the pages of everyone not yet told. May run twice: only rows not yet delivered count."""
    rows = Notification.objects.filter(key=key, delivered_at=None).select_related("person", "consultation")
    new = list(rows.order_by("pk"))
    alert.raise_for(new)
    for row in new:
        if Notification.objects.filter(pk=row.pk, delivered_at=None).update(delivered_at=timezone.now()):
            events.announce(consultation=None, kind="notification", seq=row.pk, people=[row.person_id])


def seen(*, by: User, up_to: int) -> int:
    """Mark this person's news up to that id as seen; answers how many were new."""
    return _mark(Notification.objects.filter(person=by, pk__lte=up_to))


def seen_of(*, by: User, consultation: Consultation, on: str) -> int:
    """Mark what this person was told of a consultation as seen: they opened it, `on` some page and browser.

    That acknowledges its alerts. Answers how many were new.
    """
    alert.acknowledge_of(consultation=consultation, by=by, on=on)
    return _mark(Notification.objects.filter(person=by, consultation=consultation))


def _mark(rows: QuerySet[Notification]) -> int:
    new = list(rows.filter(seen_at=None).values_list("person_id", "pk"))
    marked = Notification.objects.filter(pk__in=[pk for _person, pk in new], seen_at=None).update(
        seen_at=timezone.now()
    )
    if marked:
        events.announce(consultation=None, kind="notification", seq=max(pk for _person, pk in new), people={new[0][0]})
    return marked


def unread(person: int) -> int:
    """Of how many things somebody has news not seen yet: those of one consultation count once."""
    rows = Notification.objects.filter(person_id=person, seen_at=None)
    return rows.aggregate(things=Count("consultation", distinct=True) + Count("pk", filter=Q(consultation=None)))[
        "things"
    ]
