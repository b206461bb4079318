"""Consent: versioned texts, append-only rows, files taken from nobody's word."""

import hashlib
import io
import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from PIL import Image, ImageDraw
from PIL.ExifTags import GPS, IFD, Base

from consult import policies
from consult.errors import Conflict, NotAllowed, Refusal
from consult.models import AuditEntry, Consent, ConsentText, Consultation, Notification
from consult.services import consent, consultation, signature
from tests import cast as people
from tests.cast import Cast
from tests.consult.domain.threads import together


def photo(size: tuple[int, int] = (800, 600), kind: str = "JPEG", exif: Image.Exif | None = None) -> bytes:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line([(20, 90), (size[0] // 2, 20)], fill="black", width=4)
    file = io.BytesIO()
    image.save(file, kind, **({"exif": exif} if exif else {}))
    return file.getvalue()


def pdf(inside: bytes = b"", head: bytes = b"") -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R " + head + b">>\nendobj\n"
        b"3 0 obj\n<< /Length " + str(len(inside)).encode() + b" >>\nstream\n" + inside + b"\nendstream\nendobj\n"
        b"trailer << /Root 1 0 R >>\n%%EOF\n"
    )


def packed(names: bytes) -> bytes:
    """A PDF whose dictionary is hidden in a compressed object stream."""
    inside = zlib.compress(b"1 0 " + names)
    return (
        b"%PDF-1.7\n5 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length "
        + str(len(inside)).encode()
        + b" >>\nstream\n"
        + inside
        + b"\nendstream\nendobj\n%%EOF\n"
    )


def _record(cast: Cast, thing: Consultation, content: bytes, method: str = "file", **fields: Any) -> Consent:
    known: dict[str, Any] = {"signer_name": "王桂英", "relation": "self", "text": consent.current()}
    return consent.record(consultation=thing, by=cast.doctor, method=method, content=content, **{**known, **fields})


def test_the_texts_come_in_both_languages_and_change_by_a_new_version(cast: Cast) -> None:
    first = {language: consent.current(language=language) for language in ("zh-hans", "en")}
    assert {text.version for text in first.values()} == {1}
    assert first["zh-hans"].body.startswith("远程医疗会诊知情同意书")
    assert first["zh-hans"].sha256 == hashlib.sha256(first["zh-hans"].body.encode()).hexdigest()
    assert consent.current(language="fr") == first["zh-hans"]
    consent.publish(kind="consultation", bodies={"zh-hans": "新文本", "en": "New text"})
    assert [(text.version, text.body) for text in (consent.current(), consent.current(language="en"))] == [
        (2, "新文本"),
        (2, "New text"),
    ]
    with pytest.raises(KeyError):
        consent.publish(kind="consultation", bodies={"zh-hans": "只有中文"})
    assert ConsentText.objects.filter(kind="consultation").count() == 4
    assert consent.current(kind="recording").version == 1


def test_a_text_that_changed_while_reading_is_not_signed(cast: Cast) -> None:
    thing = people.draft(cast)
    old = consent.current()
    consent.publish(kind="consultation", bodies={"zh-hans": "新文本", "en": "New text"})
    with pytest.raises(Conflict) as refused:
        _record(cast, thing, photo(), text=old)
    assert refused.value.code == "text_changed"
    assert _record(cast, thing, photo()).text.version == 2


def test_what_is_kept_says_who_how_when_and_over_which_bytes(cast: Cast) -> None:
    thing = people.draft(cast)
    given = _record(cast, thing, photo(), signer_name=" 王小明 ", relation="child")
    assert (given.signer_name, given.relation, given.method, given.taken_by) == ("王小明", "child", "file", cast.doctor)
    assert abs(timezone.now() - given.signed_at) < timedelta(minutes=1)
    kept = consent.file_of(given).read_bytes()
    assert given.file_sha256 == hashlib.sha256(kept).hexdigest()
    assert consent.file_of(given).name == f"{given.file_sha256}.jpg"
    entry = AuditEntry.objects.latest("seq")
    assert (entry.action, entry.detail["sha256"]) == ("consent.record", given.file_sha256)
    assert "王" not in str(entry.detail)


@pytest.mark.parametrize("verb", ["UPDATE consult_consent SET signer_name = 'x'", "DELETE FROM consult_consent"])
def test_the_database_refuses_to_change_a_consent(cast: Cast, verb: str) -> None:
    thing = people.draft(cast)
    before = list(Consent.objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{verb} WHERE consultation_id = %s", [thing.pk])
    assert list(Consent.objects.values()) == before
    assert len(before) == 1


def test_a_withdrawal_blocks_submitting_and_joining_until_a_new_consent(cast: Cast) -> None:
    thing = people.draft(cast)
    given = thing.consents.get()
    gone = consent.withdraw(consent=given, by=cast.doctor)
    assert (gone.withdraws, Consent.objects.count()) == (given, 2)
    assert [item.field for item in consultation.missing(thing)] == ["consent"]
    with pytest.raises(Refusal) as refused:
        consultation.submit(consultation=thing, by=cast.doctor)
    assert (refused.value.code, refused.value.field) == ("incomplete", "consent")
    for again in (given, gone):
        with pytest.raises(Conflict):
            consent.withdraw(consent=again, by=cast.doctor)
    people.give_consent(thing, cast.doctor)
    assert consultation.submit(consultation=thing, by=cast.doctor).state == "SUBMITTED"


def test_a_consent_to_recording_is_not_one_to_the_consultation(cast: Cast) -> None:
    thing = people.draft(cast)
    consent.withdraw(consent=thing.consents.get(), by=cast.doctor)
    _record(cast, thing, photo(), text=consent.current(kind="recording"))
    assert [policies.has_consent(thing, kind) for kind in ("consultation", "recording")] == [False, True]


def test_a_withdrawal_is_told_to_the_answering_side_and_the_desk(cast: Cast) -> None:
    thing = people.accepted(cast)
    consent.withdraw(consent=thing.consents.get(), by=cast.doctor)
    told = Notification.objects.filter(kind="consent_withdrawn").values_list("person__username", flat=True)
    assert sorted(told) == ["expert.provincial", "scheduler"]
    assert not policies.may_join(cast.expert, thing)


def test_consent_is_the_asking_sides_and_ends_with_the_consultation(cast: Cast) -> None:
    thing = people.accepted(cast)
    for stranger in (cast.expert, cast.scheduler, cast.regulator, cast.outsider):
        with pytest.raises(NotAllowed):
            people.give_consent(thing, stranger)
        with pytest.raises(NotAllowed):
            consent.withdraw(consent=thing.consents.get(), by=stranger)
    ended = people.closed(cast)
    with pytest.raises(Conflict):
        people.give_consent(ended, cast.doctor)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"signer_name": "  "}, "name_missing"),
        ({"relation": "neighbour"}, "relation_missing"),
        ({"method": "spoken"}, "method_missing"),
    ],
)
def test_an_incomplete_consent_is_refused(cast: Cast, wrong: dict[str, str], code: str) -> None:
    thing = people.draft(cast)
    with pytest.raises(Refusal) as refused:
        _record(cast, thing, photo(), **wrong)
    assert refused.value.code == code
    assert Consent.objects.count() == 1


def test_two_who_withdraw_at_once_leave_one_withdrawal(live_cast: Cast) -> None:
    given = people.draft(live_cast).consents.get()
    done = together(*(lambda: consent.withdraw(consent=given, by=live_cast.doctor),) * 4)
    assert sorted(type(result).__name__ for result in done) == ["Consent", "str", "str", "str"]
    assert Consent.objects.exclude(withdraws=None).count() == 1


def _bomb() -> bytes:
    """A PNG of 40,000 x 40,000 pixels in a few kilobytes."""
    file = io.BytesIO()
    Image.new("1", (40_000, 1_100)).save(file, "PNG")
    return file.getvalue()


HOSTILE = {
    "nothing": (b"", False, "unreadable"),
    "words": (b"hello", False, "unreadable"),
    "html": (b"<html><script>alert(1)</script>", False, "unreadable"),
    "half a picture": (photo()[:2000], False, "unreadable"),
    "gif": (photo(kind="GIF"), False, "unreadable"),
    "tiff": (photo(kind="TIFF"), False, "unreadable"),
    "too many bytes": (b"\xff" * (8 * 1024 * 1024 + 1), False, "too_large"),
    "too many pixels": (_bomb(), False, "too_large"),
    "drawn jpeg": (photo(), True, "unreadable"),
    "drawn pdf": (pdf(), True, "unreadable"),
    "drawn nothing": (people.signature()[:0], True, "unreadable"),
    "pdf cut off": (pdf()[:-10], False, "unreadable"),
    "pdf with a script": (pdf(head=b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >> "), False, "active_pdf"),
    "pdf with an escaped script": (pdf(head=b"/AcroForm << /S /J#61vaScript >> "), False, "active_pdf"),
    "pdf with a packed script": (packed(b"<< /S /JavaScript >>"), False, "active_pdf"),
    "pdf with a bomb": (packed(bytes(20_000_000)), False, "unreadable"),
    "pdf with a launch": (pdf(head=b"/Launch "), False, "active_pdf"),
    "pdf with files": (pdf(head=b"/EmbeddedFiles 4 0 R "), False, "active_pdf"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_a_reason(name: str) -> None:
    content, drawn, code = HOSTILE[name]
    with pytest.raises(Refusal) as refused:
        signature.clean(content, drawn=drawn)
    assert refused.value.code == code
    assert str(refused.value.message)


def test_an_empty_box_is_no_signature() -> None:
    for image in (Image.new("RGBA", (300, 120)), Image.new("RGB", (300, 120), "black")):
        file = io.BytesIO()
        image.save(file, "PNG")
        with pytest.raises(Refusal) as refused:
            signature.clean(file.getvalue(), drawn=True)
        assert (refused.value.code, refused.value.field) == ("empty_signature", "drawn")


def test_a_scanned_pdf_is_kept_although_its_pictures_look_like_anything() -> None:
    scan = pdf(inside=b"\x00/JS \x01/AA\xff/JavaScript(" + bytes(range(256)))
    assert signature.clean(scan, drawn=False) == signature.Paper(scan, "pdf")


def test_where_a_photo_was_taken_is_not_kept_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make] = "Huawei"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (38.0, 7.0, 0.0)
    taken = photo((800, 600), exif=exif)
    assert b"Huawei" in taken
    kept = signature.clean(taken, drawn=False)
    with Image.open(io.BytesIO(kept.content)) as image:
        assert (image.size, dict(image.getexif())) == ((600, 800), {})
    assert b"Huawei" not in kept.content
    assert b"Exif" not in kept.content


def test_large_photos_are_kept_smaller() -> None:
    with Image.open(io.BytesIO(signature.clean(photo((4000, 3000)), drawn=False).content)) as image:
        assert max(image.size) <= 3000


def test_a_picture_with_a_page_behind_it_loses_the_page() -> None:
    kept = signature.clean(photo(kind="PNG") + b"<script>alert(1)</script>", drawn=False)
    assert kept.extension == "jpg"
    assert b"script" not in kept.content
