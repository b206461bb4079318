"""Several specialists on one consultation: invited, joined, each with an opinion, one joint report."""

import re
import subprocess
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consult import policies
from consult.errors import Refusal
from consult.models import (
    Agreement,
    Consultation,
    Department,
    Licence,
    Notification,
    Opinion,
    OpinionVersion,
    Participant,
    Role,
    User,
)
from consult.services import joint_report, opinion, session, team
from consult.states import MemberState, State
from consult.tasks import run_due
from tests import cast as people
from tests.cast import OPINION, PASSWORD, Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import HTMX, browser, page_of

REPORT = {
    "findings": "心内科与影像科讨论：ST段改变与冠脉CTA相符。",
    "diagnosis": "不稳定型心绞痛，前降支中段重度狭窄",
    "diagnosis_codes": "I20.0",
    "recommendation": "24小时内转诊行冠脉造影。",
}


def role_of(person: User) -> Role:
    return person.roles.get()


def at(name: str, thing: Consultation, *more: Any) -> str:
    return reverse(name, args=[thing.pk, *more])


def seat_of(thing: Consultation, person: User) -> Participant:
    return thing.participants.get(person=person)


def asked(cast: Cast) -> Consultation:
    """Accepted by cardiology, radiology is invited by the page."""
    thing = people.accepted(cast)
    answer = browser(cast.expert).post(at("team-invite", thing), {"roles": [role_of(cast.other_expert).pk]})
    assert answer.status_code == 302
    return Consultation.objects.get(pk=thing.pk)


def gathered(cast: Cast) -> Consultation:
    thing = asked(cast)
    assert browser(cast.other_expert).post(at("team-join", thing)).status_code == 302
    return Consultation.objects.get(pk=thing.pk)


def due(cast: Cast) -> Consultation:
    """Both sides and the member were in the call; the opinions are due."""
    thing = gathered(cast)
    for person in (cast.doctor, cast.expert, cast.other_expert):
        session.arrived(consultation=thing, by=person)
    return session.end(consultation=thing, by=cast.expert)


def own_signed(thing: Consultation, person: User, **texts: str) -> OpinionVersion:
    """Written and signed on the page."""
    desk = browser(person)
    known = thing.opinions.filter(author=person, kind="own").first()
    rev = known.draft_rev if known else 0
    sent = desk.post(at("opinion-draft", thing), {**OPINION, **texts, "draft_rev": rev})
    assert sent.status_code == 200
    signed = desk.post(at("consultation-sign", thing), {"draft_rev": sent.json()["draft_rev"], "password": PASSWORD})
    assert signed.status_code == 302
    return OpinionVersion.objects.filter(opinion__author=person, opinion__kind="own").latest("number")


def put(cast: Cast, thing: Consultation) -> Opinion:
    """Both opinions are signed and the report is before the members."""
    own_signed(thing, cast.expert)
    own_signed(thing, cast.other_expert, diagnosis="前降支中段狭窄约80%")
    desk = browser(cast.expert)
    sent = desk.post(at("joint-report-draft", thing), {**REPORT, "draft_rev": 0})
    assert sent.status_code == 200
    assert desk.post(at("joint-report-put", thing), {"draft_rev": sent.json()["draft_rev"]}).status_code == 302
    return thing.opinions.get(kind="joint")


def confirmed(thing: Consultation, person: User, verdict: str = "agree", words: str = "") -> int:
    report = thing.opinions.get(kind="joint")
    sent = {"verdict": verdict, "words": words, "password": PASSWORD, "sha256": joint_report.digest(report)}
    return browser(person).post(at("joint-report-confirm", thing), sent, headers=HTMX).status_code


def report_signed(cast: Cast, thing: Consultation) -> int:
    rev = thing.opinions.get(kind="joint").draft_rev
    sent = {"draft_rev": rev, "password": PASSWORD}
    return browser(cast.expert).post(at("joint-report-sign", thing), sent, headers=HTMX).status_code


def words_of(pdf: bytes) -> str:
    """The printed text without its line ends."""
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return re.sub(r"\s", "", text)


def test_a_team_writes_one_report_that_names_each_opinion_and_every_word(cast: Cast) -> None:
    thing = due(cast)
    assert thing.state == State.OPINION_DUE
    put(cast, thing)
    thing.refresh_from_db()
    assert thing.state == State.OPINION_DUE  # opinions alone answer nothing
    assert confirmed(thing, cast.other_expert, "dissent", "建议先行冠脉CTA复核") == 204
    assert report_signed(cast, thing) == 204
    thing.refresh_from_db()
    version = opinion.newest(thing)
    assert version is not None
    assert (thing.state, version.opinion.kind, version.signed_by) == (State.SIGNED, "joint", cast.expert)
    said = [(one["name"], one["chair"], one["verdict"], one["words"]) for one in version.about["team"]]
    assert said == [("张文博", True, "", ""), ("陈静", False, "dissent", "建议先行冠脉CTA复核")]
    assert version.about["team"][1]["opinion"]["diagnosis"] == "前降支中段狭窄约80%"
    assert opinion.digest(version) == version.sha256
    doctor = browser(cast.doctor)
    pdf = doctor.get(at("opinion-pdf", thing, version.pk), HTTP_ACCEPT_LANGUAGE="zh-hans")
    printed = words_of(pdf.content)
    for words in ("多学科会诊", "陈静", "前降支中段狭窄约80%", "保留意见", "建议先行冠脉CTA复核", REPORT["diagnosis"]):
        assert words in printed, words
    page = page_of(doctor.get(thing.get_absolute_url()))
    assert f'name="version" value="{version.pk}"' in page  # the decision is on the report
    decided = doctor.post(
        at("consultation-decide", thing), {"version": version.pk, "verdict": "adopted", "final_diagnosis": "x"}
    )
    assert decided.status_code == 302
    thing.refresh_from_db()
    assert thing.state == State.ACKNOWLEDGED


def test_drafts_are_their_authors_alone_and_opinions_come_with_the_report(cast: Cast) -> None:
    thing = due(cast)
    secret = "只给自己看的草稿"
    browser(cast.other_expert).post(at("opinion-draft", thing), {**OPINION, "findings": secret, "draft_rev": 0})
    for person in (cast.expert, cast.doctor, cast.scheduler, cast.regulator):
        for name in ("opinion-draft", "consultation", "consultation-opinion"):
            assert secret not in page_of(browser(person).get(at(name, thing)))
    assert secret in page_of(browser(cast.other_expert).get(at("opinion-draft", thing)))
    version = own_signed(thing, cast.other_expert, findings=secret)
    seen = {
        person.username: policies.visible_versions(people.again(person), thing).count()
        for person in (cast.expert, cast.doctor, cast.scheduler, cast.regulator)
    }
    assert seen == {"expert.provincial": 1, "doctor.nitun": 0, "scheduler": 0, "regulator": 1}
    assert browser(cast.doctor).get(at("opinion-pdf", thing, version.pk)).status_code == 404
    assert browser(cast.expert).get(at("opinion-pdf", thing, version.pk)).status_code == 200


def test_the_invited_look_first_and_decline_with_a_reason(cast: Cast) -> None:
    thing = asked(cast)
    guest = browser(cast.other_expert)
    page = page_of(guest.get(thing.get_absolute_url()))
    assert at("team-join", thing) in page
    assert guest.get(at("room", thing)).status_code == 403  # not in the call before joining
    assert guest.get(at("opinion-draft", thing)).status_code == 403
    assert str(thing.number) in page_of(guest.get(reverse("home")))
    assert guest.post(at("team-decline", thing), {"reason": " "}, headers=HTMX).status_code == 422
    assert guest.post(at("team-decline", thing), {"reason": "出差"}).status_code == 302
    assert guest.get(thing.get_absolute_url()).status_code == 404
    seat = seat_of(thing, cast.other_expert)
    assert (seat.standing, seat.words) == (MemberState.DECLINED, "出差")
    assert "出差" in page_of(browser(cast.expert).get(at("consultation-team", thing)))
    told = Notification.objects.filter(kind="team_declined").values_list("person__username", flat=True)
    assert set(told) == {"expert.provincial", "scheduler"}
    again = browser(cast.expert).post(at("team-invite", thing), {"roles": [role_of(cast.other_expert).pk]})
    assert again.status_code == 302  # may be asked again


def test_a_member_joins_the_call_sees_the_images_and_writes_messages(cast: Cast) -> None:
    thing = gathered(cast)
    member = people.again(cast.other_expert)
    assert policies.may_join(member, thing)
    assert policies.may_add_images(member, thing)
    assert browser(member).get(at("room", thing)).status_code == 200
    assert browser(member).get(at("images", thing)).status_code == 200
    for person in (cast.doctor, cast.expert, cast.other_expert, cast.colleague):
        session.arrived(consultation=thing, by=person)
    assert len(session.people(thing)) == 4
    thing.refresh_from_db()
    assert thing.state == State.IN_SESSION
    session.departed(consultation=thing, by=cast.expert)
    thing.refresh_from_db()
    assert thing.state == State.IN_SESSION  # a member is still there for the answering side


def test_the_desk_invites_while_it_is_offered_and_only_who_may_answer(cast: Cast) -> None:
    thing = people.offered(cast)
    desk = browser(cast.scheduler)
    assert at("team-invite", thing) in page_of(desk.get(reverse("desk")))
    dialog = page_of(desk.get(at("team-invite", thing), headers=HTMX))
    offered = {int(pk) for pk in re.findall(r'name="roles" value="(\d+)"', dialog)}
    assert offered == {role_of(cast.other_expert).pk, role_of(cast.second_expert).pk}
    Licence.objects.filter(person=cast.other_expert).update(valid_until="2020-01-01", valid_from="2019-01-01")
    assert desk.post(at("team-invite", thing), {"roles": [role_of(cast.other_expert).pk]}).status_code == 422
    assert browser(cast.doctor).post(at("team-invite", thing), {}).status_code == 403


def test_an_agreement_that_ended_meanwhile_stops_the_joining(cast: Cast) -> None:
    thing = asked(cast)
    Agreement.objects.filter(superior=cast.bethune).update(ended_at=thing.submitted_at)
    answer = browser(cast.other_expert).post(at("team-join", thing), headers=HTMX)
    assert answer.status_code == 422
    assert seat_of(thing, cast.other_expert).standing == MemberState.INVITED


def test_who_is_only_invited_does_not_hold_up_a_single_opinion(cast: Cast) -> None:
    thing = asked(cast)
    people.sign(cast, thing)
    thing.refresh_from_db()
    assert thing.state == State.SIGNED
    assert seat_of(thing, cast.other_expert).standing == MemberState.WITHDRAWN
    assert browser(cast.other_expert).post(at("team-join", thing)).status_code == 404


def test_the_chair_goes_on_without_a_member_and_the_report_says_why(cast: Cast) -> None:
    thing = due(cast)
    own_signed(thing, cast.expert)
    desk = browser(cast.expert)
    rev = desk.post(at("joint-report-draft", thing), {**REPORT, "draft_rev": 0}).json()["draft_rev"]
    assert "陈静" in page_of(desk.post(at("joint-report-put", thing), {"draft_rev": rev}, headers=HTMX))
    seat = seat_of(thing, cast.other_expert)
    assert desk.post(at("team-excuse", thing, seat.pk), {"reason": ""}, headers=HTMX).status_code == 422
    assert desk.post(at("team-excuse", thing, seat.pk), {"reason": "两天未签署，患者等待"}).status_code == 302
    assert desk.post(at("joint-report-put", thing), {"draft_rev": rev}).status_code == 302
    assert report_signed(cast, thing) == 204
    version = opinion.newest(thing)
    assert version is not None
    assert [(one["name"], one["excused"], one["opinion"]) for one in version.about["team"]][1] == (
        "陈静", "两天未签署，患者等待", None,
    )  # fmt: skip
    assert "两天未签署，患者等待" in words_of(opinion.printed(version=version))
    late = browser(cast.other_expert).post(at("opinion-draft", thing), {**OPINION, "draft_rev": 0})
    assert late.status_code in {403, 409}


def test_a_change_of_the_text_takes_the_report_back_from_the_members(cast: Cast) -> None:
    thing = due(cast)
    report = put(cast, thing)
    assert confirmed(thing, cast.other_expert) == 204
    sent = {**REPORT, "recommendation": "先药物治疗", "draft_rev": report.draft_rev}
    assert browser(cast.expert).post(at("joint-report-draft", thing), sent).status_code == 200
    report.refresh_from_db()
    assert (report.put_at, report.confirmations.count()) == (None, 0)
    assert report_signed(cast, thing) == 422
    old = {"verdict": "agree", "words": "", "password": PASSWORD, "sha256": "0" * 64}
    assert browser(cast.other_expert).post(at("joint-report-confirm", thing), old).status_code == 409


def test_a_word_needs_the_password_and_a_remark_its_words(cast: Cast) -> None:
    thing = due(cast)
    report = put(cast, thing)
    page = browser(cast.other_expert)
    known = {"verdict": "agree", "words": "", "password": PASSWORD, "sha256": joint_report.digest(report)}
    for wrong in ({"password": "x"}, {"verdict": "remark"}, {"verdict": "dissent", "words": " "}):
        assert page.post(at("joint-report-confirm", thing), {**known, **wrong}, headers=HTMX).status_code == 422
    assert browser(cast.expert).post(at("joint-report-confirm", thing), known).status_code == 409
    assert browser(cast.doctor).post(at("joint-report-confirm", thing), known).status_code == 403
    assert report_signed(cast, thing) == 422  # nobody has said a word yet
    assert report.confirmations.count() == 0


def test_the_chair_is_handed_over_with_the_report(cast: Cast) -> None:
    thing = due(cast)
    put(cast, thing)
    seat = seat_of(thing, cast.other_expert)
    assert browser(cast.other_expert).post(at("team-chair", thing, seat.pk)).status_code == 403
    assert browser(cast.expert).post(at("team-chair", thing, seat.pk)).status_code == 302
    thing.refresh_from_db()
    assert (thing.expert, thing.asked_department) == (cast.other_expert, cast.radiology)
    report = thing.opinions.get(kind="joint")
    assert (report.author, report.put_at) == (cast.other_expert, None)
    assert browser(cast.expert).get(thing.get_absolute_url()).status_code == 200
    chair, former = browser(cast.other_expert), cast.expert
    assert chair.post(at("joint-report-put", thing), {"draft_rev": report.draft_rev}).status_code == 302
    assert confirmed(thing, former, "remark", "同意，注意肾功能") == 204
    sent = {"draft_rev": report.draft_rev, "password": PASSWORD}
    assert chair.post(at("joint-report-sign", thing), sent, headers=HTMX).status_code == 204
    version = opinion.newest(Consultation.objects.get(pk=thing.pk))
    assert version is not None
    assert (version.signed_by, version.signer_hospital) == (cast.other_expert, cast.bethune.name)


def test_the_signed_report_is_amended_by_the_chair_and_confirmed_anew(cast: Cast) -> None:
    thing = due(cast)
    report = put(cast, thing)
    confirmed(thing, cast.other_expert)
    report_signed(cast, thing)
    assert browser(cast.expert).post(at("opinion-amend", thing), {"reason": "补充用药剂量"}).status_code == 302
    report.refresh_from_db()
    sent = {**REPORT, "recommendation": "阿司匹林100mg每日一次", "draft_rev": report.draft_rev}
    desk = browser(cast.expert)
    rev = desk.post(at("joint-report-draft", thing), sent).json()["draft_rev"]
    assert desk.post(at("joint-report-put", thing), {"draft_rev": rev}).status_code == 302
    assert confirmed(thing, cast.other_expert) == 204
    assert report_signed(cast, thing) == 204
    numbers = list(OpinionVersion.objects.filter(opinion__kind="joint").values_list("number", flat=True))
    assert numbers == [1, 2]


def test_each_opinion_is_sealed_by_its_own_hospital(cast: Cast) -> None:
    thing = due(cast)
    put(cast, thing)
    found = dict(Opinion.objects.filter(kind="own").values_list("author__username", "hospital__code"))
    assert found == {"expert.provincial": "provincial", "expert.bethune": "bethune"}


def test_every_step_is_told_and_the_worklist_says_what_is_owed(cast: Cast) -> None:
    thing = asked(cast)
    run_due()
    guest = people.again(cast.other_expert)
    assert [row.pk for row in policies.worklist(guest, "team")] == [thing.pk]
    browser(guest).post(at("team-join", thing))
    assert policies.worklist(people.again(guest), "team").count() == 0
    for person in (cast.doctor, cast.expert, cast.other_expert):
        session.arrived(consultation=thing, by=person)
    session.end(consultation=thing, by=cast.expert)
    assert policies.worklist(people.again(guest), "team").count() == 1
    put(cast, thing)
    assert policies.worklist(people.again(guest), "team").count() == 1
    confirmed(thing, cast.other_expert)
    assert policies.worklist(people.again(guest), "team").count() == 0
    kinds = set(Notification.objects.filter(person=cast.other_expert).values_list("kind", flat=True))
    assert {"team_invited", "opinion_due", "team_signed", "report_put"} <= kinds
    told = Notification.objects.filter(person=cast.expert, kind__startswith="team").values_list("kind", flat=True)
    assert set(told) == {"team_joined", "team_signed"}
    history = page_of(browser(cast.doctor, HTTP_ACCEPT_LANGUAGE="en").get(at("consultation-history", thing)))
    for words in ("Joined the team", "Joint report put to the members", "A member answered to the joint report"):
        assert words in history


def test_the_page_asks_the_same_for_two_members_and_for_eight(cast: Cast) -> None:
    thing = gathered(cast)
    doctor = browser(cast.doctor)
    doctor.get(at("consultation-team", thing))

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked_now:
            assert doctor.get(at("consultation-team", thing)).status_code == 200
        return len(asked_now)

    few = queries()
    for number in range(6):
        other = Department.objects.create(
            hospital=cast.bethune, name=f"科{number}", name_en=f"D{number}", specialty="surgery"
        )
        person = people.person(f"member{number}", f"成员{number}", f"Member {number}", "expert", other, "chief")
        team.invite(consultation=thing, by=cast.expert, roles=[role_of(person)])
    assert queries() == few


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_a_chair_who_signs_alone_and_a_colleague_who_joins_one_is_first(live_cast: Cast) -> None:
    cast = live_cast
    thing = asked(cast)
    rev = people.write_opinion(cast, thing)

    def sign() -> str:
        by = people.again(cast.expert)
        opinion.sign(consultation=Consultation.objects.get(pk=thing.pk), by=by, password=PASSWORD, draft_rev=rev)
        return "signed"

    def join() -> str:
        team.join(consultation=Consultation.objects.get(pk=thing.pk), by=people.again(cast.other_expert))
        return "joined"

    results = together(sign, join)
    thing.refresh_from_db()
    standing = seat_of(thing, cast.other_expert).standing
    if results[1] == "joined":
        assert (results[0], thing.state, standing) == ("signed", State.ACCEPTED, MemberState.JOINED)
        assert seat_of(thing, cast.expert).standing == MemberState.SIGNED
    else:
        assert (results, thing.state, standing) == (["signed", "too_late"], State.SIGNED, MemberState.WITHDRAWN)


def test_of_two_who_hand_over_one_is_first(cast: Cast) -> None:
    thing = gathered(cast)
    stale = Consultation.objects.get(pk=thing.pk)
    team.hand_over(consultation=thing, by=cast.expert, member=seat_of(thing, cast.other_expert))
    with pytest.raises(Refusal) as refused:
        team.hand_over(consultation=stale, by=cast.scheduler, member=seat_of(stale, cast.expert))
    assert refused.value.code == "too_late"
