"""A certificate authority for demonstrations: it makes the certificates that a real one would issue to the hospitals.

Its name says what it is worth. Its own key is thrown away once the certificates are made.
"""

import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

NAME = "Telemed DEMO CA - worth nothing"
LIFE = timedelta(days=730)
ROOT = "demo-ca.pem"


def make(folder: Path, hospitals: Iterable[tuple[str, str]], *, since: datetime | None = None) -> list[str]:
    """Give each hospital (code, name) that has none a PKCS#12 file in `folder`; answers the codes of those.

    The authority's certificate is `demo-ca.pem`, for whoever wants to verify a paper. `since` is when they begin.
    """
    lacking = [(code, name) for code, name in hospitals if not (folder / f"{code}.p12").exists()]
    if not lacking:
        return []
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    since = since or datetime.now(UTC) - timedelta(days=1)
    key, name = _key(), _name(NAME)
    root = _certificate(name, key.public_key(), name, key, since, is_authority=True)
    with (folder / ROOT).open("ab") as file:
        file.write(root.public_bytes(serialization.Encoding.PEM))
    for code, title in lacking:
        own = _key()
        mine = _certificate(_name(f"{title} (DEMO)", title), own.public_key(), name, key, since, is_authority=False)
        words = secrets.token_urlsafe(24).encode()
        sealed = serialization.BestAvailableEncryption(words)
        _write(folder / f"{code}.pass", words)
        _write(folder / f"{code}.p12", pkcs12.serialize_key_and_certificates(code.encode(), own, mine, [root], sealed))
    return [code for code, _title in lacking]


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common[:64])]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]))
    return x509.Name(parts)


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPublicKey,
    issuer: x509.Name,
    by: rsa.RSAPrivateKey,
    since: datetime,
    *,
    is_authority: bool,
) -> x509.Certificate:
    """X.509 v3 (RFC 5280): an authority signs certificates, a hospital signs documents (non-repudiation)."""
    usage = x509.KeyUsage(
        digital_signature=not is_authority, content_commitment=not is_authority, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=is_authority, crl_sign=is_authority,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + LIFE)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    return made.sign(by, hashes.SHA256())


def _write(path: Path, content: bytes) -> None:
    """Mode 0600 from the first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
