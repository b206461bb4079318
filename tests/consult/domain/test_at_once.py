"""Two hundred at once: of those who book, assign or sign one wins, and the others are told. (Accept: test_alert.py.)"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consult.models import BookedCell, Booking, Consultation, Job, Role, Shift, User
from consult.services import audit, booking, opinion, triage
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_who_book_one_time_at_once_one_wins_and_the_others_are_told(live_cast: Cast) -> None:
    ten = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    role = Role.objects.get(person=live_cast.expert)
    Shift.objects.create(role=role, starts_at=ten, ends_at=ten + timedelta(hours=2))
    things = _copies(people.accepted(live_cast), 200)
    by = live_cast.scheduler

    def act(pk: int) -> Any:
        def run() -> str:
            thing = Consultation.objects.get(pk=pk)
            who = people.again(by)
            booking.hold(consultation=thing, by=who, starts_at=ten)
            booking.book(consultation=thing, by=who)
            return "booked"

        return run

    results = together(*[act(pk) for pk in things])
    assert (results.count("booked"), results.count("slot_taken")) == (1, 199)
    assert Consultation.objects.filter(state="SCHEDULED").count() == Booking.objects.filter(state="booked").count() == 1
    assert BookedCell.objects.count() == 2
    assert audit.verify().broken is None
    assert Job.objects.filter(failed_at__isnull=False).count() == 0


def _copies(thing: Consultation, count: int) -> list[int]:
    values = {field.attname: getattr(thing, field.attname) for field in Consultation._meta.concrete_fields}
    rows = [Consultation(**{**values, "id": None, "number": f"C{number}"}) for number in range(count)]
    return [row.pk for row in Consultation.objects.bulk_create(rows)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_who_assign_at_once_one_wins_and_the_others_are_told(live_cast: Cast) -> None:
    thing = people.submitted(live_cast)
    known = thing.revision

    def act(expert: User) -> Any:
        def run() -> str:
            row = Consultation.objects.get(pk=thing.pk)
            department = Role.objects.get(person=expert).department
            assert department
            who = people.again(live_cast.scheduler)
            triage.assign(consultation=row, by=who, expert=expert, department=department, revision=known)
            return expert.username

        return run

    results = together(*[act(live_cast.expert), act(live_cast.second_expert)] * 100)
    [won] = [result for result in results if result != "too_late"]
    thing.refresh_from_db()
    assert (thing.state, thing.expert and thing.expert.username, results.count("too_late")) == ("OFFERED", won, 199)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_who_sign_at_once_one_wins_and_the_others_are_told(live_cast: Cast) -> None:
    thing = people.opinion_due(live_cast)
    rev = people.write_opinion(live_cast, thing)

    def sign() -> str:
        row = Consultation.objects.get(pk=thing.pk)
        who = people.again(live_cast.expert)
        opinion.sign(consultation=row, by=who, password=people.PASSWORD, draft_rev=rev)
        return "signed"

    results = together(*[sign] * 200)
    assert results.count("signed") == 1
    assert set(results) - {"signed"} <= {"draft_changed", "too_late", "wrong_actor"}
    thing.refresh_from_db()
    assert (thing.state, thing.opinions.get().versions.count()) == ("SIGNED", 1)
