"""Hostile files through the real doors: refused with a reason a doctor understands, or shown; nothing else suffers."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Picture

from imaging.models import Image, sentence
from imaging.services import child, decoding
from tests.cast import Cast, draft
from tests.imaging.doors import begin, client, photo, real, sent, streamed
from tests.imaging.hostile import expected, files, gb18030_name, gps_photo, png_with_html
from tests.imaging.ways import Way, by_browser, by_c_store, by_stow, by_zip

pytestmark = pytest.mark.files


@pytest.mark.slow
@pytest.mark.parametrize("way", [by_browser, by_zip, by_stow, by_c_store], ids=lambda way: way.__name__)
@pytest.mark.django_db(transaction=True)
def test_refused_in_words_or_shown_on_every_way_in(live_cast: Cast, way: Way, tmp_path: Path) -> None:
    """Each file of the table alone decides what becomes of it, and none costs this process the memory it asks for."""
    files()
    consultation = draft(live_cast)
    browser = client(live_cast.doctor)
    before = sent(browser, consultation, "before.jpg", photo(64, 64))
    highest = _highest_from_now()
    assert way(live_cast, consultation, files(), tmp_path) == expected(way.__name__)
    assert highest() < 60_000
    page = browser.get(f"/consultations/{consultation.pk}/images/").content.decode().replace("&#x27;", "'")
    for image in Image.objects.exclude(pk=before.pk).exclude(state="unpacked"):
        if image.state == "refused":
            assert sentence(image.reason) in page
            assert {path.name for path in image.path.iterdir()} <= {"original"}
        answers = {browser.get(f"/images/{image.pk}/{door}").status_code for door in ("frames/0/", "thumbnail/")}
        assert answers <= ({422} if image.state == "refused" else {200, 404})
    assert browser.get(f"/images/{before.pk}/frames/0/").status_code == 200
    assert list(before.path.parent.parent.rglob("*.part")) == []


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("empty.dcm", b"", 422, "empty"),
        ("study.rar", b"x", 422, "archive"),
        ("setup.exe", b"x", 422, "active_content"),
        ("page.HTML", b"x", 422, "active_content"),
        ("biopsy.MRXS", b"x", 422, "slide"),
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


def _highest_from_now() -> Callable[[], int]:
    """Asks how many kB this process has at most held since, beyond what it holds now (proc(5), clear_refs 5)."""
    Path("/proc/self/clear_refs").write_text("5")
    start = _resident("VmRSS")
    return lambda: _resident("VmHWM") - start


def _resident(which: str) -> int:
    """kB of this process."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(lines[which].split()[0])


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
