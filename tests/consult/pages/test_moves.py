"""Every act by its button: works, outsider 404, wrong role 403, too late 409, GET is no act."""

import json
from collections.abc import Callable

import pytest

from consult.models import Consultation, Message, Role
from consult.services import clock
from consult.states import State
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import HTMX, JSON, browser, page_of

S = State
Walk = Callable[[Cast], Consultation]
REASON = {"reason": "因故"}
# act, whose, a state where it is legal, what is sent, where it leads, who sees it but may not, where it is too late
ACTS: list[tuple[str, str, Walk, dict, State, str, Walk]] = [
    ("triage", "scheduler", walk.submitted, {}, S.TRIAGE, "doctor", walk.in_triage),
    ("return", "scheduler", walk.in_triage, REASON, S.RETURNED, "doctor", walk.returned),
    ("ask-more", "scheduler", walk.in_triage, REASON, S.NEEDS_INFO, "doctor", walk.needs_info),
    ("supply", "doctor", walk.needs_info, {"answer": "已补充"}, S.TRIAGE, "scheduler", walk.in_triage),
    ("accept", "expert", walk.offered, {}, S.ACCEPTED, "doctor", walk.accepted),
    ("decline", "expert", walk.offered, REASON, S.DECLINED, "scheduler", walk.accepted),
    ("take", "second_expert", walk.offered, {}, S.ACCEPTED, "doctor", walk.declined),
    ("review", "expert", walk.accepted, {}, S.ASYNC_REVIEW, "doctor", walk.in_review),
    ("end-session", "expert", walk.in_session, {}, S.OPINION_DUE, "scheduler", walk.opinion_due),
    ("cancel", "doctor", walk.submitted, {}, S.CANCELLED, "scheduler", walk.accepted),
    ("call-off", "doctor", walk.accepted, REASON, S.CANCELLED, "regulator", walk.cancelled),
    ("follow-up", "doctor", walk.acknowledged, {}, S.FOLLOW_UP, "expert", walk.following_up),
    ("close", "doctor", walk.acknowledged, {}, S.CLOSED, "expert", walk.closed),
]
each_act = pytest.mark.parametrize(
    ("slug", "who", "ready", "sent", "target", "wrong", "late"), ACTS, ids=[a[0] for a in ACTS]
)


@each_act
def test_an_act_works(cast: Cast, slug, who, ready, sent, target, wrong, late) -> None:
    thing = ready(cast)
    answer = browser(getattr(cast, who)).post(f"/consultations/{thing.pk}/{slug}/", sent)
    assert answer.status_code == 302
    thing.refresh_from_db()
    assert thing.state == target


@each_act
def test_the_outsider_gets_404(cast: Cast, slug, who, ready, sent, target, wrong, late) -> None:
    thing = ready(cast)
    before = thing.state
    assert browser(cast.outsider).post(f"/consultations/{thing.pk}/{slug}/", sent).status_code == 404
    assert browser(cast.outsider).get(f"/consultations/{thing.pk}/dialogs/{slug}/").status_code == 404
    thing.refresh_from_db()
    assert thing.state == before


@each_act
def test_the_wrong_role_gets_403(cast: Cast, slug, who, ready, sent, target, wrong, late) -> None:
    thing = ready(cast)
    answer = browser(getattr(cast, wrong)).post(f"/consultations/{thing.pk}/{slug}/", sent)
    assert answer.status_code == 403
    thing.refresh_from_db()
    assert thing.state != target


@each_act
def test_too_late_is_409(cast: Cast, slug, who, ready, sent, target, wrong, late) -> None:
    if slug == "take":
        thing = walk.accepted(cast)
        who = "expert"  # the second specialist of the department no longer sees it at all
    else:
        thing = late(cast)
    before = thing.state
    answer = browser(getattr(cast, who)).post(f"/consultations/{thing.pk}/{slug}/", sent, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")
    thing.refresh_from_db()
    assert thing.state == before


@each_act
def test_get_is_no_act(cast: Cast, slug, who, ready, sent, target, wrong, late) -> None:
    thing = ready(cast)
    assert browser(getattr(cast, who)).get(f"/consultations/{thing.pk}/{slug}/").status_code == 405


def test_assigning_offers_it_to_the_chosen_specialist(cast: Cast) -> None:
    thing = walk.submitted(cast)
    role = Role.objects.get(person=cast.expert)
    desk = browser(cast.scheduler)
    dialog = desk.get(f"/consultations/{thing.pk}/dialogs/assign/", headers=HTMX)
    assert "张文博" in page_of(dialog)
    assert f'name="revision" value="{thing.revision}"' in page_of(dialog)
    sent = {"role": role.pk, "revision": thing.revision}
    assert desk.post(f"/consultations/{thing.pk}/assign/", sent).status_code == 302
    thing.refresh_from_db()
    assert (thing.state, thing.expert, thing.asked_department) == (S.OFFERED, cast.expert, cast.cardiology)


def test_of_two_schedulers_who_assign_the_second_is_told(cast: Cast) -> None:
    thing = walk.submitted(cast)
    first, second = (Role.objects.get(person=person) for person in (cast.expert, cast.other_expert))
    sent = {"revision": thing.revision}
    desk = browser(cast.scheduler)
    assert desk.post(f"/consultations/{thing.pk}/assign/", {**sent, "role": first.pk}).status_code == 302
    answer = desk.post(f"/consultations/{thing.pk}/assign/", {**sent, "role": second.pk}, headers=HTMX)
    assert (answer.status_code, answer["HX-Trigger"]) == (409, "news")
    thing.refresh_from_db()
    assert thing.expert == cast.expert


def test_nobody_but_the_desk_assigns(cast: Cast) -> None:
    thing = walk.submitted(cast)
    sent = {"role": Role.objects.get(person=cast.expert).pk, "revision": thing.revision}
    assert browser(cast.outsider).post(f"/consultations/{thing.pk}/assign/", sent).status_code == 404
    assert browser(cast.doctor).post(f"/consultations/{thing.pk}/assign/", sent).status_code == 403
    assert browser(cast.scheduler).get(f"/consultations/{thing.pk}/assign/").status_code == 405


def test_a_reason_that_is_missing_is_asked_for_in_the_dialog(cast: Cast) -> None:
    thing = walk.offered(cast)
    answer = browser(cast.expert).post(f"/consultations/{thing.pk}/decline/", {"reason": "  "}, headers=HTMX)
    assert answer.status_code == 422
    assert "<dialog" in page_of(answer)
    assert answer.context["form"].errors["reason"]


def test_htmx_is_told_what_was_done(cast: Cast) -> None:
    thing = walk.offered(cast)
    answer = browser(cast.expert).post(f"/consultations/{thing.pk}/accept/", headers=HTMX)
    assert answer.status_code == 204
    assert set(json.loads(answer["HX-Trigger"])) == {"acted", "news"}


def test_who_loses_sight_of_it_goes_home(cast: Cast) -> None:
    """Another department's specialist was offered it by name and declines: nothing of it is theirs any more."""
    thing = walk.submitted(cast)
    role = Role.objects.get(person=cast.other_expert)
    browser(cast.scheduler).post(f"/consultations/{thing.pk}/assign/", {"role": role.pk, "revision": thing.revision})
    expert = browser(cast.other_expert)
    Role.objects.filter(pk=role.pk).update(active=False)
    assert expert.post(f"/consultations/{thing.pk}/decline/", REASON).status_code == 404
    Role.objects.filter(pk=role.pk).update(active=True)
    at = {**HTMX, "HX-Current-URL": f"http://testserver/consultations/{thing.pk}/"}
    answer = expert.post(f"/consultations/{thing.pk}/decline/", REASON, headers=at)
    thing.refresh_from_db()
    assert thing.state == S.DECLINED
    still = expert.get(f"/consultations/{thing.pk}/").status_code
    assert (answer.get("HX-Redirect"), still) in {("/", 404), (None, 200)}


def test_the_answer_to_a_question_is_kept_as_a_message(cast: Cast) -> None:
    thing = walk.needs_info(cast)
    browser(cast.doctor).post(f"/consultations/{thing.pk}/supply/", {"answer": "肌钙蛋白0.02"})
    assert [message.body for message in Message.objects.filter(consultation=thing)] == ["肌钙蛋白0.02"]


def test_a_dialog_without_scripts_is_a_page(cast: Cast) -> None:
    thing = walk.offered(cast)
    page = page_of(browser(cast.expert).get(f"/consultations/{thing.pk}/dialogs/decline/"))
    assert "<main" in page
    assert f'action="/consultations/{thing.pk}/decline/"' in page
    assert browser(cast.expert).get(f"/consultations/{thing.pk}/dialogs/nonsense/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "is_offered"),
    [
        ({"urgency": "urgent"}, True),
        ({"urgency": "emergency"}, False),
        ({"urgency": "emergency", "purpose": "imaging"}, True),  # images are read, whatever the urgency
    ],
)
def test_an_emergency_is_answered_in_a_call_and_not_in_writing(
    cast: Cast, fields: dict[str, str], is_offered: bool
) -> None:
    thing, expert = walk.accepted(cast, **fields), browser(cast.expert)
    url = f"/consultations/{thing.pk}/review/"
    assert (url in page_of(expert.get(f"/consultations/{thing.pk}/"))) == is_offered
    answer = expert.post(url, headers=JSON)
    thing.refresh_from_db()
    if is_offered:
        assert thing.state == S.ASYNC_REVIEW
    else:
        assert (answer.status_code, answer.json()["code"], thing.state) == (422, "not_in_writing", S.ACCEPTED)


def test_the_desk_may_let_emergencies_be_answered_in_writing(cast: Cast) -> None:
    thing = walk.accepted(cast, urgency="emergency")
    known = clock.current()
    spans = {row: dict(by_urgency) for row, by_urgency in known.spans.items()}
    spans["answer"]["emergency"] = (30, "minutes")
    clock.publish(by=cast.scheduler, spans=spans, known=known.number)
    assert browser(cast.expert).post(f"/consultations/{thing.pk}/review/").status_code == 302
    thing.refresh_from_db()
    assert thing.state == S.ASYNC_REVIEW
