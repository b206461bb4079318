"""A critical finding: told until it is read back, confirmed by who found it, seen by the desk when nobody does."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consultation, CriticalFinding, Notification, User
from consult.services import answer, audit, critical, opinion
from tests import cast as walk
from tests.cast import PASSWORD, Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import HTMX, browser, page_of

WORDS = "右侧张力性气胸，立即减压"


@pytest.fixture
def found(cast: Cast) -> CriticalFinding:
    thing = walk.opinion_due(cast)
    walk.sign(cast, thing, critical=WORDS)
    return CriticalFinding.objects.get()


def told(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("person__username", flat=True))


def post(user: User, finding: CriticalFinding, act: str, **sent: str) -> Any:
    return browser(user).post(
        f"/consultations/{finding.consultation_id}/critical/{finding.pk}/{act}/", sent, headers=HTMX
    )


def later(finding: CriticalFinding, **ago: int) -> None:
    """As if it had been said so long ago."""
    CriticalFinding.objects.update(at=timezone.now() - timedelta(**ago), told_at=timezone.now() - timedelta(**ago))


def test_said_read_back_and_confirmed_through_the_page(cast: Cast, found: CriticalFinding) -> None:
    assert told("critical") == {cast.doctor.username, cast.colleague.username}
    page = page_of(browser(cast.doctor).get(f"/consultations/{found.consultation_id}/"))
    assert WORDS in page and 'data-critical="open"' in page  # noqa: PT018
    assert "data-critical-waiting" in page_of(browser(cast.doctor).get("/"))
    empty = post(cast.doctor, found, "read-back", words="  ")
    assert (empty.status_code, CriticalFinding.objects.get().read_back) == (422, "")
    assert post(cast.doctor, found, "read-back", words="气胸，立即减压").status_code == 204
    assert told("critical_read") == {cast.expert.username}
    page = page_of(browser(cast.expert).get(f"/consultations/{found.consultation_id}/critical/"))
    assert "气胸，立即减压" in page
    assert post(cast.expert, found, "confirm").status_code == 204
    now = CriticalFinding.objects.get()
    assert (now.read_back_by, now.confirmed_by) == (cast.doctor, cast.expert)
    assert "data-critical-waiting" not in page_of(browser(cast.doctor).get("/"))
    actions = AuditEntry.objects.filter(action__startswith="critical.").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["critical.say", "critical.read_back", "critical.confirm"]
    assert audit.verify().broken is None


def test_a_wrong_read_back_is_sent_back_and_read_again(cast: Cast, found: CriticalFinding) -> None:
    critical.read_back(finding=found, by=cast.colleague, words="左侧气胸")
    assert post(cast.expert, found, "send-back").status_code == 204
    assert told("critical_wrong") == {cast.doctor.username, cast.colleague.username}
    assert 'data-critical="open"' in page_of(
        browser(cast.doctor).get(f"/consultations/{found.consultation_id}/critical/")
    )
    assert post(cast.doctor, found, "read-back", words="右侧气胸").status_code == 204
    assert CriticalFinding.objects.get().sent_back == 1
    assert Notification.objects.filter(kind="critical_read").count() == 2


def test_everybody_else_only_looks(cast: Cast, found: CriticalFinding) -> None:
    for user in (cast.scheduler, cast.regulator, cast.expert):
        assert post(user, found, "read-back", words="x").status_code == 403, user
    for user in (cast.scheduler, cast.regulator, cast.doctor):
        assert post(user, found, "confirm").status_code in (403, 409), user
    assert post(cast.outsider, found, "confirm").status_code == 404
    critical.read_back(finding=found, by=cast.doctor, words="x")
    for user in (cast.scheduler, cast.regulator, cast.doctor):
        with pytest.raises(NotAllowed):
            critical.confirm(finding=found, by=user)
    assert "data-critical-waiting" in page_of(browser(cast.scheduler).get("/"))
    assert "data-critical-waiting" not in page_of(browser(cast.regulator).get("/"))


def test_told_again_every_five_minutes_and_the_desk_after_a_quarter_of_an_hour(
    cast: Cast, found: CriticalFinding
) -> None:
    critical.remind()
    assert Notification.objects.filter(kind="critical", person=cast.doctor).count() == 1
    later(found, minutes=6)
    critical.remind()
    critical.remind()
    assert Notification.objects.filter(kind="critical", person=cast.doctor).count() == 2
    assert told("critical_late") == set()
    for _ in range(2):
        later(found, minutes=16)
        critical.remind()
    assert (CriticalFinding.objects.get().told, told("critical_late")) == (4, {cast.scheduler.username})
    assert Notification.objects.filter(kind="critical_late", person=cast.scheduler).count() == 1
    critical.read_back(finding=found, by=cast.doctor, words="x")
    later(found, minutes=16)
    critical.remind()
    assert CriticalFinding.objects.get().told == 4


def test_an_amendment_says_it_anew_or_takes_it_back(cast: Cast, found: CriticalFinding) -> None:
    thing = Consultation.objects.get(pk=found.consultation_id)
    for words, open_ones in (("左侧，不是右侧", 1), ("", 0)):
        draft = opinion.amend(consultation=thing, by=cast.expert, reason="侧别更正")
        assert draft.critical == opinion.newest(thing).about.get("critical", "")  # type: ignore[union-attr]
        walk.sign(cast, thing, critical=words)
        assert CriticalFinding.objects.open().count() == open_ones
    with pytest.raises(Conflict):
        critical.read_back(finding=found, by=cast.doctor, words="x")
    assert opinion.newest(thing).about.get("critical", "") == ""  # type: ignore[union-attr]


def test_what_was_signed_is_printed_and_part_of_the_hash(cast: Cast, found: CriticalFinding) -> None:
    version = found.version
    assert version.sha256 == opinion.digest(version)
    version.about["critical"] = "无"
    assert version.sha256 != opinion.digest(version)
    assert opinion.printed(version=found.version).startswith(b"%PDF-")


def test_a_letter_that_cannot_be_printed_is_refused_there_too(cast: Cast) -> None:
    thing = walk.opinion_due(cast)
    rev = walk.write_opinion(cast, thing, critical="\U000e0041")
    with pytest.raises(Refusal) as refused:
        opinion.sign(consultation=thing, by=cast.expert, password=PASSWORD, draft_rev=rev)
    assert (refused.value.code, refused.value.field) == ("unprintable", "critical")


@pytest.mark.slow
def test_of_two_who_read_back_at_once_one_is_first(live_cast: Cast) -> None:
    thing = walk.opinion_due(live_cast)
    walk.sign(live_cast, thing, critical=WORDS)
    finding = CriticalFinding.objects.get()
    acts = [
        lambda by=by: critical.read_back(finding=finding, by=by, words=by.username)
        for by in (live_cast.doctor, live_cast.colleague)
    ]
    first, second = sorted(together(*acts), key=str)
    assert {type(first), type(second)} == {CriticalFinding, str}
    assert "too_late" in (first, second)


def test_answered_without_a_call_it_is_told_as_well(cast: Cast) -> None:
    thing = answer.review(consultation=walk.accepted(cast), by=cast.expert)
    walk.sign(cast, thing, critical=WORDS)
    assert told("critical") == {cast.doctor.username, cast.colleague.username}
