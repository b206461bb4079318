"""A hospital's certificate signature under a PDF: PAdES B-B, with a time stamp B-T (ETSI EN 319 142-1)."""

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

if TYPE_CHECKING:  # pyHanko takes a second to import: only who signs waits for it
    from asn1crypto.x509 import Name
    from pyhanko.sign.signers import Signer

STAMP_SECONDS = 5  # a time stamp server that is silent longer counts as down
FIELD = "HospitalSeal"


class Unreadable(Exception):
    """No certificate with its private key could be read: wrong passphrase, wrong file, key of another certificate."""


class NoTimeStamp(Exception):
    """The time stamp server gave none."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """A certificate with its private key, which pyHanko holds. Names are the common names, the organisation's else."""

    signer: "Signer"
    subject: str
    issuer: str
    serial: str
    """Hexadecimal, in pairs."""
    valid_from: datetime
    valid_until: datetime


def open_file(path: Path, passphrase: bytes) -> Sealer:
    """The key in a PKCS#12 file (RFC 7292), with all its certificates. Raises Unreadable, FileNotFoundError."""
    content = path.read_bytes()
    try:
        key, certificate, _others = pkcs12.load_key_and_certificates(content, passphrase or None)
    except ValueError as error:
        raise Unreadable(f"{path.name}: {error}") from error
    if key is None or certificate is None or _public(key.public_key()) != _public(certificate.public_key()):
        raise Unreadable(f"{path.name}: no certificate with its own private key")
    from pyhanko.sign.signers import SimpleSigner

    signer = SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=passphrase or None)
    if signer is None:
        raise Unreadable(f"{path.name}: this kind of key cannot sign")
    return _sealer(signer)


def _public(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _sealer(signer: "Signer") -> Sealer:
    found = signer.signing_cert
    if found is None:
        raise Unreadable("no certificate beside the key")
    serial = f"{found.serial_number:X}"
    return Sealer(
        signer=signer,
        subject=_name(found.subject),
        issuer=_name(found.issuer),
        serial=serial.zfill(len(serial) + len(serial) % 2),
        valid_from=found.not_valid_before,
        valid_until=found.not_valid_after,
    )


def _name(name: "Name") -> str:
    parts = name.native
    said = parts.get("common_name") or parts.get("organization_name") or name.human_friendly
    return str(said[0] if isinstance(said, list) else said)[:200]


def seal(pdf: bytes, sealer: Sealer, *, reason: str, place: str, stamp_url: str = "") -> bytes:
    """`pdf` with one signature appended (an incremental update: what was there stays as it is).

    With `stamp_url`, an RFC 3161 server, its time is signed too. Raises NoTimeStamp.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, sign_pdf
    from pyhanko.sign.timestamps import HTTPTimeStamper, TimestampRequestError

    stamper = HTTPTimeStamper(stamp_url, timeout=STAMP_SECONDS) if stamp_url else None
    about = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, reason=reason, location=place
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    done = io.BytesIO()
    try:
        sign_pdf(writer, about, signer=sealer.signer, timestamper=stamper, output=done)
    except TimestampRequestError as error:
        raise NoTimeStamp(str(error)) from error
    return done.getvalue()
