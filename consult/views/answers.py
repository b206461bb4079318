"""How an act is answered: to htmx with events for the page's scripts, otherwise with the next page."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from consult.models import Consultation
from consult.policies import visible_consultations


def wants_json(request: HttpRequest) -> bool:
    """Asked for JSON, or by a script's fetch() that names no type."""
    accept = request.headers.get("Accept", "")
    by_script = request.headers.get("Sec-Fetch-Dest") == "empty" and "text/html" not in accept
    return "application/json" in accept or (by_script and request.headers.get("HX-Request") != "true")


def acted(request: HttpRequest, consultation: Consultation, words: object) -> HttpResponse:
    """`words` are said, dialogs close and every fragment fetches itself again; who lost sight of it goes home."""
    still_visible = visible_consultations(request.user).filter(pk=consultation.pk).exists()
    page = consultation.get_absolute_url() if still_visible else reverse("home")
    if not getattr(request, "htmx", False):
        messages.success(request, str(words))
        return HttpResponseRedirect(page)
    response = HttpResponse(status=204)
    if not still_visible and request.htmx.current_url_abs_path != page:  # type: ignore[attr-defined]
        messages.success(request, str(words))
        response["HX-Redirect"] = page
        return response
    response["HX-Trigger"] = json.dumps({"acted": {"words": str(words)}, "news": {"kind": "acted"}})
    return response
