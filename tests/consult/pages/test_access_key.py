"""Keys for programs: shown once, kept as a hash, made with the password, revoked by their owner alone."""

import hashlib
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from consult.models import AccessKey, AuditEntry, Role, User
from consult.services import access_key
from tests.cast import PASSWORD, Cast
from tests.consult.pages.browsers import browser, page_of
from tests.windows import apart, windows

SHOTS = Path(os.environ.get("SCREENSHOTS", "")) if os.environ.get("SCREENSHOTS") else None
PAGE = "/accounts/keys/"
FORM = {"name": "北楼 CT", "scope": ["read", "store"], "days": "90", "password": PASSWORD}


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_a_key_is_shown_once_and_kept_as_a_hash(cast: Cast) -> None:
    client = browser(cast.doctor)
    answer = client.post(PAGE, FORM)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    [secret] = re.findall(r'value="(tmk_[A-Za-z0-9_-]{43})"', page_of(answer))
    key = AccessKey.objects.get()
    assert (key.person, key.name, key.digest) == (
        cast.doctor,
        FORM["name"],
        hashlib.sha256(secret.encode()).hexdigest(),
    )
    assert timedelta(days=89) < key.expires_at - timezone.now() <= timedelta(days=90)
    later = page_of(client.get(PAGE))
    assert secret not in later
    assert "北楼 CT" in later
    assert secret[:8] in later
    kept = {str(value) for row in AccessKey.objects.values() for value in row.values()}
    kept |= {str(row.detail) for row in AuditEntry.objects.all()}
    assert not any(secret in value for value in kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "guess"}, "not your password"),
        ({"scope": []}, "required"),
        ({"scope": ["sign"]}, "sign is not one"),
        ({"days": "3650"}, "3650 is not one"),
        ({"name": ""}, "required"),
        ({"name": "x" * 61}, "60"),
    ],
)
def test_what_is_wrong_is_said(cast: Cast, change: dict[str, Any], words: str) -> None:
    cast.doctor.language = "en"
    cast.doctor.save(update_fields=["language"])
    answer = browser(cast.doctor).post(PAGE, FORM | change)
    assert answer.status_code == 422
    assert words in page_of(answer)
    assert not AccessKey.objects.exists()


def test_five_wrong_passwords_stop_even_the_right_one(cast: Cast) -> None:
    client = browser(cast.doctor)
    for _ in range(5):
        assert client.post(PAGE, FORM | {"password": "guess"}).status_code == 422
    assert client.post(PAGE, FORM).status_code == 422
    assert not AccessKey.objects.exists()
    assert AuditEntry.objects.filter(action="accesskey.wrong_password").count() == 5


def test_names_are_unique_and_keys_are_few(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_key, "MOST", 3)
    client = browser(cast.doctor)
    assert [client.post(PAGE, FORM).status_code for _ in range(2)] == [200, 422]
    for number in range(access_key.MOST - 1):
        assert client.post(PAGE, FORM | {"name": f"key {number}"}).status_code == 200
    assert client.post(PAGE, FORM | {"name": "one more"}).status_code == 422
    assert AccessKey.objects.count() == access_key.MOST


def test_only_its_owner_sees_and_revokes_it(cast: Cast) -> None:
    client, other = browser(cast.doctor), browser(cast.colleague)
    client.post(PAGE, FORM)
    key = AccessKey.objects.get()
    url = f"{PAGE}{key.pk}/revoke/"
    assert "北楼 CT" not in page_of(other.get(PAGE))
    assert other.post(url).status_code == 404
    assert client.get(url).status_code == 405
    assert [client.post(url).status_code for _ in range(2)] == [302, 404]
    assert "北楼 CT" not in page_of(client.get(PAGE)).replace("“北楼 CT”", "")
    assert client.post(PAGE, FORM).status_code == 200  # the name is free again
    assert AuditEntry.objects.filter(action="accesskey.revoke", actor="doctor.nitun").count() == 1


def test_without_a_role_there_is_no_key(cast: Cast) -> None:
    Role.objects.filter(person=cast.doctor).update(active=False)
    client = browser(cast.doctor)
    assert 'name="password"' not in page_of(client.get(PAGE))
    assert client.post(PAGE, FORM).status_code == 403


def test_a_key_that_opens_nothing_cannot_be_kept(cast: Cast) -> None:
    until = timezone.now() + timedelta(days=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessKey.objects.create(person=cast.doctor, name="x", hint="x", digest="x", expires_at=until)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "language"), [(360, "zh-hans"), (1920, "en")])
def test_made_copied_and_revoked_in_a_browser(
    chromium: Browser, live_server: Any, live_cast: Cast, width: int, language: str
) -> None:
    apart(lambda: User.objects.update(language=language))
    with windows(
        chromium, live_server, live_cast.doctor, width=width, permissions=["clipboard-read", "clipboard-write"]
    ) as [page]:
        page.goto(f"{live_server.url}{PAGE}")
        page.fill("[name=name]", "北楼 CT")
        page.check("[name=scope][value=store]")
        page.fill("[name=password]", PASSWORD)
        shot(page, f"keys-form-{width}")
        page.click("form.form button[type=submit]")
        secret = page.locator("#key")
        expect(secret).to_have_value(re.compile("tmk_[A-Za-z0-9_-]{43}"), timeout=15_000)
        page.click("[data-copy]")
        expect(page.locator("[data-copy] svg")).to_be_visible()
        wanted = secret.input_value()
        page.wait_for_function("async wanted => await navigator.clipboard.readText() === wanted", arg=wanted)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        shot(page, f"keys-made-{width}")
        page.reload()  # sends the form again: the name is taken, and nothing is shown
        expect(page.locator("#key")).to_have_count(0)
        page.locator("[data-key] button").click()
        page.locator("dialog[open] button.button-danger, dialog[open] [value=yes]").first.click()
        expect(page.locator("[data-key]")).to_have_count(0, timeout=15_000)
    assert apart(lambda: list(AccessKey.objects.values_list("revoked_by__username", "may_read"))) == [
        ("doctor.nitun", False)
    ]
