"""The opinion from draft to decision, through its doors."""

import pytest

from consult.models import AuditEntry, Decision, Opinion, OpinionVersion
from consult.states import State
from tests import cast as walk
from tests.cast import OPINION, PASSWORD, Cast
from tests.consult.pages.browsers import HTMX, JSON, browser, page_of


def test_the_draft_is_kept_and_counts_its_revisions(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    expert = browser(cast.expert)
    url = f"/consultations/{thing.pk}/opinion/draft/"
    assert expert.post(url, {"findings": "ST段压低", "draft_rev": 0}, headers=JSON).json()["draft_rev"] == 1
    assert expert.post(url, {"findings": "ST段压低，T波倒置", "draft_rev": 1}, headers=JSON).json()["draft_rev"] == 2
    assert "ST段压低，T波倒置" in page_of(expert.get(url))


def test_a_second_window_does_not_overwrite_the_first(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    expert = browser(cast.expert)
    url = f"/consultations/{thing.pk}/opinion/draft/"
    expert.post(url, {"findings": "first", "draft_rev": 0}, headers=JSON)
    answer = expert.post(url, {"findings": "second", "draft_rev": 0}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "draft_changed")
    assert Opinion.objects.get().findings == "first"


def test_the_asking_side_never_sees_the_draft(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    walk.write_opinion(cast, thing, findings="不应被看到的草稿")
    url = f"/consultations/{thing.pk}/opinion/draft/"
    assert "不应被看到的草稿" in page_of(browser(cast.expert).get(url))
    for person in (cast.doctor, cast.colleague, cast.scheduler, cast.regulator):
        assert browser(person).get(url).status_code == 403
        assert browser(person).post(url, {"findings": "x", "draft_rev": 1}).status_code == 403
        assert "不应被看到的草稿" not in page_of(browser(person).get(f"/consultations/{thing.pk}/"))
    assert browser(cast.outsider).get(url).status_code == 404
    assert browser(cast.expert).put(url).status_code == 405


def test_signing_takes_the_password_and_ends_in_a_pdf(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    rev = walk.write_opinion(cast, thing)
    expert = browser(cast.expert)
    url = f"/consultations/{thing.pk}/opinion/sign/"
    assert OPINION["diagnosis"] in page_of(expert.get(url, headers=HTMX))
    wrong = expert.post(url, {"password": "guess", "draft_rev": rev}, headers=HTMX)
    assert (wrong.status_code, list(wrong.context["sign_form"].errors)) == (422, ["password"])
    assert OpinionVersion.objects.count() == 0
    assert expert.post(url, {"password": PASSWORD, "draft_rev": rev}, headers=HTMX).status_code == 204
    thing.refresh_from_db()
    assert thing.state == State.SIGNED
    version = OpinionVersion.objects.get()
    answer = browser(cast.doctor).get(f"/consultations/{thing.pk}/opinion/{version.pk}.pdf")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    assert answer["Content-Disposition"] == f'inline; filename="{thing.number}-v1.pdf"'
    assert answer.content.startswith(b"%PDF-")
    assert AuditEntry.objects.filter(action="opinionversion.print", actor="doctor.nitun").count() == 1


def test_signing_has_its_limits(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    rev = walk.write_opinion(cast, thing)
    url = f"/consultations/{thing.pk}/opinion/sign/"
    sent = {"password": PASSWORD, "draft_rev": rev}
    assert browser(cast.outsider).post(url, sent).status_code == 404
    assert browser(cast.second_expert).post(url, sent).status_code == 404
    assert browser(cast.doctor).post(url, sent).status_code == 403
    assert browser(cast.expert).put(url).status_code == 405
    assert (
        browser(cast.expert).post(url, {**sent, "draft_rev": rev - 1}, headers=JSON).json()["code"] == "draft_changed"
    )
    assert browser(cast.expert).post(url, sent).status_code == 302
    again = browser(cast.expert).post(url, sent, headers=JSON)
    assert (again.status_code, again.json()["code"]) == (409, "too_late")


def test_an_incomplete_opinion_is_not_signed(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    rev = walk.write_opinion(cast, thing, recommendation="")
    answer = browser(cast.expert).post(
        f"/consultations/{thing.pk}/opinion/sign/", {"password": PASSWORD, "draft_rev": rev}, headers=HTMX
    )
    assert answer.status_code == 422
    assert len(answer.context["sign_form"].non_field_errors()) == 1


def test_the_pdf_belongs_to_its_consultation(cast: Cast) -> None:
    thing, other = walk.signed(cast), walk.submitted(cast)
    version = OpinionVersion.objects.get()
    assert browser(cast.outsider).get(f"/consultations/{thing.pk}/opinion/{version.pk}.pdf").status_code == 404
    assert browser(cast.doctor).get(f"/consultations/{other.pk}/opinion/{version.pk}.pdf").status_code == 404
    assert browser(cast.doctor).post(f"/consultations/{thing.pk}/opinion/{version.pk}.pdf").status_code == 405


def test_an_amendment_is_a_new_version_beside_the_old(cast: Cast) -> None:
    thing = walk.signed(cast)
    expert = browser(cast.expert)
    url = f"/consultations/{thing.pk}/opinion/amend/"
    assert browser(cast.outsider).post(url, {"reason": "x"}).status_code == 404
    assert browser(cast.doctor).post(url, {"reason": "x"}).status_code == 403
    assert expert.post(url, {"reason": ""}, headers=HTMX).status_code == 422
    assert expert.post(url, {"reason": "补充检查"}).status_code == 302
    assert expert.post(url, {"reason": "again"}).status_code == 409
    rev = Opinion.objects.get().draft_rev
    draft = {**OPINION, "diagnosis": "急性心肌梗死", "draft_rev": rev}
    rev = expert.post(f"/consultations/{thing.pk}/opinion/draft/", draft, headers=JSON).json()["draft_rev"]
    expert.post(f"/consultations/{thing.pk}/opinion/sign/", {"password": PASSWORD, "draft_rev": rev})
    page = page_of(browser(cast.doctor).get(f"/consultations/{thing.pk}/opinion/"))
    assert [version.number for version in OpinionVersion.objects.all()] == [1, 2]
    assert "急性心肌梗死" in page
    assert OPINION["diagnosis"] in page


def test_the_asking_side_decides(cast: Cast) -> None:
    thing = walk.signed(cast)
    version = OpinionVersion.objects.get()
    url = f"/consultations/{thing.pk}/decision/"
    sent = {"version": version.pk, "verdict": "partly", "reason": "患者拒绝转诊", "final_diagnosis": "不稳定型心绞痛"}
    assert browser(cast.outsider).post(url, sent).status_code == 404
    assert browser(cast.expert).post(url, sent).status_code == 403
    doctor = browser(cast.doctor)
    assert doctor.put(url).status_code == 405
    unsaid = doctor.post(url, {**sent, "reason": ""}, headers=HTMX)
    assert (unsaid.status_code, list(unsaid.context["decision_form"].errors)) == (422, ["reason"])
    assert doctor.post(url, sent).status_code == 302
    assert doctor.post(url, sent).status_code == 409
    decision = Decision.objects.get()
    assert (decision.verdict, decision.by, decision.version) == ("partly", cast.doctor, version)
    thing.refresh_from_db()
    assert thing.state == State.ACKNOWLEDGED


@pytest.mark.parametrize("walked", [walk.accepted, walk.signed, walk.closed])
def test_the_page_shows_every_state_to_every_side(cast: Cast, walked) -> None:
    thing = walked(cast)
    for person in (cast.doctor, cast.colleague, cast.expert, cast.scheduler, cast.regulator):
        answer = browser(person).get(f"/consultations/{thing.pk}/")
        assert answer.status_code == 200
        assert cast.patient.name in page_of(answer)
    assert browser(cast.doctor).post(f"/consultations/{thing.pk}/").status_code == 405
