"""The chat: numbered without gaps, a repeated post is one message, the outsider writes nothing."""

import pytest

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, Message, Notification
from consult.services import message
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


def test_messages_are_numbered_and_told_to_the_others(cast: Cast) -> None:
    thing = people.in_session(cast)
    for count, by in enumerate((cast.doctor, cast.expert, cast.scheduler, cast.colleague)):
        message.post(consultation=thing, by=by, body=f" 第{count}条 \x00", token=str(count))
    rows = Message.objects.values_list("seq", "author__username", "body")
    assert list(rows) == [
        (1, "doctor.nitun", "第0条"), (2, "expert.provincial", "第1条"), (3, "scheduler", "第2条"),
        (4, "second.nitun", "第3条"),
    ]  # fmt: skip
    assert (thing.message_seq, Consultation.objects.get(pk=thing.pk).message_seq) == (4, 4)
    first = Notification.objects.filter(key=f"message.{thing.pk}.1").values_list("person__username", flat=True)
    assert sorted(first) == ["expert.provincial", "second.nitun"]
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.detail) == ("message.post", {"seq": 4})


def test_the_same_token_is_the_same_message(cast: Cast) -> None:
    thing = people.accepted(cast)
    first = message.post(consultation=thing, by=cast.doctor, body="血压180/110", token="t")
    rows = AuditEntry.objects.count()
    again = message.post(consultation=thing, by=cast.doctor, body="别的", token="t")
    assert (again.pk, again.body, AuditEntry.objects.count()) == (first.pk, "血压180/110", rows)
    other = message.post(consultation=thing, by=cast.expert, body="收到", token="t")
    assert other.seq == 2
    elsewhere = message.post(consultation=people.accepted(cast), by=cast.doctor, body="另一例", token="t")
    assert elsewhere.seq == 1


def test_a_post_repeated_after_the_end_still_finds_its_message(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    first = message.post(consultation=thing, by=cast.doctor, body="谢谢", token="t")
    people.consultation.close(consultation=thing, by=cast.doctor)
    assert message.post(consultation=thing, by=cast.doctor, body="谢谢", token="t") == first
    for by in (cast.doctor, cast.expert, cast.scheduler):
        with pytest.raises(Conflict):
            message.post(consultation=thing, by=by, body="又", token="u")


@pytest.mark.parametrize("name", ["outsider", "other_expert", "second_expert", "regulator"])
def test_who_takes_no_part_writes_nothing(cast: Cast, name: str) -> None:
    thing = people.offered(cast)
    with pytest.raises(NotAllowed):
        message.post(consultation=thing, by=getattr(cast, name), body="我也想说", token="t")
    assert not Message.objects.exists()


def test_nothing_is_written_into_a_draft(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        message.post(consultation=people.draft(cast), by=cast.doctor, body="早", token="t")


@pytest.mark.parametrize(("body", "code"), [("", "empty"), (" \n\x00", "empty"), ("长" * 4001, "too_long")])
def test_empty_and_endless_messages_are_refused(cast: Cast, body: str, code: str) -> None:
    thing = people.accepted(cast)
    with pytest.raises(Refusal) as refused:
        message.post(consultation=thing, by=cast.doctor, body=body, token="t")
    assert (refused.value.code, refused.value.field) == (code, "body")
    assert message.post(consultation=thing, by=cast.doctor, body="长" * 4000, token="t").seq == 1


@pytest.mark.slow
def test_twenty_who_write_at_once_are_numbered_without_gaps(live_cast: Cast) -> None:
    thing = people.accepted(live_cast)
    people_ = [live_cast.doctor, live_cast.expert] * 10

    def post(index: int) -> int:
        fresh = Consultation.objects.get(pk=thing.pk)
        return message.post(consultation=fresh, by=people_[index], body=f"第{index}条", token=str(index)).seq

    done = together(*(lambda index=index: post(index) for index in range(20)))
    assert sorted(done) == list(range(1, 21))
    assert Consultation.objects.get(pk=thing.pk).message_seq == 20


@pytest.mark.slow
def test_one_post_sent_ten_times_at_once_is_one(live_cast: Cast) -> None:
    thing = people.accepted(live_cast)
    done = together(*(lambda: message.post(consultation=thing, by=live_cast.doctor, body="一次", token="t").seq,) * 10)
    assert (done, Message.objects.count()) == ([1] * 10, 1)
