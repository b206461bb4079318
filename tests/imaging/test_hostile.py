"""Hostile files through the real doors: refused with a reason a doctor understands, or shown; nothing else suffers."""

import io
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Picture

from imaging.models import Image, sentence
from imaging.services import child, decoding
from tests.cast import Cast, draft
from tests.imaging.doors import begin, client, photo, real, sent, streamed
from tests.imaging.hostile import HOSTILE, gb18030_name, gps_photo, png_with_html

pytestmark = pytest.mark.files


@pytest.mark.parametrize(("name", "make", "outcome"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_refused_in_words_or_shown(cast: Cast, name: str, make: Callable[[], bytes], outcome: str) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    before = sent(browser, consultation, "before.jpg", photo(64, 64))
    image = sent(browser, consultation, name, make())
    if outcome == "shown":
        assert image.state in ("ready", "held")
        assert browser.get(f"/images/{image.pk}/frames/0/").status_code == 200
    else:
        assert (image.state, image.reason) == ("refused", outcome)
        page = browser.get(f"/consultations/{consultation.pk}/images/").content.decode()
        assert sentence(outcome) in page.replace("&#x27;", "'")
        assert {path.name for path in image.path.iterdir()} <= {"original"}
        for door in ("frames/0/", "thumbnail/", "original/"):
            assert browser.get(f"/images/{image.pk}/{door}").status_code == 422
    assert browser.get(f"/images/{before.pk}/frames/0/").status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("empty.dcm", b"", 422, "empty"),
        ("study.rar", b"x", 422, "archive"),
        ("setup.exe", b"x", 422, "active_content"),
        ("page.HTML", b"x", 422, "active_content"),
        ("biopsy.SVS", b"x", 422, "slide"),
        ("photo.jpg.svg", b"x", 422, "active_content"),
    ],
)
def test_refused_before_a_byte_is_sent(cast: Cast, name: str, content: bytes, status: int, code: str) -> None:
    answer = begin(client(cast.doctor), draft(cast), name, content)
    assert (answer.status_code, answer.json()) == (status, {"code": code, "message": sentence(code)})


def test_disguised_bytes_are_not_kept(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "elf.dcm", b"\x7fELF".ljust(128, b"\0") + real("CT_small.dcm")[128:])
    assert (image.reason, image.original.exists()) == ("disguised", False)


def test_site_stays_small_while_bombs_are_decoded(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    sent(browser, consultation, "warm.dcm", real("CT_small.dcm"))
    before = _resident()
    for name, make, _ in HOSTILE:
        if name in ("bomb.dcm", "huge.png", "lying-rle.dcm", "frames.dcm", "nested.dcm"):
            sent(browser, consultation, name, make())
    assert _resident() - before < 40_000


def _resident() -> int:
    """kB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def test_metadata_is_dropped_and_the_photo_upright(cast: Cast) -> None:
    browser = client(cast.doctor)
    content = gps_photo()
    image = sent(browser, draft(cast), "gps.jpg", content)
    shown = Picture.open(io.BytesIO(browser.get(f"/images/{image.pk}/frames/0/").content))
    assert (shown.size, dict(shown.getexif())) == ((300, 400), {})
    assert b"SpyCam" in content
    assert image.original.read_bytes() == content


def test_markup_after_a_picture_never_reaches_the_page(cast: Cast) -> None:
    browser = client(cast.doctor)
    image = sent(browser, draft(cast), "x.png", png_with_html())
    assert b"<script>" not in browser.get(f"/images/{image.pk}/frames/0/").content
    original = browser.get(f"/images/{image.pk}/original/")
    assert original["Content-Type"] == "application/octet-stream"
    assert original["Content-Disposition"].startswith("attachment;")
    assert original["X-Content-Type-Options"] == "nosniff"
    assert streamed(original) == png_with_html()


def test_chinese_name_is_read_right(cast: Cast) -> None:
    image = sent(client(cast.doctor), draft(cast), "n.dcm", gb18030_name())
    assert image.patient_name == "王小东 (Wang XiaoDong)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("while True: pass", "took_too_long"),
        ("x = [bytes(10**8) for _ in range(100)]", "too_big_to_decode"),
        ("import os; os.kill(os.getpid(), 11)", "damaged"),
        ("import os; os._exit(3)", "damaged"),
        ("open('/proc/self/fd/0').read(); raise StopIteration", "damaged"),
        ("f = open('big', 'wb'); f.write(bytes(10**6)); raise SystemExit(0)", "damaged"),
    ],
)
def test_child_dies_within_its_limits_and_only_itself(
    body: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real fork and limits of the child, with a decoder that misbehaves."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "CPU_SECONDS", 1)
    monkeypatch.setattr(child, "decode", lambda kind, source, into: exec(body))
    answer = child._in_fork({"id": "1", "kind": "dicom", "source": "x", "into": str(tmp_path)})
    assert answer["refused"] == code
    assert os.getpid() > 0


@pytest.mark.slow
def test_killed_child_is_replaced(tmp_path: Path, cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    sent(browser, consultation, "a.jpg", photo())
    for pid in decoding.process_ids():
        os.kill(pid, 9)
    assert sent(browser, consultation, "b.jpg", photo(99, 99)).state == "ready"


def test_dismissing_a_refused_file_forgets_it(cast: Cast) -> None:
    browser, consultation = client(cast.doctor), draft(cast)
    image = sent(browser, consultation, "half.jpg", photo(1200, 900)[:5000])
    assert image.original.exists()
    assert browser.post(f"/images/{image.pk}/withdraw/").status_code == 302
    assert not image.path.exists()
    assert Image.objects.get().state == "withdrawn"
