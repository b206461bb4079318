"""What every request passes: how refusals and faults are answered, how sessions end, which language is spoken."""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from consult import events
from consult.errors import Refusal

log = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponse]
WORTH_WRITING = 60  # seconds: activity is noted no more often


def _wants_json(request: HttpRequest) -> bool:
    """Asked for JSON, or by a script's fetch() that names no type."""
    accept = request.headers.get("Accept", "")
    by_script = request.headers.get("Sec-Fetch-Dest") == "empty" and "text/html" not in accept
    return "application/json" in accept or (by_script and request.headers.get("HX-Request") != "true")


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


class RefusalMiddleware:
    """A Refusal is answered with its words; anything unforeseen is logged with an id, and the person sees the id."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and getattr(request, "resolver_match", None) is None:
            return refusal_answer(request, Refusal("not_found", _("Check the address, or go to the home page.")), 404)
        if response.status_code == 302 and _leads_to_login(response):
            return _login_needed(request, response)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refusal):
            return refusal_answer(request, error, error.status)
        if isinstance(error, Http404):
            words = _("This does not exist, or it is not open to you.")
            return refusal_answer(request, Refusal("not_found", words), 404)
        if isinstance(error, PermissionDenied):
            return refusal_answer(request, Refusal("not_allowed", _("You may not do this.")), 403)
        error_id = secrets.token_hex(4)
        log.error("error %s at %s", error_id, getattr(request.resolver_match, "view_name", "?"), exc_info=error)
        return fault_answer(request, error_id)


PAGES = frozenset({403, 404, 409, 413, 422, 507})


def refusal_answer(request: HttpRequest, refusal: Refusal, status: int) -> HttpResponse:
    """The words as JSON, as a header that base/errors.js shows as a toast, or as a page: whatever was asked for."""
    words = str(refusal.message)
    if _wants_json(request):
        return JsonResponse({"code": refusal.code, "message": words}, status=status)
    if _is_htmx(request):
        response = HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
        response["X-Refusal"] = quote(words)
        response["HX-Reswap"] = "none"
        if status == 409:
            response["HX-Trigger"] = "news"  # what is shown is old: every fragment fetches itself again
        return response
    name = f"{status}.html" if status in PAGES else "422.html"
    return render(request, name, {"refusal": refusal}, status=status)


def fault_answer(request: HttpRequest, error_id: str) -> HttpResponse:
    words = _("Something went wrong here. Nothing was changed. Try again; if it happens again, tell us the error id.")
    if _wants_json(request):
        response: HttpResponse = JsonResponse({"code": "fault", "message": words, "id": error_id}, status=500)
    elif _is_htmx(request):
        response = HttpResponse(words, status=500, content_type="text/plain; charset=utf-8")
        response["X-Refusal"] = quote(words)
    else:
        response = render(request, "500.html", {"error_id": error_id}, status=500)
    response["X-Error-Id"] = error_id
    return response


def _leads_to_login(response: HttpResponse) -> bool:
    return urlsplit(response["Location"]).path == reverse("login")


def _login_needed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A script must not take the login page for its answer."""
    if _is_htmx(request):
        return _to_login_by_htmx(request)
    if _wants_json(request):
        return JsonResponse({"code": "signed_out", "message": _("You were signed out. Sign in again.")}, status=401)
    return response


def _to_login_by_htmx(request: HttpRequest) -> HttpResponse:
    """A fragment must not be replaced by the login page: the whole page goes there, and comes back."""
    response = HttpResponse(status=401)
    response["HX-Redirect"] = f"{reverse('login')}?next={quote(_page_of(request))}"
    return response


def _page_of(request: HttpRequest) -> str:
    """The page the person looks at: the address itself, or the one an htmx request or a form came from."""
    here = request.headers.get("HX-Current-URL", "")
    if not here and request.method != "GET":
        here = request.headers.get("Referer", "")
    if here:
        parts = urlsplit(here)
        return iri_to_uri(parts.path + (f"?{parts.query}" if parts.query else ""))
    return request.get_full_path()


class SessionAgeMiddleware:
    """Ends a session after SESSION_IDLE_SECONDS without a person's act, and SESSION_COOKIE_AGE after its login.

    Fragments that fetch themselves say `X-Background: 1` and count for nothing; the room posts to `session-alive`.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            began = request.session.setdefault("began_at", now)
            seen = request.session.get("seen_at", now)
            if now - began > settings.SESSION_COOKIE_AGE:
                return self._ended(request, _("You were signed out after %(hours)s hours. Sign in again to go on."))
            if now - seen > settings.SESSION_IDLE_SECONDS:
                words = _("You were signed out after %(minutes)s minutes without activity. Sign in again to go on.")
                return self._ended(request, words)
            if "seen_at" not in request.session or (now - seen > WORTH_WRITING and not _is_background(request)):
                request.session["seen_at"] = now
        return self.get_response(request)

    def _ended(self, request: HttpRequest, words: str) -> HttpResponse:
        page = _page_of(request)
        person = request.user.pk
        logout(request)
        if person is not None:
            events.revoke(person=person)
        idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
        spans = {"hours": settings.SESSION_COOKIE_AGE // 3600, "minutes": int(idle.total_seconds() // 60)}
        request.session["ended_words"] = words % spans
        if _wants_json(request):
            return JsonResponse({"code": "signed_out", "message": words % spans}, status=401)
        if _is_htmx(request):
            return _to_login_by_htmx(request)
        return HttpResponseRedirect(f"{reverse('login')}?next={quote(page)}")


def _is_background(request: HttpRequest) -> bool:
    return request.method == "GET" and request.headers.get("X-Background") == "1"


class LanguageMiddleware:
    """The language kept on the account wins over the browser's and the cookie's."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = request.user.language if request.user.is_authenticated else ""
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()  # type: ignore[attr-defined]
        return self.get_response(request)
