"""Keys of recordings: each has its own, kept wrapped by RECORDING_KEY, which is never in the database."""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from consult.models import Recording

KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyMissing(Exception):
    """No key in the settings opens this recording."""


def new_key(recording: Recording) -> None:
    """Give `recording` its own key; not saved here."""
    _wrap(recording, os.urandom(KEY_BYTES))


def key_of(recording: Recording) -> bytes:
    """The recording's own key. Raises KeyMissing, also when it was destroyed."""
    wrapped = bytes(recording.wrapped_key)
    for secret in (settings.RECORDING_KEY, *settings.RECORDING_OLD_KEYS):
        if _identity(secret) == recording.key_id:
            try:
                return _master(secret).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _name(recording))
            except (InvalidTag, ValueError):
                raise KeyMissing(f"the key of recording {recording.pk} was changed") from None
    raise KeyMissing(f"recording {recording.pk} needs the key {recording.key_id or '(destroyed)'}")


def rewrap() -> int:
    """Wrap every key by the present RECORDING_KEY; how many were wrapped by an older one. Files stay as they are."""
    old = Recording.objects.exclude(key_id__in=["", _identity(settings.RECORDING_KEY)])
    count = 0
    for recording in old.iterator(chunk_size=500):
        before = recording.key_id
        _wrap(recording, key_of(recording))
        fields = {"wrapped_key": recording.wrapped_key, "key_id": recording.key_id}
        count += Recording.objects.filter(pk=recording.pk, key_id=before).update(**fields)
    return count


def _wrap(recording: Recording, key: bytes) -> None:
    nonce = os.urandom(_NONCE_BYTES)
    recording.wrapped_key = nonce + _master(settings.RECORDING_KEY).encrypt(nonce, key, _name(recording))
    recording.key_id = _identity(settings.RECORDING_KEY)


def _name(recording: Recording) -> bytes:
    """Bound to the wrapped key, so that one recording's key does not open another's row."""
    return recording.token.bytes


def _master(secret: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, None, b"telemed recordings").derive(secret.encode()))


def _identity(secret: str) -> str:
    return hashlib.sha256(b"telemed recording key " + secret.encode()).hexdigest()[:16]
