"""A push message to one browser: encrypted (RFC 8291, RFC 8188), signed for its service (VAPID, RFC 8292)."""

import base64
import hashlib
import hmac
import json
import os
import struct
import time
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consult.notify.posting import post

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RECORD = 4096
TOKEN_SECONDS = 3600 * 6  # RFC 8292: at most 24 h


def text(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(words: str) -> bytes:
    return base64.urlsafe_b64decode(words + "=" * (-len(words) % 4))


def key_of(secret: str) -> ec.EllipticCurvePrivateKey:
    """The site's key pair, the same for the same secret: nothing else has to be kept."""
    number = int.from_bytes(hashlib.sha512(b"vapid " + secret.encode()).digest(), "big")
    return ec.derive_private_key(number % (ORDER - 1) + 1, CURVE)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """65 bytes, uncompressed."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _hmac(key: bytes, words: bytes) -> bytes:
    return hmac.new(key, words, hashlib.sha256).digest()


def encrypt(
    plain: bytes, theirs: bytes, auth: bytes, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """`theirs` is the browser's point, `auth` its 16 secret bytes; at most 3,993 bytes. ValueError for no point."""
    own = own or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(16)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
    mine = point(own.public_key())
    secret = _hmac(_hmac(auth, shared), b"WebPush: info\0" + theirs + mine + b"\x01")
    made = _hmac(salt, secret)
    key = _hmac(made, b"Content-Encoding: aes128gcm\0\x01")[:16]
    nonce = _hmac(made, b"Content-Encoding: nonce\0\x01")[:12]
    return salt + struct.pack(">IB", RECORD, len(mine)) + mine + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def signed(endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, now: float) -> str:
    """The value of the Authorization header."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(now) + TOKEN_SECONDS, "sub": contact}
    head = ".".join(text(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(head.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{head}.{text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={text(point(key.public_key()))}"


def send(endpoint: str, theirs: str, auth: str, message: dict[str, str], *, secret: str, contact: str) -> None:
    """Raises Undelivered; final when the service knows the browser no more."""
    body = encrypt(json.dumps(message).encode(), raw(theirs), raw(auth))
    headers = {
        "Authorization": signed(endpoint, key_of(secret), contact, time.time()),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": "3600",
        "Urgency": "high",
    }
    post(endpoint, body, headers)
