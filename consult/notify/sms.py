"""A text message by the hospital's own gateway: one signed POST, documented in docs/alerts.md. Knows no provider."""

import hashlib
import hmac
import json
import time

from consult.notify.posting import post


def signature(secret: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256 of `<moment>.<body>`, hex."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def send(url: str, secret: str, *, number: str, to: str, text: str) -> None:
    """`number` is the same for each try of one message, so that the gateway sends it once. Raises Undelivered."""
    moment = int(time.time())
    body = json.dumps({"id": number, "to": to, "text": text}, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Telemed-Time": str(moment),
        "X-Telemed-Signature": signature(secret, moment, body),
    }
    post(url, body, headers)
