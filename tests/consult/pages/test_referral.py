"""Two-way referral: up and down, both letters, every step seen by the other side, sight that ends with it."""

import re
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from consult.errors import Refusal
from consult.models import Agreement, Consultation, Letter, Notification, Referral, Role, User
from consult.services import audit, letter, referral
from tests import cast as people
from tests.cast import PASSWORD, Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import browser, page_of

TRANSFER = {
    "reason": "需行冠脉造影",
    "diagnosis": "不稳定型心绞痛",
    "codes": "I20.0",
    "treatment": "阿司匹林300mg嚼服",
    "condition": "血压130/80mmHg，神志清楚",
    "wanted": "冠脉造影及介入治疗",
    "password": PASSWORD,
}
DISCHARGE = {
    "course": "前降支植入支架1枚，术后平稳",
    "diagnosis": "不稳定型心绞痛，PCI术后",
    "codes": "I20.0",
    "treatment": "双联抗血小板",
    "condition": "一般情况好",
    "advice": "1月后复查血脂",
    "password": PASSWORD,
}


def sent(cast: Cast, thing: Consultation | None = None, by: User | None = None, **changed: Any) -> Referral:
    """Up from a consultation by the page."""
    thing = thing or people.acknowledged(cast)
    url = f"{reverse('referral-new')}?consultation={thing.pk}"
    answer = browser(by or cast.doctor).post(url, {**TRANSFER, "to_department": cast.cardiology.pk, **changed})
    assert answer.status_code == 302, page_of(answer)
    return Referral.objects.latest("pk")


def act(row: Referral, by: User, name: str, **fields: Any) -> int:
    return browser(by).post(reverse("referral-act", args=[row.pk, name]), fields).status_code


def arranged(cast: Cast, row: Referral) -> None:
    assert act(row, cast.expert, "accept") == 302
    when = timezone.localtime(timezone.now() + timedelta(days=1))
    url = reverse("referral-arrange", args=[row.pk])
    fields = {"comes_at": f"{when:%Y-%m-%dT%H:%M}", "bed": "心内科3病区12床"}
    assert browser(cast.expert).post(url, fields).status_code == 302


def states(row: Referral) -> str:
    row.refresh_from_db()
    return row.state


def test_a_patient_goes_up_and_the_sender_sees_each_step_and_the_letter_that_returns(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    page = page_of(browser(cast.doctor).get(f"{reverse('referral-new')}?consultation={thing.pk}"))
    assert "不稳定型心绞痛" in page  # prefilled from the decision
    row = sent(cast, thing)
    assert (row.direction, row.to_hospital, states(row)) == ("up", cast.provincial, "ASKED")
    arranged(cast, row)
    assert states(row) == "ARRANGED"
    assert act(row, cast.expert, "arrive") == 302
    thing.refresh_from_db()
    assert (thing.state, thing.last_reason) == ("REFERRED", "需行冠脉造影")
    url = reverse("referral-discharge", args=[row.pk])
    assert browser(cast.expert).post(url, {**DISCHARGE, "password": "x"}).status_code == 422
    assert browser(cast.expert).post(url, {**DISCHARGE, "course": ""}).status_code == 422
    assert states(row) == "ARRIVED"
    assert browser(cast.expert).post(url, DISCHARGE).status_code == 302
    page = page_of(browser(cast.doctor).get(row.get_absolute_url()))
    found = re.findall(r'data-step="(\w+)"', page)
    assert found == ["ask", "accept", "arrange", "arrive", "discharge"]
    assert ("心内科3病区12床" in page, "前降支植入支架1枚" in page) == (True, True)
    assert act(row, cast.colleague, "receive") == 302
    assert act(row, cast.doctor, "close") == 302
    assert states(row) == "CLOSED"
    told = Notification.objects.filter(person=cast.doctor, referral=row).order_by("pk").values_list("kind", flat=True)
    assert list(told) == [f"referral_{name}" for name in ("accepted", "arranged", "arrived", "discharged")]
    assert audit.verify().broken is None


def test_the_table_decides_who_steps_and_when(cast: Cast) -> None:
    row = sent(cast)
    for by, name, code in (
        (cast.doctor, "accept", 403),
        (cast.outsider, "accept", 404),
        (cast.other_expert, "accept", 404),
        (cast.scheduler, "accept", 403),
        (cast.regulator, "accept", 403),
        (cast.expert, "arrive", 409),
        (cast.expert, "withdraw", 403),
        (cast.doctor, "receive", 409),
    ):
        assert (name, act(row, by, name, reason="x")) == (name, code)
    assert act(row, cast.expert, "refuse", reason=" ") == 422
    assert act(row, cast.expert, "refuse", reason="今日无床位") == 302
    assert states(row) == "REFUSED"
    assert "今日无床位" in page_of(browser(cast.doctor).get(row.get_absolute_url()))
    again = sent(cast, row.consultation)  # the way is free again
    assert act(again, cast.doctor, "withdraw", reason="病情好转") == 302
    assert (states(again), act(again, cast.expert, "accept")) == ("WITHDRAWN", 409)
    assert browser(cast.doctor).get(reverse("referral-act", args=[row.pk, "accept"])).status_code == 405


def test_the_receiving_department_reads_the_consultation_until_it_has_ended(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    reader = browser(cast.other_expert)
    assert reader.get(thing.get_absolute_url()).status_code == 404
    row = sent(cast, thing, to_department=cast.radiology.pk)
    page = page_of(reader.get(thing.get_absolute_url()))
    assert people.REQUEST["question"] in page
    assert reader.get(reverse("images", args=[thing.pk])).status_code == 200
    assert reader.get(reverse("room", args=[thing.pk])).status_code == 403  # reads, takes no part
    assert reader.post(reverse("messages", args=[thing.pk]), {"body": "x", "token": "0123456789"}).status_code == 403
    assert browser(cast.outsider).get(row.get_absolute_url()).status_code == 404
    act(row, cast.other_expert, "refuse", reason="无床位")
    assert reader.get(thing.get_absolute_url()).status_code == 404
    assert reader.get(row.get_absolute_url()).status_code == 200  # the referral itself stays


def test_a_patient_goes_down_again_for_rehabilitation(cast: Cast) -> None:
    row = sent(cast)
    arranged(cast, row)
    act(row, cast.expert, "arrive")
    browser(cast.expert).post(reverse("referral-discharge", args=[row.pk]), DISCHARGE)
    url = f"{reverse('referral-new')}?back_of={row.pk}"
    page = page_of(browser(cast.expert).get(url))
    assert "PCI术后" in page
    sent_back = browser(cast.expert).post(url, {**TRANSFER, "to_department": cast.nitun_medicine.pk})
    assert sent_back.status_code == 302
    down = Referral.objects.latest("pk")
    assert (down.direction, down.from_hospital, down.to_hospital, down.back_of) == (
        "down", cast.provincial, cast.nitun, row,
    )  # fmt: skip
    assert act(down, cast.doctor, "accept") == 302
    assert act(down, cast.doctor, "arrive") == 302
    assert browser(cast.doctor).post(reverse("referral-discharge", args=[down.pk]), DISCHARGE).status_code == 302
    assert act(down, cast.second_expert, "receive") == 302
    assert browser(cast.doctor).get(url).status_code == 403  # only who received the patient sends them back


def test_a_patient_is_referred_without_a_consultation_within_a_valid_agreement(cast: Cast) -> None:
    doctor, url = browser(cast.doctor), reverse("referral-new")
    fields = {**TRANSFER, "patient": cast.patient.pk, "to_department": cast.radiology.pk}
    assert browser(cast.outsider).post(url, fields).status_code == 422  # not a patient of Haizhou's
    assert doctor.post(url, {**fields, "to_department": cast.haizhou_medicine.pk}).status_code == 422
    Agreement.objects.filter(superior=cast.bethune).update(ended_at=timezone.now())
    assert doctor.post(url, fields).status_code == 422
    assert Referral.objects.count() == 0
    assert doctor.post(url, {**fields, "to_department": cast.cardiology.pk}).status_code == 302
    assert browser(cast.scheduler).get(url).status_code == 404
    assert Referral.objects.get().consultation is None


def test_both_letters_are_printed_and_never_change(cast: Cast) -> None:
    row = sent(cast)
    made = Letter.objects.get()
    assert letter.digest(made.said) == made.sha256
    url = reverse("referral-letter", args=[row.pk, "transfer"])
    pdf = browser(cast.expert).get(url, HTTP_ACCEPT_LANGUAGE="zh-hans")
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf.content, capture_output=True, check=True).stdout.decode()
    printed = re.sub(r"\s", "", text)
    for words in ("双向转诊单（上转）", "王桂英", "需行冠脉造影", "I20.0", "李秀兰", str(row.number)):
        assert words in printed, words
    assert browser(cast.outsider).get(url).status_code == 404
    assert browser(cast.expert).get(reverse("referral-letter", args=[row.pk, "discharge"])).status_code == 404


def test_the_list_says_whose_turn_it_is_with_the_same_queries_for_one_and_for_thirty(cast: Cast) -> None:
    row = sent(cast)
    lists = re.compile(r'data-list="(\w+)"(.*?)</section>', re.DOTALL)

    def turns(by: User) -> dict[str, int]:
        page = page_of(browser(by).get(reverse("referrals")))
        return {name: part.count("data-referral=") for name, part in lists.findall(page)}

    assert turns(cast.expert) == {"yours": 1, "theirs": 0, "ended": 0}
    assert turns(cast.doctor) == {"yours": 0, "theirs": 1, "ended": 0}
    assert turns(cast.outsider) == {"yours": 0, "theirs": 0, "ended": 0}
    expert = browser(cast.expert)
    expert.get(reverse("referrals"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert expert.get(reverse("referrals")).status_code == 200
        return len(asked)

    few = queries()
    for number in range(29):
        Referral.objects.create(
            number=f"R{number}", direction="up", patient=row.patient, from_hospital=row.from_hospital,
            from_department=row.from_department, sender=cast.doctor, to_hospital=row.to_hospital,
            to_department=row.to_department,
        )  # fmt: skip
    assert queries() == few


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_is_the_receiver(live_cast: Cast) -> None:
    cast = live_cast
    row = sent(cast)

    def take(by: User) -> str:
        referral.accept(referral=Referral.objects.get(pk=row.pk), by=people.again(by))
        return by.username

    results = together(lambda: take(cast.expert), lambda: take(cast.second_expert))
    row.refresh_from_db()
    assert row.receiver is not None
    assert sorted(results) == sorted([row.receiver.username, "too_late"])


def test_only_one_referral_of_a_consultation_is_under_way(cast: Cast) -> None:
    thing = people.acknowledged(cast)
    sent(cast, thing)
    url = f"{reverse('referral-new')}?consultation={thing.pk}"
    assert browser(cast.doctor).post(url, {**TRANSFER, "to_department": cast.cardiology.pk}).status_code == 403
    role = Role.objects.get(person=cast.doctor)
    with pytest.raises(Refusal) as refused:
        referral.ask(
            by=cast.doctor, role=role, patient=cast.patient, to=cast.cardiology, texts=TRANSFER, consultation=thing
        )
    assert refused.value.code == "too_late"
