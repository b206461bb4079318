"""The large form in real processes: two sites, a worker and a relay on PostgreSQL and Redis."""

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from tests.platform.site import JOBS_DONE, WRITE_JOB, LargeSite, health, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.large]


@pytest.fixture(scope="module")
def large_site(large_servers: tuple[str, str]) -> Iterator[LargeSite]:
    with LargeSite(*large_servers) as running:
        yield running


class Browser:
    """A person's cookies over plain HTTP."""

    def __init__(self) -> None:
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, url: str) -> tuple[int, str, str]:
        """Status, final address, body."""
        with self.opener.open(url, timeout=30) as answer:
            return answer.status, answer.url, answer.read().decode()

    def sign_in(self, url: str, username: str) -> tuple[int, str, str]:
        page = self.get(f"{url}/accounts/login/")[2]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "username": username, "password": "telemed-demo"}
        with self.opener.open(f"{url}/accounts/login/", urllib.parse.urlencode(form).encode(), timeout=30) as answer:
            return answer.status, answer.url, answer.read().decode()


def test_both_sites_are_up_and_see_the_same_worker_and_relay(large_site: LargeSite) -> None:
    answers = [health(port) for port in large_site.ports]
    assert [status for status, _ in answers] == [200, 200]
    assert [body["worker"] for _, body in answers] == ["up", "up"]
    assert [[relay["name"] for relay in body["relays"]] for _, body in answers] == [["relay"], ["relay"]]
    assert {kind: len(pids) for kind, pids in large_site.pids().items()} == {"site": 2, "worker": 1, "relay": 1}


def test_who_signs_in_at_one_site_is_signed_in_at_the_other(large_site: LargeSite) -> None:
    person = Browser()
    first, second = large_site.urls
    assert person.sign_in(first, "doctor.nitun")[:2] == (200, f"{first}/")
    assert person.get(f"{second}/")[:2] == (200, f"{second}/")
    assert Browser().get(f"{second}/")[1].startswith(f"{second}/accounts/login/")


def test_the_worker_does_a_job_that_another_process_wrote(large_site: LargeSite) -> None:
    large_site.python(WRITE_JOB)
    wait_until(lambda: large_site.python(JOBS_DONE) == "1", "job done", 40)


def test_one_site_killed_the_other_goes_on(large_site: LargeSite) -> None:
    large_site.kill9("site", 1)
    assert health(large_site.port)[0] == 200
    wait_until(lambda: health(large_site.ports[1])[0] == 0, "second site gone", 10)
