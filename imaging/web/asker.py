"""Who asks over DICOMweb: a program with an access key (RFC 6750), or a page with the site's session."""

from axes.helpers import get_client_ip_address
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _

from consult.errors import NotAllowed, Refusal
from consult.models import User
from consult.services import access_key

WRONG_KEYS = 20  # of one address, in each process, before it is told to wait; a good key always opens
WINDOW = 600  # seconds
SAFE = ("GET", "HEAD", "OPTIONS")


class NotKnown(Refusal):
    """Neither session nor good key."""

    status = 401


class TooOften(Refusal):
    """Wrong keys again and again (RFC 6585 section 4)."""

    status = 429


def headers(refusal: Refusal) -> dict[str, str]:
    """What an answer that refuses says besides its words (RFC 6750 section 3, RFC 6585 section 4)."""
    if isinstance(refusal, TooOften):
        return {"Retry-After": str(WINDOW)}
    if isinstance(refusal, NotKnown) or refusal.code == "insufficient_scope":
        errors = {"unknown_key": ', error="invalid_token"', "insufficient_scope": ', error="insufficient_scope"'}
        return {"WWW-Authenticate": f'Bearer realm="dicomweb"{errors.get(refusal.code, "")}'}
    return {}


class _Csrf(CsrfViewMiddleware):
    """The site's own check; it says why instead of answering a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:  # type: ignore[override]
        return reason


def identify(request: HttpRequest) -> None:
    """Make `request.user` the owner of the key that is sent, if one is. Raises NotKnown, TooOften, NotAllowed.

    A session counts as in every page: what changes something needs its CSRF token. A key needs none, since no browser
    sends it by itself.
    """
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        request.user = _owner(request, secret.strip())
    elif not request.user.is_authenticated:
        raise NotKnown("signed_out", _("Sign in again to go on."))
    elif request.method not in SAFE:
        check = _Csrf(_unused)
        check.process_request(request)
        if check.process_view(request, None, (), {}):
            raise NotAllowed("csrf", _("This page was open for too long. Reload it."))


def _unused(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("only asked, never passed on to")


def _owner(request: HttpRequest, secret: str) -> User:
    try:
        return access_key.use(secret=secret, stores=request.method not in SAFE)
    except access_key.Unknown as refusal:
        if _is_too_often(request):
            raise TooOften("too_many_wrong_keys", _("Too many wrong keys. Wait ten minutes.")) from None
        raise NotKnown(refusal.code, refusal.message) from None


def _is_too_often(request: HttpRequest) -> bool:
    """Counts one more wrong key of this address."""
    name = f"wrong-keys-{get_client_ip_address(request)}"
    cache.add(name, 0, WINDOW)
    try:
        return cache.incr(name) > WRONG_KEYS
    except ValueError:  # it ran out in between
        return False
