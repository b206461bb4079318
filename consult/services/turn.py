"""Credentials for the TURN servers, short-lived and one person's (draft-uberti-behave-turn-rest-00). Knows no call."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from consult.models import User


@dataclass(frozen=True)
class Pass:
    """`servers` as RTCPeerConnection takes them, empty without TURN; good for `seconds` from now."""

    servers: list[dict[str, Any]]
    seconds: int


def admit(*, person: User, call: int) -> Pass:
    """A pass for one person in one call. The name tells the server nothing but numbers: its quota counts by it.

    TURN server and site agree on the time by their clocks: keep both right (NTP).
    """
    if not settings.TURN_URLS:
        return Pass([], settings.TURN_TTL)
    until = timezone.now() + timedelta(seconds=settings.TURN_TTL)
    username = f"{int(until.timestamp())}:{person.pk}-{call}"
    code = hmac.digest(settings.TURN_SECRET.encode(), username.encode(), hashlib.sha1)  # the draft's choice
    credential = base64.b64encode(code).decode()
    return Pass([{"urls": settings.TURN_URLS, "username": username, "credential": credential}], settings.TURN_TTL)
