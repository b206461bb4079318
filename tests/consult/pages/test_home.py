"""The one home page: who sees which lists, what they hold, and what they cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consult.models import Participant
from consult.services import answer
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of


def names(answer) -> list[str]:
    return [item["section"].name for item in answer.context["lists"]]


def rows(answer, name: str) -> list[int]:
    item = next(item for item in answer.context["lists"] if item["section"].name == name)
    return [consultation.pk for consultation, _step in item["rows"]]


def test_each_role_has_its_lists(cast: Cast) -> None:
    assert names(browser(cast.doctor).get("/")) == ["yours", "calls", "open", "done"]
    assert names(browser(cast.expert).get("/")) == ["offered", "opinions", "calls", "department", "done"]
    assert names(browser(cast.scheduler).get("/")) == ["triage", "calls", "open", "done"]
    assert names(browser(cast.regulator).get("/")) == ["calls", "open", "done"]


def test_what_the_bar_has_no_room_for_is_under_more(cast: Cast) -> None:
    page = page_of(browser(cast.scheduler).get("/statistics/"))
    bar, _more, rest = page.partition("nav-more nav-more-huge")
    assert bar.count('class="nav-wide"') == 1  # a phone shows four and "More"
    assert bar.count('class="nav-huge"') == rest.count("menu-item more-huge") >= 2
    assert 'class="is-huge"' in rest  # where the person is, is under it
    assert 'more-wide" href="/roster/"' in rest
    few = page_of(browser(cast.expert).get("/"))
    assert few.count("/statistics/") == 1
    assert "nav-more" not in few


def test_a_request_wanders_through_the_lists(cast: Cast) -> None:
    draft = walk.draft(cast)
    sent, offered, accepted = walk.submitted(cast), walk.offered(cast), walk.accepted(cast)
    due, declined = walk.opinion_due(cast), walk.declined(cast)
    asker = browser(cast.doctor).get("/")
    assert rows(asker, "yours") == [draft.pk]
    assert rows(asker, "open") == [sent.pk, offered.pk, declined.pk]
    assert rows(asker, "calls") == [accepted.pk, due.pk]
    expert = browser(cast.expert).get("/")
    assert rows(expert, "offered") == [offered.pk]
    assert rows(expert, "opinions") == [due.pk]
    assert rows(expert, "calls") == [accepted.pk]
    assert rows(expert, "department") == [declined.pk]
    assert rows(browser(cast.scheduler).get("/"), "triage") == [sent.pk, declined.pk]


def test_the_outsider_sees_nothing_of_nitun(cast: Cast) -> None:
    walk.submitted(cast)
    walk.accepted(cast)
    page = page_of(browser(cast.outsider).get("/"))
    assert cast.patient.name not in page
    assert cast.patient.name in page_of(browser(cast.doctor).get("/"))


def test_buttons_are_the_legal_moves(cast: Cast) -> None:
    thing = walk.offered(cast)
    page = page_of(browser(cast.expert).get("/"))
    assert f'hx-post="/consultations/{thing.pk}/accept/"' in page
    assert f'hx-get="/consultations/{thing.pk}/dialogs/decline/"' in page
    assert f"/consultations/{thing.pk}/take/" not in page
    other = page_of(browser(cast.second_expert).get("/"))
    assert f'hx-post="/consultations/{thing.pk}/take/"' in other
    assert f"/consultations/{thing.pk}/accept/" not in other


def test_lists_have_pages(cast: Cast) -> None:
    for _ in range(11):
        walk.submitted(cast)
    desk = browser(cast.scheduler)
    assert len(rows(desk.get("/"), "triage")) == 10
    second = desk.get("/worklists/triage/?page=2")
    assert len(second.context["rows"]) == 1
    assert desk.get("/worklists/triage/?page=99").context["page"].number == 2


@pytest.mark.parametrize(
    ("who", "section"), [("doctor", "triage"), ("scheduler", "offered"), ("regulator", "yours"), ("doctor", "nonsense")]
)
def test_other_peoples_lists_do_not_exist(cast: Cast, who: str, section: str) -> None:
    assert browser(getattr(cast, who)).get(f"/worklists/{section}/").status_code == 404


def test_a_list_is_read_only(cast: Cast) -> None:
    assert browser(cast.scheduler).post("/worklists/triage/").status_code == 405
    assert browser(cast.scheduler).post("/").status_code == 405


def test_who_is_not_signed_in_is_asked_to(db: None) -> None:
    answer_ = Client().get("/")
    assert (answer_.status_code, answer_["Location"]) == (302, "/accounts/login/?next=/")


def cost(user, path: str) -> int:
    client = browser(user)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.slow
def test_thirty_rows_cost_the_same_queries_as_one(cast: Cast) -> None:
    """Also with other people's names in every row."""
    walk.submitted(cast)
    walk.accepted(cast)
    walk.offered(cast)
    people = [cast.doctor, cast.expert, cast.scheduler, cast.regulator]
    pages = [(person, path) for person in people for path in ("/", "/notifications/")]
    before = [cost(*page) for page in pages]
    for _ in range(9):
        walk.submitted(cast)
        walk.offered(cast)
        thing = walk.offered(cast)
        answer.take_from_department(consultation=thing, by=cast.second_expert)
        Participant.objects.create(consultation=thing, person=cast.colleague, side="asking")
        walk.accepted(cast)
    assert [cost(*page) for page in pages] == before


def test_the_regulator_reads_where_the_chain_ends(cast: Cast) -> None:
    walk.submitted(cast)
    answer_ = browser(cast.regulator).get("/")
    assert answer_.context["audit_last"].hash[:16] in page_of(answer_)
    assert "audit_last" not in browser(cast.doctor).get("/").context


@pytest.mark.parametrize(
    "words_of",
    [
        lambda thing: thing.number[-9:],
        lambda thing: thing.question[2:6],
        lambda thing: thing.patient.name,
        lambda thing: thing.patient.name_index.split()[0].upper(),
        lambda thing: thing.asker.name,
        lambda thing: f" {thing.hospital.name_en[1:]} ",
    ],
)
def test_search_finds_what_one_may_see_and_nothing_else(cast: Cast, words_of) -> None:
    thing = walk.submitted(cast)
    words = {"q": words_of(thing)}
    assert rows(browser(cast.doctor).get("/", words), "found") == [thing.pk]
    assert browser(cast.scheduler).get("/worklists/found/", words).context["page"].object_list[0] == thing
    assert rows(browser(cast.outsider).get("/", words), "found") == []
    assert cast.patient.name not in page_of(browser(cast.outsider).get("/worklists/found/", words))


def test_search_says_when_nothing_matches_and_leads_back(cast: Cast) -> None:
    walk.submitted(cast)
    answer_ = browser(cast.doctor).get("/", {"q": "<b>不存在"})
    assert names(answer_) == ["found"]
    assert "&lt;b&gt;不存在" in page_of(answer_)
    assert rows(answer_, "found") == []
    assert names(browser(cast.doctor).get("/", {"q": "  "})) != ["found"]


def test_the_line_above_the_lists_counts_what_they_hold(cast: Cast) -> None:
    walk.offered(cast)
    expert = browser(cast.expert)
    first = expert.get("/")
    walk.offered(cast)
    walk.opinion_due(cast)
    fragment = expert.get("/worklists/offered/")
    assert (first.context["waiting"], fragment.context["waiting"]) == (1, 3)
    assert '<p id="waiting" hx-swap-oob="true">' in page_of(fragment)
    assert 'id="waiting"' not in page_of(expert.get("/worklists/done/"))
    assert expert.get("/").context["waiting"] == 3
