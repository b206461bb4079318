"""Statistics: each figure again by plain SQL; only what one may see; the same number of queries for 3 rows and 30."""

import re
import statistics as plain
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consult.models import Clock, Consultation, MoveReason
from consult.paper import chart
from consult.policies.statistics import counted
from consult.services import answer, consultation, decision, opinion, statistics, triage
from consult.services.statistics import Filters
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of


@pytest.fixture
def month(cast: Cast) -> Filters:
    """Some consultations of every kind, their moments spread over two months."""
    makers: list[Any] = [
        people.submitted,
        people.accepted,
        people.signed,
        people.signed,
        people.acknowledged,
        people.closed,
    ]
    things = [
        make(cast, present_codes=["I20.0"], purpose="referral" if n % 2 else "diagnosis")
        for n, make in enumerate(makers * 2)
    ]
    declined = answer.decline(consultation=people.offered(cast), by=cast.expert, reason="正在手术")
    triage.assign(consultation=declined, by=cast.scheduler, expert=cast.second_expert, department=cast.cardiology)
    answer.decline(consultation=people.offered(cast), by=cast.expert, reason="正在 手术")
    people.returned(cast)
    for verdict, final in (("partly", "I20.9"), ("not", "I21.4")):
        thing = people.signed(cast, present_codes=["I20.0"])
        version = opinion.newest(thing)
        assert version is not None
        decision.record(
            version=version, by=cast.doctor, verdict=verdict, reason="x", final_diagnosis="x", final_codes=[final]
        )
        things.append(thing)
    _spread()
    today = timezone.localdate()
    return Filters(today - timedelta(days=70), today)


def _spread() -> None:
    """Moments that are not all the same minute: each consultation has its own pace."""
    for n, row in enumerate(Consultation.objects.filter(submitted_at__isnull=False).order_by("pk")):
        at = timezone.now() - timedelta(days=3 * n, hours=n)
        moments = {}
        for step, name in enumerate(
            ("submitted_at", "offered_at", "accepted_at", "session_started_at", "session_ended_at", "signed_at")
        ):
            if getattr(row, name):
                moments[name] = at + timedelta(minutes=step * (7 + 11 * n))
        Consultation.objects.filter(pk=row.pk).update(**moments)
        if n % 4 == 1:
            running = Clock.objects.filter(consultation=row, step="accept", ended_at__isnull=False)
            running.update(due_at=F("ended_at") - timedelta(minutes=1))


def sql(question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


def when(value: Any) -> datetime:
    """SQLite gives moments as text in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def test_every_figure_is_what_plain_sql_counts(cast: Cast, month: Filters) -> None:
    found = statistics.report(counted(cast.regulator), month)
    every = "FROM consult_consultation WHERE submitted_at IS NOT NULL"
    assert found.total.requests == sql(f"SELECT count(*) {every}")[0][0] == 17
    assert found.total.answered == sql(f"SELECT count(*) {every} AND signed_at IS NOT NULL")[0][0]
    spans = sql(f"SELECT submitted_at, signed_at {every} AND signed_at IS NOT NULL")
    minutes = sorted((when(signed) - when(sent)).total_seconds() / 60 for sent, signed in spans)
    whole = found.steps[-1]
    assert whole.median == pytest.approx(plain.median(minutes))
    assert whole.p90 == pytest.approx(plain.quantiles(minutes, n=10, method="inclusive")[-1])
    assert (whole.count, whole.longest) == (len(minutes), pytest.approx(minutes[-1]))
    late = sql("SELECT DISTINCT consultation_id, step FROM consult_clock WHERE ended_at > due_at")
    assert {one.name: one.late for one in found.steps} == {
        "triage": 0, "accept": len([step for _pk, step in late if step == "accept"]), "start": 0, "call": None,
        "opinion": 0, "whole": None,
    }  # fmt: skip
    assert found.total.late == len({pk for pk, _step in late}) == 4
    assert (
        found.total.refusals
        == sql("SELECT count(*) FROM consult_movereason WHERE move IN ('decline', 'return_')")[0][0]
        == 3
    )
    assert found.reasons == [("decline", "正在手术", 2), ("return_", "科室有误", 1)] or found.reasons[0][2] == 1
    verdicts = dict(sql("SELECT verdict, count(*) FROM consult_decision GROUP BY verdict"))
    assert (found.total.adopted, found.total.partly, found.total.decided) == (
        verdicts["adopted"], verdicts["partly"], sum(verdicts.values()),
    )  # fmt: skip
    assert (found.total.changed, found.total.compared) == (1, 2)
    avoided = sql(
        f"SELECT count(*) {every} AND purpose = 'referral' AND state IN ('ACKNOWLEDGED', 'FOLLOW_UP', 'CLOSED')"
    )
    assert found.total.avoided == avoided[0][0] > 0
    by_hospital = dict(sql(f"SELECT hospital_id, count(*) {every} GROUP BY hospital_id"))
    assert {line.key: line.requests for line in found.hospitals} == by_hospital
    by_expert = dict(sql(f"SELECT expert_id, count(*) {every} AND expert_id IS NOT NULL GROUP BY expert_id"))
    assert {line.key: line.requests for line in found.experts} == by_expert
    assert sum(line.requests for line in found.months) == found.total.requests
    assert len(found.months) in (3, 4)


def test_everybody_counts_what_they_may_see(cast: Cast, month: Filters) -> None:
    def total(user: Any, **narrow: Any) -> int:
        filters = Filters(month.first, month.last, **narrow)
        return statistics.report(counted(people.again(user)), filters).total.requests

    assert (total(cast.regulator), total(cast.scheduler), total(cast.doctor)) == (17, 17, 17)
    assert (total(cast.outsider), total(cast.other_expert)) == (0, 0)
    assert 0 < total(cast.expert) < 17
    assert total(cast.regulator, hospital=cast.haizhou.pk) == 0
    assert total(cast.regulator, specialty="cardiology", urgency="urgent", hospital=cast.nitun.pk) == 17
    assert browser(cast.outsider).get("/statistics/").context["total"].requests == 0
    names = [table["name"] for table in browser(cast.doctor).get("/statistics/").context["tables"]]
    assert "experts" not in names
    assert browser(cast.doctor).get("/statistics/?csv=experts").status_code == 404


def test_the_page_and_its_csv_say_the_same(cast: Cast, month: Filters) -> None:
    desk = browser(cast.regulator)
    answer_ = desk.get("/statistics/")
    page = page_of(answer_)
    assert f'value="{timezone.localdate():%Y-%m-%d}"' in page  # a calendar of the browser takes no other form
    assert page.count('<svg class="chart') == sum(1 for table in answer_.context["tables"] if table["chart"]) >= 6
    table = desk.get("/statistics/?csv=hospitals")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[1].startswith(f"{cast.nitun.name},17,")
    assert len(lines) == 2
    assert desk.get("/statistics/?first=2026-02-30").status_code == 422
    assert desk.get("/statistics/?first=2026-02-03&last=2026-02-01").status_code == 422
    early = browser(cast.regulator, headers={"Accept-Language": "en"}).get(
        "/statistics/?first=2020-01-01&last=2020-02-01"
    )
    assert "Nothing was sent" in page_of(early)


def test_words_of_a_table_are_no_formula(cast: Cast) -> None:
    triage.return_(consultation=people.in_triage(cast), by=cast.scheduler, reason="=HYPERLINK(1)")
    text = browser(cast.regulator).get("/statistics/?csv=reasons").content.decode()
    assert "'=HYPERLINK(1)" in text


def test_thirty_rows_cost_the_same_queries_as_three(cast: Cast) -> None:
    client = browser(cast.regulator)

    def cost() -> int:
        client.get("/statistics/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/statistics/").status_code == 200
        return len(queries)

    people.acknowledged(cast)
    people.declined(cast)
    before = cost()
    for _again in range(3):
        people.acknowledged(cast)
        people.declined(cast)
        people.signed(cast)
    assert cost() == before


def test_the_reason_stays_with_who_gave_it(cast: Cast) -> None:
    thing = answer.decline(consultation=people.offered(cast), by=cast.expert, reason="  停诊 ")
    consultation.cancel(consultation=thing, by=cast.doctor, reason="好转")
    assert list(MoveReason.objects.values_list("move", "words", "by__username", "hospital__code")) == [
        ("decline", "停诊", "expert.provincial", "provincial")
    ]


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_quantiles_are_those_of_percentile_cont(share: float, count: int) -> None:
    values = [float(n * n) for n in range(count)]
    wanted = values[0] if count == 1 else plain.quantiles(values, n=10, method="inclusive")[round(share * 10) - 1]
    assert statistics.quantile(values, share) == pytest.approx(wanted)
    assert statistics.quantile([], share) is None


def test_bars_are_as_long_as_their_values() -> None:
    drawn = chart.lying(["a"], [("one", [(50.0, "50")]), ("two", [(100.0, "100")]), ("none", [(None, "–")])])
    assert [bar.width for group in drawn.groups for bar in group.bars] == ["39.00%", "78.00%", "0.00%"]
    tall = chart.standing(["a"], [("01", [(1.0, "1")]), ("02", [(4.0, "4")])])
    assert [group.bars[0].height for group in tall.groups] == [40, 160]
    assert re.fullmatch(r"\d+\.\d\d%", tall.groups[0].x)
    assert date(2026, 1, 1)
