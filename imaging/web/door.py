"""What every DICOMweb request passes: who asks, which consultation, refusals as JSON. A program talks here."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from consult.errors import Refusal
from consult.models import Consultation
from consult.policies import consultation as consultations
from imaging.web import asker

View = Callable[..., HttpResponseBase]
JSON = "application/dicom+json"


def dicomweb(view: View) -> View:
    """Calls `view(request, consultation, ...)` for a consultation that this person sees: 401 or 404 otherwise."""

    @csrf_exempt  # asker looks itself: a program with a key has no token
    @wraps(view)
    def door(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponseBase:
        try:
            asker.identify(request)
            return view(request, _opened(request, pk), **kwargs)
        except Refusal as refusal:
            answer = _said(refusal.status, refusal.code, str(refusal.message))
            for name, value in asker.headers(refusal).items():
                answer[name] = value
            return answer
        except Http404:
            return _said(404, "not_found", _("This does not exist, or it is not open to you."))

    return door


def _opened(request: HttpRequest, pk: int) -> Consultation:
    row = consultations.visible_consultation(request.user, pk)
    if row is None:
        raise Http404
    return row


def _said(status: int, code: str, message: str) -> HttpResponse:
    answer = JsonResponse({"code": code, "message": message}, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def dicom_json(value: object, status: int = 200) -> HttpResponse:
    """PS3.18 annex F."""
    answer = JsonResponse(value, safe=False, status=status, content_type=JSON)
    answer["Cache-Control"] = "private, no-store"
    return answer
