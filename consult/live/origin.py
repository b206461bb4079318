"""Lets only pages of this site open sockets: a browser always names the page's Origin."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
DEFAULT_PORTS = {"http": 80, "https": 443}
BAD_ORIGIN = 4400


def is_own(origin: str, host: str) -> bool:
    """Whether `origin` is the page of the very host asked, or one of CSRF_TRUSTED_ORIGINS.

    Same rule as Django's CSRF check: scheme, host and port, never a suffix of it. `*` in ALLOWED_HOSTS opens nothing.
    """
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
        return False
    if parts.username is not None or parts.password is not None:
        return False
    domain, host_port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    wanted = int(host_port) if host_port else DEFAULT_PORTS[parts.scheme]
    return parts.hostname == domain.strip("[]") and port == wanted


class OwnOriginOnly:
    """ASGI middleware; closes foreign handshakes with 4400 before anything else runs."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        origins = _values(scope, b"origin")
        hosts = _values(scope, b"host")
        if len(origins) == 1 and len(hosts) == 1 and is_own(origins[0], hosts[0].lower()):
            await self.application(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": BAD_ORIGIN})


def _values(scope: dict[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin1") for key, value in scope["headers"] if key.lower() == name]
