"""Search: by all words a person knows, in every spelling, kept in the transaction that changes them, within policy."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consult import policies
from consult.codes import sought
from consult.models import Consultation, SearchEntry, User
from consult.services import decision, opinion, patient, search
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of


def found(user: User, text: str) -> list[int]:
    return [row.pk for row in policies.found(people.again(user), text)]


@pytest.mark.parametrize(
    "text",
    [
        "王桂英", "桂英", "王", "wangguiying", "WGY", "wg", "N-0001", "冠心病", "痛", "I20.0",
        "不稳定型", "unstable angina", "泥屯 王桂英", "zhangwenbo 心绞痛", "Ｗangguiying", "李秀兰", "造影",
    ],
)  # fmt: skip
def test_it_is_found_by_what_one_knows_of_it(cast: Cast, text: str) -> None:
    thing = people.accepted(cast, present_codes=["I20.0"])
    number = thing.number or ""
    for user in (cast.doctor, cast.expert, cast.scheduler, cast.regulator):
        assert found(user, text) == [thing.pk], (user.username, text)
        assert found(user, f"{text} {number} {number[1:5]}-{number[5:7]}") == [thing.pk]
        assert found(user, f"{text} 不存在") == []
    assert found(cast.outsider, text) == []


def test_what_changes_is_found_at_once_by_its_new_words_only(cast: Cast) -> None:
    thing = people.signed(cast)
    assert found(cast.regulator, "冠脉综合征") == [thing.pk]
    patient.correct(patient=cast.patient, by=cast.doctor, fields={"name": "欧阳娜", "record_number": "X-77"})
    assert [found(cast.doctor, words) for words in ("欧阳", "ouyangna", "oyn", "x-77")] == [[thing.pk]] * 4
    assert [found(cast.doctor, words) for words in ("王桂英", "wangguiying", "N-0001")] == [[]] * 3
    version = opinion.newest(thing)
    assert version is not None
    decision.record(
        version=version, by=cast.doctor, verdict="adopted", reason="", final_diagnosis="肺栓塞", final_codes=["I26.9"]
    )
    assert found(cast.scheduler, "肺栓塞") == found(cast.scheduler, "embolism") == [thing.pk]


def test_a_draft_of_an_opinion_is_never_found(cast: Cast) -> None:
    thing = people.opinion_due(cast)
    people.write_opinion(cast, thing, diagnosis="还没有签的诊断")
    search.keep([thing.pk])
    assert found(cast.expert, "还没有签") == found(cast.doctor, "还没有签") == []
    people.sign(cast, thing, diagnosis="还没有签的诊断")
    assert found(cast.doctor, "还没有签") == [thing.pk]


def test_only_who_sees_all_asks_the_index_of_all(cast: Cast) -> None:
    people.accepted(cast)
    for user, asks in ((cast.regulator, True), (cast.scheduler, True), (cast.doctor, False), (cast.expert, False)):
        with CaptureQueriesContext(connection) as queries:
            found(user, "王桂英")
        assert any('"folded"' in one["sql"] for one in queries) is asks


def test_wildcards_and_odd_questions_are_words_like_others(cast: Cast) -> None:
    people.accepted(cast)
    for text in ("%", "_", "%%%", "王%英", "\\", "'", "\x00", "   ", "a" * 500):
        assert found(cast.regulator, text) == []
    assert len(sought.words(" ".join("abcdefgh"))) == sought.MOST


def test_what_has_no_entry_gets_one(cast: Cast) -> None:
    thing = people.accepted(cast)
    SearchEntry.objects.all().delete()
    assert found(cast.regulator, "王桂英") == []
    assert (search.catch_up(), search.catch_up()) == (1, 0)
    assert found(cast.regulator, "王桂英") == [thing.pk]


def test_folding_keeps_every_chinese_character_apart() -> None:
    codes = [sought.folded(chr(code)) for code in range(0x3400, 0xA000)]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {3}


def test_the_page_shows_why_it_was_found(cast: Cast) -> None:
    people.accepted(cast)
    page = page_of(browser(cast.doctor).get("/", {"q": "心绞痛 李秀"}))
    assert "<mark>心绞痛</mark>" in page
    assert "<mark>李秀</mark>" in page
    assert "<mark>王桂英</mark>" in page_of(browser(cast.doctor).get("/", {"q": "wgy"}))
    assert Consultation.objects.count() == 1
