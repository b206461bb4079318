"""Marks on images: the list of a consultation's, and one of them drawn, changed or deleted."""

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from imaging.models import Annotation
from imaging.policies import annotation as policies
from imaging.services import annotation as annotations
from imaging.services.annotation import Mark, Unfit
from imaging.views.image import viewable
from imaging.views.listing import opened

LARGEST = 4096
LONGEST = 200
FIELDS = {"rev", "frame", "kind", "points", "text"}


@require_safe
@login_required
def collection(request: HttpRequest, pk: int) -> JsonResponse:
    """All standing marks on what this person may look at, and whether they may draw."""
    consultation = opened(request, pk)
    rows = policies.visible_annotations(request.user, consultation)
    said = [_json(row, request.user.pk) for row in rows]
    answer = JsonResponse({"may": policies.may_annotate(request.user, consultation), "annotations": said})
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_http_methods(["PUT", "DELETE"])
@login_required
def one(request: HttpRequest, pk: int, uid: UUID) -> HttpResponse:
    """PUT `{rev, frame, kind, points, text}` draws, changes or brings back; DELETE answers the new `rev`."""
    image = viewable(request, pk)
    if request.method == "DELETE":
        row = get_object_or_404(Annotation.objects.select_related("image__consultation"), image=image, uid=uid)
        return JsonResponse({"rev": annotations.delete(annotation=row, by=request.user).rev})
    rev, mark = _read(request)
    row = annotations.put(image=image, by=request.user, uid=uid, rev=rev, mark=mark)
    return JsonResponse(_json(row, request.user.pk))


def _read(request: HttpRequest) -> tuple[int, Mark]:
    """Numbers that are numbers, lists that are lists; whether they fit the image is for the service to say."""
    try:
        if int(request.headers.get("Content-Length") or 0) > LARGEST:
            raise ValueError
        raw = json.loads(request.body, parse_constant=_no_constant)
        if not isinstance(raw, dict) or set(raw) != FIELDS:
            raise ValueError
        points = [[_number(x), _number(y)] for x, y in raw["points"]]
        mark = Mark(frame=_whole(raw["frame"]), kind=_text(raw["kind"]), points=points, text=_text(raw["text"]).strip())
        return _whole(raw["rev"], least=1), mark
    except (ValueError, TypeError, RecursionError):
        raise Unfit("malformed", _("This mark was not understood.")) from None


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise ValueError
    return float(value)


def _whole(value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise ValueError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not value.replace("\n", " ").isprintable():
        raise ValueError
    value.encode()  # a lone surrogate is no text (UnicodeEncodeError is a ValueError)
    return value


def _json(row: Annotation, reader: int) -> dict[str, Any]:
    return annotations.described(row) | {"mine": row.author_id == reader}
