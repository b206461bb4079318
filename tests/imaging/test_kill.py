"""kill -9 of the site while a file is sent: acknowledged bytes are there, it arrives whole, the worker shows it."""

import hashlib
import http.client
import json
from collections.abc import Iterator

import pytest

from tests.imaging.doors import TUS, metadata, photo
from tests.platform.site import Site, wait_until

SEED = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from tests.cast import draft, people
cast = people()
store = SessionStore()
store[SESSION_KEY] = str(cast.doctor.pk)
store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
store[HASH_SESSION_KEY] = cast.doctor.get_session_auth_hash()
store.save()
print("seeded", draft(cast).pk, store.session_key)
"""
TOKEN = "t" * 32
PIECE = 256 * 1024


@pytest.fixture
def bare_site() -> Iterator[Site]:
    """A site of the small form that holds the cast and one draft; no relay."""
    site = Site(RELAYS="0")
    try:
        site.manage("migrate", "--verbosity=0")
        yield site
    finally:
        site.end()


class Caller:
    """A browser's requests, on a new connection each."""

    def __init__(self, site: Site, session: str) -> None:
        self.site = site
        self.cookie = f"sessionid={session}; csrftoken={TOKEN}"

    def ask(self, method: str, url: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse | None:
        """The answer with its body read; None when the site died meanwhile or is not there."""
        line = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=20)
        said = {**TUS, "Cookie": self.cookie, "X-CSRFToken": TOKEN, "Accept": "application/json", **headers}
        try:
            line.request(method, url, body or None, said)
            answer = line.getresponse()
            answer.text = answer.read().decode()  # type: ignore[attr-defined]
            return answer
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()

    def stands(self, url: str) -> int:
        answer = wait_until(lambda: self.ask("HEAD", url), "site is back")
        assert answer.status == 200, answer.status
        return int(answer.headers["Upload-Offset"])


@pytest.mark.slow
def test_no_acknowledged_byte_is_lost(bare_site: Site) -> None:
    site = bare_site
    pk, session = site.manage("shell", "-c", SEED).split("seeded ")[1].split()
    site.serve()
    caller = Caller(site, session)
    content = photo(1200, 800, "PNG", compress_level=0)
    said = {"Upload-Length": str(len(content)), "Upload-Metadata": metadata("rash.png", content)}
    uploads = f"/consultations/{pk}/images/uploads/"
    began = wait_until(lambda: caller.ask("POST", uploads, **said), "site is up")
    assert began.status == 201, began.text
    url = began.headers["Location"]
    acknowledged, kills, last = 0, {2 * PIECE, 5 * PIECE, 9 * PIECE}, None
    while acknowledged < len(content):
        if acknowledged in kills:
            kills.discard(acknowledged)
            site.kill9("site")
            stands = caller.stands(url)
            assert stands >= acknowledged
            acknowledged = stands
        piece = content[acknowledged : acknowledged + PIECE]
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(acknowledged)}
        last = caller.ask("PATCH", url, piece, **kind)
        assert last is not None
        assert last.status == 204, last.text  # type: ignore[attr-defined]
        acknowledged += len(piece)
    assert kills == set()
    assert last is not None
    assert last.headers["X-Sha256"] == hashlib.sha256(content).hexdigest()
    site.kill9("site")  # before or while the worker decodes: the job is a row
    listed = f"/consultations/{pk}/images/list/"

    def state() -> str:
        answer = caller.ask("GET", listed)
        found = json.loads(answer.text)["images"][0]["state"] if answer and answer.status == 200 else ""
        return found if found == "ready" else ""

    assert wait_until(state, "image prepared", seconds=150) == "ready"
