"""Readings: straight to a desk's queue, read without a call by the first who has time, with templates."""

from typing import Any

import pytest

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, Department, Notification, ReportTemplate, User
from consult.policies import worklist
from consult.services import answer, reading_desk, triage
from consult.states import State
from tests import cast as walk
from tests.cast import Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import HTMX, browser, page_of

IMAGES = {"purpose": "imaging", "specialty": "cardiology"}


@pytest.fixture
def desk(cast: Cast) -> Department:
    return reading_desk.set_reads(department=cast.cardiology, by=cast.scheduler, reads=True)


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__username", flat=True))


def now(thing: Consultation) -> Consultation:
    return Consultation.objects.get(pk=thing.pk)


def list_of(home: str, name: str) -> str:
    return home.split(f'id="list-{name}"')[1].split("</section>")[0]


def test_a_reading_goes_straight_to_its_desk_and_is_read_without_a_call(cast: Cast, desk: Department) -> None:
    thing = walk.submitted(cast, **IMAGES)
    assert (thing.state, thing.asked_department, thing.expert) == (State.TRIAGE, desk, None)
    assert told("reading") == {cast.expert.username, cast.second_expert.username}
    assert told("submitted") == set()
    assert thing not in worklist(cast.scheduler, "todo")
    reader = browser(cast.second_expert)
    home, line = page_of(reader.get("/")), f'data-consultation="{thing.pk}"'
    assert line in list_of(home, "readings")
    assert line not in list_of(home, "department")
    assert reader.post(f"/consultations/{thing.pk}/read/", headers=HTMX).status_code == 204
    taken = now(thing)
    assert (taken.state, taken.expert, taken.accepted_at is not None) == (State.ASYNC_REVIEW, cast.second_expert, True)
    assert "opinion-form" in page_of(reader.get(f"/consultations/{thing.pk}/opinion/draft/"))
    late = browser(cast.expert).post(f"/consultations/{thing.pk}/read/", headers=HTMX)
    assert late.status_code in (403, 404, 409)


def test_what_waits_at_a_desk_is_not_said_to_be_in_triage(cast: Cast, desk: Department) -> None:
    thing = walk.submitted(cast, **IMAGES)
    for who in (cast.doctor, cast.expert, cast.scheduler):
        page = page_of(browser(who).get(f"/consultations/{thing.pk}/"))
        badge = page.split('data-state="triage"')[1].split("</span>")[0]
        assert ("待阅片" in badge, "分诊中" in badge) == (True, False)
    assert "待阅片" in list_of(page_of(browser(cast.expert).get("/")), "readings")
    triaged = walk.in_triage(cast, purpose="diagnosis")
    assert "分诊中" in page_of(browser(cast.doctor).get(f"/consultations/{triaged.pk}/"))


@pytest.mark.parametrize("change", [{"purpose": "diagnosis"}, {"specialty": "radiology"}])
def test_without_a_desk_of_its_specialty_it_is_triaged(cast: Cast, desk: Department, change: dict[str, str]) -> None:
    thing = walk.submitted(cast, **(IMAGES | change))
    assert (thing.state, thing.asked_department) == (State.SUBMITTED, None)
    assert told("submitted") == {cast.scheduler.username}


def test_the_desk_with_the_least_waiting_gets_the_next(cast: Cast, desk: Department) -> None:
    other = Department.objects.create(
        hospital=cast.provincial, name="心电图室", name_en="ECG", specialty="cardiology", reads=True
    )
    assert walk.submitted(cast, **IMAGES).asked_department == desk  # nobody reads at the other
    walk.person("reader", "读图", "Du Tu", "expert", other)
    assert walk.submitted(cast, **IMAGES).asked_department == other
    assert walk.submitted(cast, **IMAGES).asked_department == desk


def test_a_scheduler_gives_it_to_a_desk_through_the_dialog(cast: Cast, desk: Department) -> None:
    thing = walk.offered(cast, **IMAGES | {"specialty": "radiology"})
    answer.decline(consultation=thing, by=cast.expert, reason="不在班")
    scheduler = browser(cast.scheduler)
    page = page_of(scheduler.get(f"/consultations/{thing.pk}/dialogs/to-desk/", headers=HTMX))
    assert f'value="{desk.pk}"' in page
    sent = {"department": desk.pk, "revision": now(thing).revision}
    assert scheduler.post(f"/consultations/{thing.pk}/to-desk/", sent, headers=HTMX).status_code == 204
    given = now(thing)
    assert (given.state, given.asked_department, given.expert) == (State.TRIAGE, desk, None)
    assert scheduler.post(f"/consultations/{thing.pk}/to-desk/", sent, headers=HTMX).status_code == 409
    reading_desk.set_reads(department=desk, by=cast.scheduler, reads=False)
    with pytest.raises(Refusal) as refused:
        reading_desk.give(consultation=given, by=cast.scheduler, department=desk)
    assert refused.value.code == "desk_unfit"


def test_only_schedulers_open_desks_and_it_is_audited(cast: Cast) -> None:
    url = f"/desks/{cast.cardiology.pk}/switch/"
    assert browser(cast.scheduler).post(url, {"reads": "yes"}).status_code == 302
    assert Department.objects.get(pk=cast.cardiology.pk).reads
    assert AuditEntry.objects.filter(action="department.open_desk", actor=cast.scheduler.username).count() == 1
    for user in (cast.doctor, cast.expert, cast.regulator):
        assert browser(user).post(url, {"reads": "no"}).status_code == 404
        assert browser(user).get("/desks/").status_code == 404
        with pytest.raises(NotAllowed):
            reading_desk.set_reads(department=cast.cardiology, by=user, reads=False)
    with pytest.raises(Conflict):
        reading_desk.set_reads(department=cast.cardiology, by=cast.scheduler, reads=True)
    assert cast.cardiology.name in page_of(browser(cast.scheduler).get("/desks/"))


TEMPLATE: dict[str, Any] = {
    "name": "胸部CT平扫",
    "modality": "CT",
    "findings": "双肺纹理清晰。",
    "diagnosis": "未见异常",
}


def test_templates_are_written_by_readers_and_offered_in_the_editor(cast: Cast, desk: Department) -> None:
    expert = browser(cast.expert)
    assert expert.post("/desks/templates/", TEMPLATE).status_code == 302
    row = ReportTemplate.objects.get()
    assert (row.department, row.changed_by, row.findings) == (desk, cast.expert, "双肺纹理清晰。")
    assert expert.post("/desks/templates/", TEMPLATE).status_code == 422  # of this name there is one
    assert expert.post("/desks/templates/", {"name": "空"}).status_code == 422
    changed = TEMPLATE | {"recommendation": "随访"}
    assert browser(cast.second_expert).post(f"/desks/templates/{row.pk}/", changed).status_code == 302
    thing = answer.read(consultation=walk.submitted(cast, **IMAGES), by=cast.expert)
    editor = page_of(expert.get(f"/consultations/{thing.pk}/opinion/draft/"))
    assert 'data-recommendation="随访"' in editor
    assert expert.post(f"/desks/templates/{row.pk}/delete/").status_code == 302
    assert "data-template-choice" not in page_of(expert.get(f"/consultations/{thing.pk}/opinion/draft/"))


def test_templates_of_others_do_not_exist(cast: Cast, desk: Department) -> None:
    row = reading_desk.keep_template(department=desk, by=cast.expert, fields=TEMPLATE)
    for user in (cast.other_expert, cast.doctor, cast.scheduler):
        assert browser(user).get(f"/desks/templates/{row.pk}/").status_code == 404
        assert browser(user).post(f"/desks/templates/{row.pk}/delete/").status_code == 404
        with pytest.raises(NotAllowed):
            reading_desk.keep_template(department=desk, by=user, fields=TEMPLATE | {"name": "x"}, template=row)


@pytest.mark.slow
def test_of_two_who_begin_to_read_one_is_first(live_cast: Cast) -> None:
    reading_desk.set_reads(department=live_cast.cardiology, by=live_cast.scheduler, reads=True)
    thing = walk.submitted(live_cast, **IMAGES)

    def read(by: User) -> Any:
        return answer.read(consultation=now(thing), by=by)

    found = together(lambda: read(live_cast.expert), lambda: read(live_cast.second_expert))
    assert sorted(type(each).__name__ for each in found) == ["Consultation", "str"]


def test_what_a_desk_asked_for_comes_back_to_its_queue(cast: Cast, desk: Department) -> None:
    thing = walk.submitted(cast, **IMAGES)
    triage.ask_more(consultation=thing, by=cast.scheduler, reason="请补侧位片")
    triage.supply(consultation=thing, by=cast.doctor, answer="已补")
    assert thing in worklist(cast.second_expert, "department")
