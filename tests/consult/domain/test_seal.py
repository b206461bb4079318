"""The hospital's certificate under the PDF: two readers agree, a changed byte is seen, once made it stays."""

import contextlib
import hashlib
import io
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem
from asn1crypto import x509 as asn1
from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.tsp import TimeStampReq
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from django.db import DatabaseError, connection, transaction
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from consult.errors import Refusal
from consult.models import AuditEntry, Job, Notification, OpinionVersion, Seal
from consult.paper import seal as paper
from consult.paper.labels import EN, ZH
from consult.services import certificate, opinion, outbox, seal
from telemed import demo_ca
from tests import cast as people
from tests.cast import PASSWORD, Cast
from tests.consult.domain.threads import together
from tests.consult.pages.browsers import browser, page_of

ENGLISH = {"Accept-Language": "en"}
HOSPITAL = ("provincial", "山西省人民医院")


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seals")
    assert demo_ca.make(folder, [HOSPITAL]) == ["provincial"]
    assert demo_ca.make(folder, [HOSPITAL]) == []
    return folder


@pytest.fixture
def keys(made_keys: Path, settings: Any) -> Path:
    settings.SEAL_KEYS = made_keys
    return made_keys


@pytest.fixture
def version(cast: Cast) -> OpinionVersion:
    return people.sign(cast, people.opinion_due(cast))


def root(folder: Path) -> asn1.Certificate:
    return asn1.Certificate.load(pem.unarmor((folder / demo_ca.ROOT).read_bytes())[2])


def by_pyhanko(content: bytes, folder: Path) -> bool:
    """Whether pyHanko finds one signature, whole, over the whole file, by a certificate of the demo's authority."""
    try:
        [signature] = PdfFileReader(io.BytesIO(content)).embedded_signatures
        found = validate_pdf_signature(signature, ValidationContext(trust_roots=[root(folder)], allow_fetching=False))
    except Exception:
        return False
    return bool(found.bottom_line)


def by_poppler(content: bytes, folder: Path) -> str:
    """What poppler's pdfsig says, an independent implementation on NSS; it knows no authority of ours."""
    file = folder / "sealed.pdf"
    file.write_bytes(content)
    done = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_two_readers_agree_and_a_flipped_byte_fails_in_both(
    version: OpinionVersion, keys: Path, tmp_path: Path
) -> None:
    sealed = seal.document(version=version, language="zh-hans")
    assert by_pyhanko(sealed.content, keys)
    said = by_poppler(sealed.content, tmp_path)
    assert said.count("Signature Validation: Signature is Valid.") == 1
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    hole = re.search(rb"/ByteRange \[0 (\d+) (\d+) ", sealed.content)
    assert hole is not None
    for at in (1000, int(hole[1]) - 400, int(hole[2]) + 5):
        changed = bytearray(sealed.content)
        changed[at] ^= 1
        assert not by_pyhanko(bytes(changed), keys)
        assert "Signature is Valid" not in by_poppler(bytes(changed), tmp_path)


def test_it_is_made_once_in_each_language_and_names_its_certificate(
    version: OpinionVersion, keys: Path, tmp_path: Path
) -> None:
    assert Job.objects.get(kind="opinion.seal").payload == {"version": version.pk}
    assert outbox.sweep() > 0
    assert set(version.seals.values_list("language", flat=True)) == {"zh-hans", "en"}
    for language, labels in (("zh-hans", ZH), ("en", EN), ("xx", ZH)):
        sealed = seal.document(version=version, language=language)
        assert sealed.seal is not None
        assert hashlib.sha256(sealed.content).hexdigest() == sealed.seal.sha256
        assert sealed.content == seal.document(version=version, language=language).content
        (tmp_path / "paper.pdf").write_bytes(sealed.content)
        text = subprocess.run(["pdftotext", tmp_path / "paper.pdf", "-"], capture_output=True, check=True).stdout
        words = re.sub(r"[\s\u200b]+", "", text.decode())
        bare = {key: re.sub(r"\s+", "", labels[key]) for key in ("certificate", "no_certificate")}
        assert [bare["certificate"] in words, bare["no_certificate"] in words] == [True, False]
        assert re.sub(r"\s+", "", demo_ca.NAME) in words
    assert Seal.objects.count() == 2
    assert AuditEntry.objects.filter(action="seal.make", consultation=version.opinion.consultation_id).count() == 2


def test_of_two_who_make_it_at_once_one_stays(live_cast: Cast, keys: Path) -> None:
    version = people.sign(live_cast, people.opinion_due(live_cast))
    made = together(*[lambda: seal.document(version=version, language="en").content] * 4)
    assert len(set(made)) == 1
    folder = seal._place(Seal.objects.get().sha256).parents[1]
    assert len(list(folder.rglob("*.pdf"))) == 1


def test_an_amendment_gets_its_own(cast: Cast, version: OpinionVersion, keys: Path) -> None:
    thing = version.opinion.consultation
    first = seal.document(version=version, language="en")
    draft = opinion.amend(consultation=thing, by=cast.expert, reason="补充结果")
    second = opinion.sign(consultation=thing, by=cast.expert, password=PASSWORD, draft_rev=draft.draft_rev)
    other = seal.document(version=second, language="en")
    assert by_pyhanko(other.content, keys)
    assert first.seal != other.seal
    assert seal.document(version=version, language="en").content == first.content


def test_rows_and_files_cannot_be_changed_unseen(version: OpinionVersion, keys: Path) -> None:
    sealed = seal.document(version=version, language="en")
    assert sealed.seal is not None
    for sql in ("UPDATE consult_seal SET sha256 = ''", "DELETE FROM consult_seal"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    seal._place(sealed.seal.sha256).write_bytes(sealed.content[:-1])
    with pytest.raises(Refusal) as refused:
        seal.document(version=version, language="en")
    assert refused.value.code == "lost"


def _expired(folder: Path) -> None:
    demo_ca.make(folder, [HOSPITAL], since=datetime.now(UTC) - demo_ca.LIFE - timedelta(days=1))


def _not_yet(folder: Path) -> None:
    demo_ca.make(folder, [HOSPITAL], since=datetime.now(UTC) + timedelta(days=1))


def _unreadable(folder: Path) -> None:
    demo_ca.make(folder, [HOSPITAL])
    (folder / "provincial.pass").write_text("another")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(lambda _folder: None, "missing"), (_expired, "expired"), (_not_yet, "not_yet"), (_unreadable, "unreadable")],
)
def test_without_a_usable_certificate_it_is_signed_and_says_so(
    cast: Cast, version: OpinionVersion, settings: Any, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    settings.SEAL_KEYS = tmp_path / "own"
    spoil(settings.SEAL_KEYS)
    assert certificate.standing(cast.provincial).reason == reason
    sealed = seal.document(version=version, language="en")
    assert sealed.seal is None
    (tmp_path / "paper.pdf").write_bytes(sealed.content)
    text = subprocess.run(["pdftotext", tmp_path / "paper.pdf", "-"], capture_output=True, check=True).stdout.decode()
    assert EN["no_certificate"] in " ".join(text.split())
    for _again in range(2):
        seal.make_all(version.pk)
    told = Notification.objects.filter(kind="seal_missing")
    assert [row.person for row in told] == [cast.scheduler]
    shown = unescape(
        page_of(browser(cast.doctor, headers=ENGLISH).get(f"/consultations/{version.opinion.consultation_id}/opinion/"))
    )
    assert "No certificate signature" in shown
    assert str(certificate.REASONS[reason]) in shown  # type: ignore[index]
    assert str(certificate.REASONS[reason]) in unescape(
        page_of(browser(cast.scheduler, headers=ENGLISH).get("/certificates/"))
    )  # type: ignore[index]
    assert browser(cast.expert, headers=ENGLISH).get("/certificates/").status_code == 404


def test_what_was_signed_without_one_is_signed_once_there_is_one(
    version: OpinionVersion, made_keys: Path, settings: Any
) -> None:
    outbox.sweep()
    assert (seal.catch_up(), Seal.objects.count()) == (0, 0)
    settings.SEAL_KEYS = made_keys
    assert seal.catch_up() == 1
    outbox.sweep()
    assert (seal.catch_up(), Seal.objects.count()) == (0, 2)


def test_a_certificate_that_ends_soon_is_told_once_a_week(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.SEAL_KEYS = tmp_path / "own"
    demo_ca.make(settings.SEAL_KEYS, [HOSPITAL], since=datetime.now(UTC) - demo_ca.LIFE + timedelta(days=20))
    for _again in range(2):
        seal.watch()
    assert list(Notification.objects.values_list("kind", "person__username")) == [("seal_ending", "scheduler")]
    assert "Ends soon" in page_of(browser(cast.regulator, headers=ENGLISH).get("/certificates/"))


@contextlib.contextmanager
def stamps(folder: Path) -> Iterator[str]:
    """A time stamp server (RFC 3161 over HTTP) with a certificate of the demo's maker."""
    demo_ca.make(folder, [("stamps", "Stamps")])
    key, certificate_, _others = pkcs12.load_key_and_certificates(
        (folder / "stamps.p12").read_bytes(), (folder / "stamps.pass").read_bytes()
    )
    assert key is not None
    assert certificate_ is not None
    own = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stamper = DummyTimeStamper(asn1.Certificate.load(certificate_.public_bytes(Encoding.DER)), PrivateKeyInfo.load(own))

    class Stamps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            said = stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Stamps)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_time_stamp_is_signed_too_and_a_silent_server_is_waited_for_later(
    version: OpinionVersion, keys: Path, settings: Any, tmp_path: Path
) -> None:
    with stamps(tmp_path / "stamps") as url:
        settings.SEAL_TIME_STAMP_URL = url
        stamped = seal.document(version=version, language="en")
    assert stamped.seal is not None
    assert stamped.seal.stamped
    [signature] = PdfFileReader(io.BytesIO(stamped.content)).embedded_signatures
    roots = [root(keys), root(tmp_path / "stamps")]
    found = validate_pdf_signature(signature, ValidationContext(trust_roots=roots, allow_fetching=False))
    assert found.intact
    assert found.timestamp_validity is not None
    assert found.timestamp_validity.intact
    assert "Signature is Valid" in by_poppler(stamped.content, tmp_path)
    assert seal.document(version=version, language="zh-hans").seal is None  # the server is gone
    with pytest.raises(paper.NoTimeStamp):
        seal.make_all(version.pk)


def test_keys_are_for_the_site_only(made_keys: Path) -> None:
    modes = {path.name: os.stat(path).st_mode & 0o777 for path in made_keys.iterdir() if path.suffix != ".pem"}
    assert modes == {"provincial.p12": 0o600, "provincial.pass": 0o600}
