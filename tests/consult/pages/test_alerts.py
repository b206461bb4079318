"""Alerts as people meet them: the ring, what the scheduler sees of those not reached, how one is reached."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from consult.models import Alert, Notification, Reach, User
from consult.tasks import run_due
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.outside import outside
from tests.consult.pages.browsers import HTMX, browser, page_of
from tests.windows import apart
from tests.windows import windows as on_screen


def open_of(user: User) -> str:
    return page_of(browser(user, HTTP_ACCEPT_LANGUAGE="en").get(reverse("alerts-open"), headers=HTMX))


def test_the_ring_shows_the_patient_and_the_question_and_knows_when_it_was_shown(cast: Cast) -> None:
    thing = people.offered(cast, urgency="emergency")
    run_due()
    page = open_of(cast.expert)
    assert [page.count(part) for part in ("data-ring=", people.REQUEST["question"], "data-answer")] == [1, 1, 1]
    assert cast.patient.name not in page
    row = Alert.objects.get(notification__person=cast.expert)
    assert row.shown_at is not None
    mine = browser(cast.expert)
    url = reverse("alert-acknowledge", args=[row.pk])
    assert mine.post(url, {"cannot": "yes", "words": ""}).status_code == 422
    assert browser(cast.doctor).post(url).status_code == 404
    assert mine.post(url, {"cannot": "yes", "words": "正在手术"}, headers=HTMX)["HX-Trigger"] == "news"
    thing.refresh_from_db()
    assert (thing.state, "data-ring=" in open_of(cast.expert)) == ("DECLINED", False)


def test_opening_the_consultation_acknowledges_and_every_page_shows_what_is_open(cast: Cast) -> None:
    thing = people.needs_info(cast)
    run_due()
    mine = browser(cast.doctor, HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    assert 'hx-trigger="load, news' in page_of(mine.get(reverse("home")))
    assert open_of(cast.doctor).count("data-alert=") == 1
    mine.get(thing.get_absolute_url())
    row = Alert.objects.get(notification__person=cast.doctor, notification__kind="needs_info")
    assert row.acknowledged_on == f"{thing.get_absolute_url()} · Firefox · Windows"
    assert 'hx-trigger="news' in page_of(mine.get(reverse("home")))


def test_the_scheduler_sees_whom_nothing_reached_and_why(cast: Cast) -> None:
    thing = people.offered(cast)
    run_due()
    Alert.objects.update(at=timezone.now() - timedelta(minutes=2))
    desk = browser(cast.scheduler, HTTP_ACCEPT_LANGUAGE="en")
    url = reverse("alerts-unreached")

    def asked() -> tuple[int, str]:
        with CaptureQueriesContext(
            connection,
        ) as made:
            page = page_of(desk.get(url))
        return len(made), page

    asked()  # the session is written once
    few, page = asked()
    assert ("张文博" in page or "Zhang Wenbo" in page, "no page was open" in page) == (True, True)
    rows = [Notification(person=cast.expert, kind="offered", consultation=thing, key=f"k{n}") for n in range(300)]
    Notification.objects.bulk_create(rows)
    made = Notification.objects.filter(key__startswith="k")
    Alert.objects.bulk_create([Alert(notification=row, urgency="urgent") for row in made])
    Alert.objects.update(at=timezone.now() - timedelta(minutes=2))
    many, page = asked()
    assert (many, page.count('<th scope="row"')) == (few, 30)
    with CaptureQueriesContext(connection) as of_many:
        open_of(cast.expert)
    Alert.objects.filter(notification__key__startswith="k").delete()
    with CaptureQueriesContext(connection) as of_one:
        open_of(cast.expert)
    assert len(of_many) == len(of_one)


def test_everybody_chooses_how_they_are_reached_and_tries_it(cast: Cast, settings: Any) -> None:
    mine = browser(cast.doctor, HTTP_ACCEPT_LANGUAGE="en")
    url, tests = reverse("reach"), reverse("reach-test")
    assert mine.get(url).status_code == 200
    sent = {"sound": "on", "sms": "on", "phone": "139 0351 0000", "quiet_from": "22:00"}
    assert mine.post(url, sent).status_code == 422
    assert mine.post(url, {**sent, "quiet_until": "06:00"}).status_code == 302
    row = Reach.objects.get(person=cast.doctor)
    assert (row.sound, row.push, row.sms, row.quiet_until and row.quiet_until.hour) == (True, False, True, 6)

    def tried(channel: str) -> str:
        return page_of(mine.post(tests, {"channel": channel}, follow=True))

    assert "The site is not set up for this" in tried("sms")
    assert "No browser is allowed yet" in tried("push")
    with outside() as gateway:
        settings.SMS_HOOK_URL, settings.SMS_HOOK_SECRET = gateway.url, "x"
        assert "It was taken and is on its way to you" in tried("sms")
        gateway.answers = [503]
        assert "It was not taken: HTTP 503" in tried("sms")
    assert "It was not taken: no connection: ConnectionRefusedError" in tried("sms")
    assert mine.post(tests, {"channel": "pigeon"}).status_code == 404


def test_the_service_worker_is_given_from_the_root(cast: Cast) -> None:
    answer = browser(cast.doctor).get("/push-worker.js")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/javascript")
    assert b"showNotification" in b"".join(answer.streaming_content)


NEWS = "document.body.dispatchEvent(new CustomEvent('news', {detail: {kind: 'notification'}}))"
HEARD = "const begin = OscillatorNode.prototype.start; OscillatorNode.prototype.start = function (...when) "
HEARD += "{ document.body.dataset.heard = 'yes'; return begin.apply(this, when); };"


@pytest.mark.browser
@pytest.mark.slow
def test_two_pages_ring_and_both_stop_when_one_answers(chromium: Browser, live_server: Any, live_cast: Cast) -> None:
    User.objects.update(language="en")
    people.offered(live_cast, urgency="emergency")
    apart(run_due)
    with on_screen(chromium, live_server, live_cast.expert, count=2, script=HEARD) as (first, second):
        for page in (first, second):
            page.goto("/")
            ring = page.get_by_role("alertdialog")
            expect(ring).to_contain_text(people.REQUEST["question"])
            expect(page.locator("body[data-ringing]")).to_have_count(1)
            expect(ring.get_by_role("button", name="Answer")).to_be_focused()
            page.mouse.click(2, 2)  # the first click lets the page sound
            expect(page.locator("body[data-heard]")).to_have_count(1)
            expect(page.get_by_role("button", name="Click once to allow sound")).to_be_hidden()
        expect(first).to_have_title(re.compile("^🔔"))
        ring = second.get_by_role("alertdialog")
        ring.get_by_text("Cannot now").click()
        words = ring.get_by_label("Why you cannot come now")
        words.fill("I am op")
        with second.expect_response(lambda answer: "/notifications/alerts/" in answer.url):
            second.evaluate(NEWS)  # what is being typed stays while it rings
        expect(words).to_have_value("I am op")
        first.get_by_role("button", name="Answer").focus()
        first.keyboard.press("Enter")
        expect(first.get_by_role("alertdialog")).to_have_count(0)
        second.evaluate(NEWS)
        for page in (first, second):
            expect(page.get_by_role("alertdialog")).to_have_count(0)
            expect(page.locator("body[data-ringing]")).to_have_count(0)
            expect(page).to_have_title(re.compile("^Worklist"))
