"""After the decision: both sides rate unseen, follow-up reminds, the outcome is told, the doctor is asked again."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from consult.models import Consultation, Decision, FollowUp, Job, Notification, Outcome, Rating, Role, User
from consult.policies import suggest
from consult.services import aftercare
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import HTMX, browser, page_of

OUTCOME = {"patient": "improved", "changed": "yes", "avoided": "no", "words": "转院后造影证实"}


def at(name: str, thing: Consultation, *more: Any) -> str:
    return reverse(name, args=[thing.pk, *more])


def rated(thing: Consultation, by: User, stars: int = 5, words: str = "") -> int:
    return browser(by).post(at("rating-give", thing), {"stars": stars, "words": words}, headers=HTMX).status_code


def section(thing: Consultation, by: User) -> str:
    return page_of(browser(by).get(at("consultation-aftercare", thing)))


def test_neither_side_sees_the_others_rating_before_both_have_rated(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    assert rated(thing, cast.doctor, 4, "意见很有帮助") == 204
    assert "意见很有帮助" in section(thing, cast.colleague)
    assert "意见很有帮助" not in section(thing, cast.expert)
    assert "意见很有帮助" in section(thing, cast.regulator)
    assert rated(thing, cast.colleague, 1) == 409  # one word for each side
    assert rated(thing, cast.expert, 5, "资料齐全") == 204
    assert ("意见很有帮助" in section(thing, cast.expert), "资料齐全" in section(thing, cast.doctor)) == (True, True)
    kinds = Notification.objects.filter(kind__startswith="rated").values_list("kind", "person__username")
    assert set(kinds) == {
        ("rated", "expert.provincial"),
        ("rated_both", "doctor.nitun"),
        ("rated_both", "second.nitun"),
    }


def test_after_two_weeks_a_rating_is_seen_without_the_other(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    rated(thing, cast.expert, 3, "影像不全")
    assert "影像不全" not in section(thing, cast.doctor)
    Decision.objects.update(at=timezone.now() - timedelta(days=14))
    assert "影像不全" in section(thing, cast.doctor)


def test_who_rates_and_when(cast: Cast) -> None:
    signed = people.signed(cast)
    assert rated(signed, cast.doctor) == 409  # before the decision
    thing = people.acknowledged(cast)
    for by, code in ((cast.scheduler, 403), (cast.regulator, 403), (cast.outsider, 404), (cast.second_expert, 404)):
        assert (by.username, rated(thing, by)) == (by.username, code)
    for stars in (0, 6, "x", ""):
        answer = browser(cast.doctor).post(at("rating-give", thing), {"stars": stars}, headers=HTMX)
        assert answer.status_code == 422
    assert Rating.objects.count() == 0


def test_a_follow_up_is_planned_reminded_and_entered(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    doctor = browser(cast.doctor)
    due = timezone.localdate() + timedelta(days=7)
    plan = {"due_on": due.isoformat(), "task": "复查肌钙蛋白和心电图"}
    past = {**plan, "due_on": (timezone.localdate() - timedelta(days=1)).isoformat()}
    assert doctor.post(at("follow-up-plan", thing), past, headers=HTMX).status_code == 422
    assert browser(cast.expert).post(at("follow-up-plan", thing), plan).status_code == 403
    assert doctor.post(at("follow-up-plan", thing), plan).status_code == 302
    thing.refresh_from_db()
    assert thing.state == "FOLLOW_UP"
    run_due()
    assert Notification.objects.filter(kind="follow_up_due").count() == 0
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        run_due()
        assert "alarm-clock" in section(thing, cast.colleague)
    assert Job.objects.filter(failed_at__isnull=False).count() == 0
    told = Notification.objects.filter(kind="follow_up_due").values_list("person__username", flat=True)
    assert set(told) == {"doctor.nitun", "second.nitun"}
    row = FollowUp.objects.get()
    assert doctor.post(at("follow-up-enter", thing, row.pk), {"found": " "}, headers=HTMX).status_code == 422
    assert doctor.post(at("follow-up-enter", thing, row.pk), {"found": "肌钙蛋白正常"}).status_code == 302
    assert "肌钙蛋白正常" in section(thing, cast.expert)
    assert doctor.post(at("follow-up-enter", thing, row.pk), {"found": "又一次"}).status_code == 409


def test_what_was_done_before_is_not_reminded_of(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    row = aftercare.plan(
        consultation=thing, by=cast.doctor, due_on=timezone.localdate() + timedelta(days=1), task="电话随访"
    )
    aftercare.enter(follow_up=row, by=cast.doctor, found="无不适")
    aftercare.remind(follow_up=row.pk)
    assert Notification.objects.filter(kind="follow_up_due").count() == 0


def test_the_outcome_is_recorded_once_and_told_to_the_specialist(cast: Cast) -> None:
    thing = people.closed(cast)
    assert browser(cast.expert).post(at("outcome-record", thing), OUTCOME).status_code == 403
    doctor = browser(cast.doctor)
    assert doctor.post(at("outcome-record", thing), {**OUTCOME, "patient": ""}, headers=HTMX).status_code == 422
    assert doctor.post(at("outcome-record", thing), OUTCOME).status_code == 302
    assert doctor.post(at("outcome-record", thing), OUTCOME).status_code == 409
    assert "转院后造影证实" in section(thing, cast.expert)
    told = Notification.objects.filter(kind="outcome").values_list("person__username", flat=True)
    assert list(told) == ["expert.provincial"]
    assert Outcome.objects.get().changed == "yes"


def test_the_same_doctor_is_asked_again_with_everything_known_filled_in(cast: Cast) -> None:
    thing = people.closed(cast)
    page = page_of(browser(cast.doctor).get(thing.get_absolute_url()))
    assert at("ask-again", thing) in page
    assert at("ask-again", thing) not in page_of(browser(cast.expert).get(thing.get_absolute_url()))
    assert browser(cast.expert).post(at("ask-again", thing)).status_code == 403
    assert browser(cast.doctor).post(at("ask-again", people.acknowledged(cast))).status_code == 403
    answer = browser(cast.doctor).post(at("ask-again", thing))
    draft = Consultation.objects.get(state="DRAFT")
    assert answer["Location"] == reverse("consultation-edit", args=[draft.pk, "question"])
    role = Role.objects.get(person=cast.expert)
    assert (draft.patient, draft.role_wanted, draft.present_diagnosis, draft.record_summary) == (
        thing.patient, role, "不稳定型心绞痛", thing.record_summary,
    )  # fmt: skip
    best = suggest.suggested(draft)[0]
    assert best.role == role


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_colleagues_who_rate_at_once_one_is_first(live_cast: Cast) -> None:
    thing = people.acknowledged(live_cast)

    def rate(by: User) -> str:
        aftercare.rate(consultation=Consultation.objects.get(pk=thing.pk), by=people.again(by), stars=5, words="")
        return "rated"

    results = together(lambda: rate(live_cast.doctor), lambda: rate(live_cast.colleague))
    assert sorted(results) == ["rated", "too_late"]
    assert Rating.objects.count() == 1
