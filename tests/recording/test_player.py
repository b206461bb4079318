"""The player in Chromium: it plays, seeks, says who is who, and waits for films that are being made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from consult.models import Consultation, Recording, User
from consult.services import outbox, recording, recording_files, recording_keys
from tests import cast as walk
from tests.browser.people import eventually
from tests.cast import Cast
from tests.recording import logs, scene
from tests.recording.logs import Publisher
from tests.windows import apart, windows

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VIDEO = "[...document.querySelectorAll('[data-film]')].find(each => each.innerText === 'Li Xiulan').children[0]"


@pytest.fixture
def english(live_cast: Cast) -> Cast:
    User.objects.update(language="en")
    return live_cast


@contextmanager
def player(chromium: Browser, live_server: Any, user: User, row: Recording, **how: Any) -> Iterator[Page]:
    with windows(chromium, live_server, user, **how) as [page]:
        page.goto(f"/consultations/{row.consultation_id}/recordings/{row.pk}/")
        yield page


def switched(row: Recording, name: str, codec: str) -> bytes:
    """A call in which the doctor's large picture comes after 3 s and is followed, as the relay's recorder does."""
    small, large = Publisher("doctor.nitun", 1, codec=codec), Publisher("doctor.nitun", 3, codec=codec, width=320)
    large.height, expert = 240, Publisher("expert.provincial", 5, codec=codec)
    media = sorted([*small.records(0, 3), *large.records(3, 6), *expert.records(0, 6)], key=lambda timed: timed[0])
    start = [logs.head(), logs.mark("resumed", 0.0), small.streams(), expert.streams()]
    at = next(place for place, (moment, record) in enumerate(media) if moment > 3 and record[5:7] == b"\0\3")
    parts = [*start, *(record for _, record in media[:at]), large.streams(), *(record for _, record in media[at:])]
    path = Path(settings.RECORDINGS_ROOT).parent / f"{name}.log"
    logs.sealed(path, [*parts, logs.mark("paused", 6.0), logs.mark("closed", 6.0)], recording_keys.key_of(row))
    return path.read_bytes()


def recorded(cast: Cast, thing: Consultation, codec: str) -> Recording:
    row = scene.running(cast, thing)
    name = scene.orders()[0].log
    scene.heard(name, "running")
    recording_files.append(name=name, offset=0, content=switched(row, name, codec))
    recording.stop(recording=row, by=cast.doctor)
    recording_files.arrived(name=name)
    return row


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_it_plays_and_seeks_also_over_a_change_of_size(
    chromium: Browser, live_server: Any, english: Cast, codec: str
) -> None:
    """What Chromium shows at each place is what was sent then: 160 x 120 before the third second, 320 x 240 after."""
    row = apart(lambda: recorded(english, walk.in_session(english), codec))
    apart(outbox.sweep)
    row.refresh_from_db()
    assert (row.state, row.incomplete, round(row.seconds)) == ("READY", False, 6)
    with player(chromium, live_server, english.doctor, row) as page:
        expect(page.locator("[data-film]")).to_have_count(2)
        names = page.locator("[data-film] figcaption").all_inner_texts()
        assert sorted(names) == ["Li Xiulan", "Zhang Wenbo"]
        page.get_by_role("button", name="Play").click()
        eventually(lambda: page.evaluate(f"{VIDEO}.currentTime") > 0.5, "it plays")
        assert page.evaluate(f"{VIDEO}.videoWidth") == 160
        seek = page.get_by_label("Position")
        seek.evaluate("node => { node.value = '4.5'; node.dispatchEvent(new Event('change')); }")
        eventually(lambda: page.evaluate(f"{VIDEO}.currentTime") > 4.4, "it is at the other place")
        eventually(lambda: page.evaluate(f"{VIDEO}.videoWidth") == 320, "the larger picture")
        seek.evaluate("node => { node.value = '0.5'; node.dispatchEvent(new Event('change')); }")
        eventually(lambda: page.evaluate(f"{VIDEO}.videoWidth") == 160, "the smaller picture again")
        at = page.evaluate("[...document.querySelectorAll('video')].map(node => node.currentTime)")
        assert abs(at[0] - at[1]) < 0.5
        assert page.evaluate("[...document.querySelectorAll('video')].map(node => node.error)") == [None, None]
        assert page.locator("[data-trouble]").inner_text() == ""


def test_a_page_that_waits_tells_how_far_it_is_and_opens_the_player(
    chromium: Browser, live_server: Any, english: Cast
) -> None:
    row = apart(lambda: recorded(english, walk.in_session(english), "vp8"))
    with player(chromium, live_server, english.doctor, row) as page:
        expect(page.locator("[data-progress]")).to_be_visible()
        Recording.objects.filter(pk=row.pk).update(cut_share=0.4)
        expect(page.locator("[data-progress]")).to_contain_text("40 %")
        apart(outbox.sweep)
        expect(page.locator("[data-player]")).to_be_visible(timeout=15000)


def test_a_film_whose_key_or_content_is_gone_is_said(chromium: Browser, live_server: Any, english: Cast) -> None:
    row = apart(lambda: recorded(english, walk.in_session(english), "vp8"))
    apart(outbox.sweep)
    film = row.files.get(person=english.expert)
    path = settings.RECORDINGS_ROOT / film.path
    path.write_bytes(path.read_bytes()[:100])
    with player(chromium, live_server, english.doctor, row) as page:
        expect(page.locator("[data-trouble]")).to_have_text("A part of this recording cannot be played.")
        page.get_by_role("button", name="Play").click()
        eventually(lambda: page.evaluate(f"{VIDEO}.currentTime") > 0.5, "the other part plays")
    settings.RECORDING_KEY, key = "another-key-of-at-least-32-letters", settings.RECORDING_KEY
    try:
        with player(chromium, live_server, english.doctor, row) as page:
            expect(page.get_by_role("status").filter(has_text="its key is not on this server")).to_be_visible()
            assert page.locator("[data-player]").count() == 0
    finally:
        settings.RECORDING_KEY = key
