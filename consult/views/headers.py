"""Headers that a few pages need and the rest must not have."""

from collections.abc import Callable
from typing import Any

from django_permissions_policy.decorators import permissions_policy_override

View = Callable[..., Any]
MEDIA_POLICY: dict[str, str | list[str] | tuple[str]] = {
    "camera": "self",
    "microphone": "self",
    "display-capture": "self",
    "speaker-selection": "self",
    "geolocation": [],
    "payment": [],
    "usb": [],
}


def allow_media(view: View) -> View:
    """Lets a page use camera, microphone and screen: the room and the device check only."""
    return permissions_policy_override(MEDIA_POLICY)(view)
