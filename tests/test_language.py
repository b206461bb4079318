"""Which language a person is answered in: pages, refusals, and the words scripts use."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD, Cast


def catalogue(client: Client, language: str) -> dict[str, str]:
    body = client.get(reverse("javascript-catalog"), headers={"accept-language": language}).content.decode()
    found = re.search(r"const newcatalog = (\{.*?\n  \});", body, re.DOTALL)
    return json.loads(found[1]) if found else {}


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "word"), [("zh-CN", "媒体中继"), ("en", None)])
def test_scripts_speak_the_language_of_the_page(client: Client, language: str, word: str | None) -> None:
    assert catalogue(client, language).get("Relay") == word


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "heading"), [("zh-CN", "登录"), ("en", "Sign in"), ("fr", "登录")])
def test_the_first_page_follows_the_browser_and_else_is_chinese(client: Client, language: str, heading: str) -> None:
    page = client.get(reverse("login"), headers={"accept-language": language}).content.decode()
    assert re.findall(r"<h1>(.*?)</h1>", page) == [heading]


def test_a_page_open_too_long_says_what_to_do(db: None, cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    given = {"username": cast.doctor.username, "password": PASSWORD}
    answer = strict.post(reverse("login"), given, headers={"accept-language": "zh-CN"})
    assert answer.status_code == 403
    assert re.findall(r"<h1>(.*?)</h1>", answer.content.decode()) == ["页面打开时间过长"]
