"""Messages, notifications, history and the rule that every read is on record."""

import pytest

from consult.models import AuditEntry, Message, Notification
from consult.services import message, triage
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import HTMX, JSON, browser, page_of

TOKEN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def test_a_message_is_kept_once_and_fetched_after_a_number(cast: Cast) -> None:
    thing = walk.accepted(cast)
    url = f"/consultations/{thing.pk}/messages/"
    doctor, expert = browser(cast.doctor), browser(cast.expert)
    first = doctor.post(url, {"body": "您好", "token": TOKEN}, headers=JSON)
    again = doctor.post(url, {"body": "您好", "token": TOKEN}, headers=JSON)
    assert (first.status_code, first.json()["seq"], again.json()["seq"]) == (201, 1, 1)
    expert.post(url, {"body": "<b>收到</b>", "token": TOKEN}, headers=JSON)
    newer = doctor.get(f"{url}?after=1", headers=JSON).json()
    assert [(row["seq"], row["body"], row["own"]) for row in newer["messages"]] == [(2, "<b>收到</b>", False)]
    assert newer["seq"] == 2
    assert "&lt;b&gt;收到&lt;/b&gt;" in page_of(doctor.get(url, headers=HTMX))


def test_messages_have_their_limits(cast: Cast) -> None:
    thing = walk.accepted(cast)
    url = f"/consultations/{thing.pk}/messages/"
    sent = {"body": "x", "token": TOKEN}
    assert browser(cast.outsider).get(url).status_code == 404
    assert browser(cast.outsider).post(url, sent).status_code == 404
    assert browser(cast.regulator).post(url, sent).status_code == 403
    assert browser(cast.doctor).put(url).status_code == 405
    for wrong in ({"body": "", "token": TOKEN}, {"body": "x" * 4001, "token": TOKEN}, {"body": "x", "token": "a b"}):
        assert browser(cast.doctor).post(url, wrong, headers=JSON).status_code == 422
    ended = walk.cancelled(cast)
    assert browser(cast.doctor).post(f"/consultations/{ended.pk}/messages/", sent, headers=JSON).status_code == 409
    assert Message.objects.count() == 0


def test_the_bell(cast: Cast) -> None:
    thing = walk.offered(cast)
    expert = browser(cast.expert)
    page = expert.get("/notifications/")
    assert thing.number in page_of(page)
    assert cast.patient.name in page_of(page)
    assert page.context["unread_count"] == 1
    missed = expert.get("/notifications/?after=0", headers=JSON).json()
    assert [row["url"] for row in missed["notifications"]] == [f"/consultations/{thing.pk}/"]
    assert expert.get(f"/notifications/?after={missed['seq']}", headers=JSON).json()["notifications"] == []
    assert expert.get("/notifications/?after=nonsense", headers=JSON).status_code == 200
    foreign = Notification.objects.exclude(person=cast.expert).latest("pk")
    assert expert.post("/notifications/seen/", {"up_to": foreign.pk + 100}).status_code == 302
    assert expert.get("/notifications/").context["unread_count"] == 0
    foreign.refresh_from_db()
    assert foreign.seen_at is None
    assert expert.get("/notifications/seen/").status_code == 405
    assert expert.post("/notifications/").status_code == 405


def test_the_bell_counts_consultations_and_opening_one_reads_its_news(cast: Cast) -> None:
    first, second = walk.signed(cast), walk.returned(cast)
    doctor = browser(cast.doctor)
    page = doctor.get("/notifications/")
    assert [told.consultation.pk for told in page.context["told"]] == [second.pk, first.pk]
    assert [len(told.rows) > 1 for told in page.context["told"]] == [True, True]
    assert page.context["unread_count"] == 2
    doctor.get(second.get_absolute_url())
    assert doctor.get("/notifications/?after=0", headers=JSON).json()["unread"] == 1
    assert [told.unread > 0 for told in doctor.get("/notifications/").context["told"]] == [False, True]
    assert Notification.objects.filter(person=cast.colleague, seen_at=None).exists()


def test_the_bell_names_no_patient_to_whom_the_consultation_was_taken_from(cast: Cast) -> None:
    thing = walk.offered(cast)
    triage.assign(consultation=thing, by=cast.scheduler, expert=cast.other_expert, department=cast.radiology)
    page = browser(cast.expert).get("/notifications/")
    assert cast.patient.name not in page_of(page)
    assert thing.number in page_of(page)
    assert [told.consultation for told in page.context["told"]] == [None]


def reads(person, thing) -> int:
    return AuditEntry.objects.filter(
        actor=person.get_username(), action="consultation.read", consultation=thing.pk
    ).count()


def test_every_page_opened_is_on_record_and_fragments_do_not_flood(cast: Cast) -> None:
    thing = walk.accepted(cast)
    doctor = browser(cast.doctor)
    doctor.get(f"/consultations/{thing.pk}/")
    assert reads(cast.doctor, thing) == 1
    for part in ("head", "record", "people", "history", "consent", "opinion", "decision", "messages"):
        assert doctor.get(f"/consultations/{thing.pk}/{part}/", headers=HTMX).status_code == 200
    assert reads(cast.doctor, thing) == 1
    doctor.get(f"/consultations/{thing.pk}/")
    assert reads(cast.doctor, thing) == 2


@pytest.mark.parametrize("part", ["head", "record", "people", "history", "consent", "opinion", "decision", "messages"])
def test_a_fragment_alone_is_a_read_too(cast: Cast, part: str) -> None:
    thing = walk.accepted(cast)
    assert browser(cast.regulator).get(f"/consultations/{thing.pk}/{part}/", headers=HTMX).status_code == 200
    assert reads(cast.regulator, thing) == 1
    assert browser(cast.outsider).get(f"/consultations/{thing.pk}/{part}/", headers=HTMX).status_code == 404
    assert reads(cast.outsider, thing) == 0


def test_the_history_says_who_did_what(cast: Cast) -> None:
    thing = walk.acknowledged(cast)
    answer = browser(cast.doctor).get(f"/consultations/{thing.pk}/history/")
    icons = [entry.icon for entry in answer.context["entries"]]
    assert icons[0] == "check-check"
    assert icons[-1] == "pencil"
    people = [entry.by for entry in answer.context["entries"]]
    assert {"李秀兰", "孙丽", "张文博"} <= set(people)


def test_the_chat_on_the_page_shows_its_end(cast: Cast) -> None:
    thing = walk.accepted(cast)
    for number in range(205):
        message.post(consultation=thing, by=cast.doctor, body=f"第{number + 1}条", token=f"token-{number:04d}")
    page = page_of(browser(cast.doctor).get(f"/consultations/{thing.pk}/messages/", headers=HTMX))
    assert "第205条" in page
    assert "第1条" not in page
