"""Sessions that end, the language of the account, and how refusals and faults are answered."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from consult.models import User
from consult.views import home
from tests import cast as walk
from tests.cast import PASSWORD, Cast
from tests.consult.pages.browsers import HTMX, JSON, browser, page_of

IDLE = timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def test_login_leads_back_to_where_one_was(cast: Cast) -> None:
    client = Client()
    page = "/notifications/"
    assert client.get(page)["Location"] == f"/accounts/login/?next={page}"
    sent = {"username": "doctor.nitun", "password": PASSWORD, "next": page}
    assert client.post("/accounts/login/", sent)["Location"] == page
    assert client.get("/accounts/login/")["Location"] == "/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get(page).status_code == 302


def test_five_wrong_passwords_lock_even_the_right_one(cast: Cast) -> None:
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"username": "doctor.nitun", "password": "guess"})
    answer = client.post("/accounts/login/", {"username": "doctor.nitun", "password": PASSWORD})
    assert answer.status_code == 429
    assert client.get("/").status_code == 302


def test_an_idle_session_ends_with_a_word_and_the_way_back(cast: Cast) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        client = browser(cast.doctor)
        assert client.get("/").status_code == 200
        clock.move_to(now + IDLE - timedelta(minutes=1))
        assert client.get("/notifications/").status_code == 200
        clock.move_to(now + IDLE + timedelta(minutes=20))
        assert client.get("/notifications/").status_code == 200
        clock.move_to(now + 2 * IDLE + timedelta(minutes=21))
        answer = client.get("/requests/new/")
        assert answer["Location"] == "/accounts/login/?next=/requests/new/"
        assert "30" in page_of(client.get(answer["Location"]))
        assert client.get("/").status_code == 302


def test_fragments_that_fetch_themselves_keep_no_session_alive(cast: Cast) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        client = browser(cast.doctor)
        client.get("/")
        for minutes in (10, 20, 29):
            clock.move_to(now + timedelta(minutes=minutes))
            assert client.get("/worklists/yours/", headers={**HTMX, "X-Background": "1"}).status_code == 200
        clock.move_to(now + IDLE + timedelta(seconds=1))
        answer = client.get("/worklists/yours/", headers={**HTMX, "HX-Current-URL": "http://testserver/"})
        assert (answer.status_code, answer["HX-Redirect"]) == (401, "/accounts/login/?next=/")


def test_a_call_keeps_it_alive_but_not_beyond_twelve_hours(cast: Cast) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        client = browser(cast.doctor)
        client.get("/")
        for minutes in range(20, 12 * 60, 20):
            clock.move_to(now + timedelta(minutes=minutes))
            assert client.post("/accounts/alive/").status_code == 204
        clock.move_to(now + timedelta(hours=12, seconds=2))
        assert client.get("/").status_code == 302


def test_scripts_are_told_instead_of_redirected(cast: Cast) -> None:
    thing = walk.draft(cast)
    answer = Client().post(f"/consultations/{thing.pk}/autosave/", {"question": "x"}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")
    answer = Client().get("/worklists/yours/", headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/accounts/login/?next=/worklists/yours/")


def test_the_language_is_kept_on_the_account(cast: Cast) -> None:
    client = browser(cast.doctor)
    assert '<html lang="zh-hans"' in page_of(client.get("/"))
    assert client.get("/accounts/language/").status_code == 405
    answer = client.post("/accounts/language/", {"language": "en", "next": "/notifications/"})
    assert answer["Location"] == "/notifications/"
    assert User.objects.get(pk=cast.doctor.pk).language == "en"
    elsewhere = browser(cast.doctor, headers={"accept-language": "zh-CN"})
    assert '<html lang="en"' in page_of(elsewhere.get("/"))


@pytest.mark.parametrize(
    ("sent", "where", "language"),
    [
        ({"language": "en", "next": "https://evil.example/"}, "/", "en"),
        ({"language": "en", "next": "//evil.example/"}, "/", "en"),
        ({"language": "de"}, "/", ""),
    ],
)
def test_a_language_form_leads_nowhere_else(cast: Cast, sent: dict, where: str, language: str) -> None:
    assert browser(cast.doctor).post("/accounts/language/", sent)["Location"] == where
    assert User.objects.get(pk=cast.doctor.pk).language == language


def test_csrf_is_asked_for(cast: Cast) -> None:
    thing = walk.offered(cast)
    strict = browser(cast.expert, enforce_csrf_checks=True)
    assert strict.post(f"/consultations/{thing.pk}/accept/").status_code == 403
    thing.refresh_from_db()
    assert thing.state == "OFFERED"


def test_a_fault_shows_its_id_and_nothing_else(cast: Cast, monkeypatch, caplog) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ValueError("Wang Guiying")

    monkeypatch.setattr(home, "filled", broken)
    answer = browser(cast.doctor).get("/")
    error_id = answer["X-Error-Id"]
    assert answer.status_code == 500
    assert error_id in page_of(answer)
    assert "Wang Guiying" not in page_of(answer)
    assert f"error {error_id} at home" in caplog.text
    said = browser(cast.doctor).get("/", headers=JSON).json()
    assert (said["code"], len(said["id"])) == ("fault", 8)


def test_refusals_come_in_the_form_that_was_asked_for(cast: Cast) -> None:
    thing = walk.accepted(cast)
    client = browser(cast.expert)
    url = f"/consultations/{thing.pk}/accept/"
    page, fragment, said = client.post(url), client.post(url, headers=HTMX), client.post(url, headers=JSON)
    assert [page.status_code, fragment.status_code, said.status_code] == [409, 409, 409]
    assert said.json()["message"] in page_of(page)
    assert fragment["X-Refusal"]
    assert fragment["HX-Reswap"] == "none"
    assert client.get("/nothing/here/").status_code == 404
    assert "<main" in page_of(client.get("/nothing/here/"))


def test_camera_and_microphone_are_for_the_room_only(cast: Cast) -> None:
    thing = walk.accepted(cast)
    client = browser(cast.doctor)
    assert "camera=()" in client.get("/")["Permissions-Policy"]
    assert "camera=()" in client.get(f"/consultations/{thing.pk}/")["Permissions-Policy"]
    room = client.get(f"/consultations/{thing.pk}/room/")["Permissions-Policy"]
    assert "camera=(self)" in room
    assert "microphone=(self)" in room


def test_the_password_is_changed_by_its_rules(cast: Cast) -> None:
    client = browser(cast.doctor)
    url = "/accounts/password/"
    short = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert client.post(url, short).status_code == 200
    good = {"old_password": PASSWORD, "new_password1": "quiet-river-stone", "new_password2": "quiet-river-stone"}
    assert client.post(url, good)["Location"] == "/"
    assert User.objects.get(pk=cast.doctor.pk).check_password("quiet-river-stone")
    assert Client().get(url).status_code == 302
