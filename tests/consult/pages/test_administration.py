"""Hospitals, departments and agreements through their pages: made, changed, closed, and by whom."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consult import policies
from consult.errors import Conflict
from consult.models import Agreement, AuditEntry, Department, Hospital, Role, User
from consult.policies import person
from consult.services import administration, audit, outbox
from tests import cast as people
from tests.cast import Cast
from tests.consult.pages.browsers import browser, page_of

NEW = {"code": "mishan", "name": "米山镇中心卫生院", "name_en": "Mishan", "tier": "township", "county": "高平市"}


@pytest.fixture
def desk(cast: Cast) -> Client:
    return browser(cast.scheduler)


@pytest.fixture
def own(cast: Cast) -> User:
    """A scheduler of one hospital."""
    user = people.person("scheduler.provincial", "钱进", "Qian Jin", "scheduler")
    Role.objects.filter(person=user).update(hospital=cast.provincial)
    return people.again(user)


def actions() -> list[str]:
    kept = ("hospital.", "department.", "agreement.")
    return [each for each in AuditEntry.objects.values_list("action", flat=True) if each.startswith(kept)]


def test_a_hospital_with_department_and_agreement_can_ask_at_once(cast: Cast, desk: Client) -> None:
    assert desk.post("/administration/hospitals/new/", NEW).status_code == 302
    mishan = Hospital.objects.get(code="mishan")
    fields = {"name": "全科", "name_en": "General Practice", "specialty": "general"}
    assert desk.post(f"/administration/hospitals/{mishan.pk}/departments/new/", fields).status_code == 302
    assert not person.agreed_hospitals(mishan.pk).exists()
    today = timezone.localdate()
    days = {"valid_from": today, "valid_until": today + timedelta(days=30)}
    said = {"primary": mishan.pk, "superior": cast.provincial.pk, "number": "SX-9", **days}
    assert desk.post("/administration/agreements/new/", said).status_code == 302
    assert list(person.agreed_hospitals(mishan.pk)) == [cast.provincial.pk]
    page = page_of(desk.get(f"/administration/hospitals/{mishan.pk}/"))
    assert "全科" in page
    assert "SX-9" in page
    assert actions() == ["hospital.add", "department.add", "agreement.add"]
    assert audit.verify().broken is None


def test_what_is_there_already_or_cannot_be_is_said_at_its_field(cast: Cast, desk: Client) -> None:
    taken = desk.post("/administration/hospitals/new/", {**NEW, "code": "nitun"})
    assert taken.status_code == 422
    assert taken.context["form"].errors.keys() == {"code"}
    today = timezone.localdate()
    said = {"primary": cast.nitun.pk, "superior": cast.provincial.pk, "number": "SX-nitun-provincial"}
    answer = desk.post("/administration/agreements/new/", {**said, "valid_from": today, "valid_until": today})
    assert answer.context["form"].errors.keys() == {"number"}
    late = {**said, "number": "SX-8", "valid_from": today, "valid_until": today - timedelta(days=1)}
    assert desk.post("/administration/agreements/new/", late).context["form"].errors.keys() == {"valid_until"}
    fields = {"name": cast.cardiology.name, "name_en": "x", "specialty": "general"}
    double = desk.post(f"/administration/hospitals/{cast.provincial.pk}/departments/new/", fields)
    assert double.context["form"].errors.keys() == {"name"}
    assert actions() == []


def test_a_new_name_is_found_and_the_old_one_is_not(cast: Cast, desk: Client) -> None:
    thing = people.submitted(cast)
    fields = {"name": "泥屯中心医院", "name_en": "Nitun Hospital", "tier": "township", "county": ""}
    assert desk.post(f"/administration/hospitals/{cast.nitun.pk}/", fields).status_code == 302
    while outbox.sweep():
        pass
    found = [row.pk for row in policies.found(people.again(cast.scheduler), "泥屯中心医院")]
    assert found == [thing.pk]
    assert not policies.found(people.again(cast.scheduler), "泥屯镇中心卫生院").exists()
    assert actions() == ["hospital.set"]


def test_of_two_who_change_it_at_once_the_second_is_told(cast: Cast) -> None:
    seen = Hospital.objects.get(pk=cast.nitun.pk)
    administration.set_hospital(by=cast.scheduler, hospital=Hospital.objects.get(pk=seen.pk), county="阳曲县")
    with pytest.raises(Conflict):
        administration.set_hospital(by=cast.scheduler, hospital=seen, county="别处")
    assert Hospital.objects.get(pk=seen.pk).county == "阳曲县"


def test_a_closed_department_is_not_asked_and_comes_back(cast: Cast, desk: Client) -> None:
    thing = people.submitted(cast)
    page = f"/administration/departments/{cast.cardiology.pk}/"
    assert people.offered(cast).pk  # one that is open is counted
    assert "1" in page_of(desk.get(page))
    desk.post(f"{page}switch/")
    assert cast.cardiology.pk not in {role.department_id for role in person.expert_roles(thing)}
    assert desk.post(f"{page}switch/").status_code == 409  # somebody closed it already
    desk.post(f"{page}switch/", {"active": "1"})
    assert cast.cardiology.pk in {role.department_id for role in person.expert_roles(thing)}
    assert actions() == ["department.close", "department.open"]


def test_an_agreement_ends_early_with_a_reason_and_nothing_new_is_asked_under_it(cast: Cast, desk: Client) -> None:
    row = Agreement.objects.get(primary=cast.nitun, superior=cast.provincial)
    assert desk.post(f"/administration/agreements/{row.pk}/end/", {"reason": " "}).status_code == 422
    assert desk.post(f"/administration/agreements/{row.pk}/end/", {"reason": "改签"}).status_code == 302
    assert cast.provincial.pk not in set(person.agreed_hospitals(cast.nitun.pk))
    assert desk.post(f"/administration/agreements/{row.pk}/end/", {"reason": "再次"}).status_code == 409
    assert AuditEntry.objects.get(action="agreement.end").detail == {"reason": "改签"}


def test_a_hospitals_scheduler_keeps_that_hospital_and_no_other(cast: Cast, own: User) -> None:
    client = browser(own)
    listed = client.get("/administration/").context["rows"]
    assert [row.pk for row in listed] == [cast.provincial.pk]
    assert client.get(f"/administration/hospitals/{cast.nitun.pk}/").status_code == 404
    assert client.get("/administration/hospitals/new/").status_code == 404
    assert client.post(f"/administration/hospitals/{cast.provincial.pk}/switch/").status_code == 404
    assert client.get(f"/administration/departments/{cast.radiology.pk}/").status_code == 404
    row = Agreement.objects.get(primary=cast.nitun, superior=cast.provincial)
    assert client.post(f"/administration/agreements/{row.pk}/end/", {"reason": "x"}).status_code == 404
    said = {"name": "省人民医院", "name_en": "Provincial", "tier": "township", "county": ""}
    assert client.post(f"/administration/hospitals/{cast.provincial.pk}/", said).status_code == 302
    kept = Hospital.objects.get(pk=cast.provincial.pk)
    assert (kept.name, kept.tier) == ("省人民医院", "provincial")  # its level is the province's affair
    for outside in (cast.doctor, cast.expert, cast.regulator):
        assert browser(outside).get("/administration/").status_code == 404


def test_thirty_hospitals_cost_the_same_queries_as_three(cast: Cast, desk: Client) -> None:
    def cost() -> int:
        desk.get("/administration/")
        with CaptureQueriesContext(connection) as queries:
            assert desk.get("/administration/").status_code == 200
        return len(queries)

    before = cost()
    for number in range(25):
        hospital = Hospital.objects.create(code=f"h{number}", name=f"医院{number}", name_en="x", tier="township")
        Department.objects.create(hospital=hospital, name="科", name_en="x", specialty="general")
    assert cost() == before
    found = desk.get("/administration/?q=医院7").context["rows"]
    assert [row.code for row in found] == ["h7"]
