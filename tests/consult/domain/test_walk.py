"""The main job through the services, from the empty draft to the closed record."""

from consult.models import AuditEntry, Consultation, Notification
from consult.services import audit, consultation
from tests import cast as people
from tests.cast import Cast


def test_the_main_job(cast: Cast) -> None:
    thing = people.closed(cast)
    assert thing.state == "CLOSED"
    assert audit.verify().broken is None
    moves = AuditEntry.objects.filter(object_kind="consultation", action__startswith="consultation.")
    assert [entry.action.split(".")[1] for entry in moves] == [
        "start", "save_draft", "submit", "assign", "accept", "wait", "begin", "end_session", "sign", "decide", "close",
    ]  # fmt: skip
    assert Consultation.objects.get().revision == 1 + len(moves) - 1
    told = set(Notification.objects.filter(person=cast.doctor).values_list("kind", flat=True))
    assert told == {"offered_asker", "accepted", "signed"}


def test_every_helper_reaches_its_state(cast: Cast) -> None:
    reached = [
        walk(cast).state
        for walk in (
            people.draft, people.submitted, people.in_triage, people.needs_info, people.returned, people.offered,
            people.declined, people.accepted, people.in_review, people.waiting, people.in_session, people.interrupted,
            people.opinion_due, people.signed, people.acknowledged, people.following_up, people.closed,
            people.cancelled,
        )
    ]  # fmt: skip
    assert reached == [
        "DRAFT", "SUBMITTED", "TRIAGE", "NEEDS_INFO", "RETURNED", "OFFERED", "DECLINED", "ACCEPTED", "ASYNC_REVIEW",
        "WAITING", "IN_SESSION", "INTERRUPTED", "OPINION_DUE", "SIGNED", "ACKNOWLEDGED", "FOLLOW_UP", "CLOSED",
        "CANCELLED",
    ]  # fmt: skip
    numbers = Consultation.objects.exclude(number=None).order_by("pk").values_list("number", flat=True)
    assert [number[-4:] for number in numbers] == [f"{count:04d}" for count in range(1, 18)]
    assert consultation.missing(people.draft(cast)) == []
