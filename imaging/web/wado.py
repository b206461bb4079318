"""WADO-RS, the retrieve transaction (PS3.18 section 10.4). Originals leave byte for byte."""

import math
from collections.abc import Sequence
from typing import TypeGuard

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from consult.models import Consultation
from consult.services import store
from imaging.models import Image
from imaging.policies import image as policies
from imaging.raster.window import LIMIT
from imaging.services import derived, rendering, reporting
from imaging.services import image as images
from imaging.services import instance as instances
from imaging.services.derived import Made
from imaging.services.pieces import Piece
from imaging.services.rendering import Look
from imaging.web import answers
from imaging.web.door import JSON
from imaging.web.multipart import malformed
from imaging.web.negotiation import EXPLICIT_LITTLE, JPEG, NotAcceptable, chosen, wishes

DICOM, OCTETS, HTML = "application/dicom", "application/octet-stream", "text/html"
ENCODED = {
    "1.2.840.10008.1.2.4.50": JPEG,
    "1.2.840.10008.1.2.4.51": JPEG,
    "1.2.840.10008.1.2.4.57": JPEG,
    "1.2.840.10008.1.2.4.70": JPEG,
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Media types of single frames by transfer syntax (PS3.18 table 8.7.3-5)."""


Instance = Image | Made


def found(request: HttpRequest, consultation: Consultation, **uids: str) -> list[Instance]:
    """The instances of a study, series or instance, in order, then the objects made of them; Http404 without any."""
    names = {"study": "study_uid", "series": "series_uid", "instance": "sop_uid"}
    wanted = {names[level]: uid for level, uid in uids.items()}
    seen: dict[str, Instance] = {}
    for row in policies.viewable_instances(request.user, consultation).filter(**wanted):
        seen.setdefault(row.sop_uid, row)
    if not (seen and "series" in uids):  # what is made has series of its own
        for made in derived.served(consultation=consultation, by=request.user):
            if all(getattr(made, name) == uid for name, uid in wanted.items()):
                seen.setdefault(made.sop_uid, made)
    if not seen:
        raise Http404
    return list(seen.values())


def _picture_of(request: HttpRequest, consultation: Consultation, **uids: str) -> Image:
    """The one instance, where it has pictures; Http404 otherwise."""
    row = found(request, consultation, **uids)[0]
    if not _has_pictures(row):
        raise Http404
    return row


def _has_pictures(row: Instance) -> TypeGuard[Image]:
    return row.has_pixels or row.has_pages


def retrieve(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponseBase:
    """Whole instances, in the transfer syntax they came in."""
    rows = found(request, consultation, **uids)
    store.bring(row.original for row in rows)
    syntaxes = [instances.syntax(row) for row in rows]
    is_single = _form(request, syntaxes, may_be_single="instance" in uids)
    _note(request, rows, "download")
    if answers.is_known(request, rows):
        answer: HttpResponseBase = answers.unchanged()
    elif is_single:
        answer = answers.single(_whole(rows[0]), f"{DICOM}; transfer-syntax={syntaxes[0]}")
    else:
        parts = [
            (f"{DICOM}; transfer-syntax={syntax}", _whole(row)) for row, syntax in zip(rows, syntaxes, strict=True)
        ]
        answer = answers.related(parts, DICOM)
    return answers.kept(request, answer, rows, immutable="instance" in uids)


def _form(request: HttpRequest, syntaxes: list[str], *, may_be_single: bool) -> bool:
    """Whether one file without multipart is wished. Nothing is transcoded: another syntax is not acceptable."""
    for wish in wishes(request):
        if wish.kind not in (DICOM, "*/*", "application/*") or wish.syntax not in ("", "*", *syntaxes):
            continue
        if wish.syntax not in ("", "*") and set(syntaxes) != {wish.syntax}:
            continue
        if wish.is_multipart or wish.kind == "*/*":
            return False
        if may_be_single:
            return True
    raise NotAcceptable("not_acceptable", f'multipart/related; type="{DICOM}"; transfer-syntax=*')


def _whole(row: Instance) -> Piece:
    return Piece(row.original, 0, row.size)


def _note(request: HttpRequest, rows: Sequence[Instance], what: str = "read") -> None:
    if not store.there(row.original for row in rows):
        raise rendering.lost()
    for row in rows:
        if isinstance(row, Made):
            derived.note_reading(made=row, by=request.user, what=what)
        else:
            images.note_reading(image=row, by=request.user, what=what)


def metadata(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponseBase:
    """All but the large values, which are named by BulkDataURI (PS3.18 section 10.4.1.1.2)."""
    rows = found(request, consultation, **uids)
    chosen(request, (JSON, "application/json"))
    _note(request, rows)
    if answers.is_known(request, rows):
        answer = answers.unchanged()
    else:
        root = request.build_absolute_uri(reverse("dicomweb-studies", args=[consultation.pk]))
        content = b", ".join(instances.metadata(row, _address(root, row)) for row in rows)
        answer = HttpResponse(b"[" + content + b"]", content_type=JSON)
    return answers.kept(request, answer, rows, immutable="instance" in uids)


def _address(root: str, row: Instance) -> str:
    """Of one instance, below that of all studies (PS3.18 table 10.4.1-1)."""
    return f"{root}/{row.study_uid}/series/{row.series_uid}/instances/{row.sop_uid}"


def frames(request: HttpRequest, consultation: Consultation, numbers: str, **uids: str) -> HttpResponseBase:
    """Frames by number from 1: uncompressed, or as stored when that is asked for (PS3.18 section 10.4.1.1.6)."""
    row = _picture_of(request, consultation, **uids)
    if not row.has_pixels:
        raise Http404
    indices = _indices(row, numbers)
    syntax = instances.syntax(row)
    kind, encoded, said = _frame_form(request, syntax)
    _note(request, [row])
    if answers.is_known(request, [row]):
        answer: HttpResponseBase = answers.unchanged()
    else:
        where = instances.frames(row, encoded=encoded)
        if where is None or any(index >= len(where.places) for index in indices):
            raise rendering.lost()
        parts = [(f"{kind}; transfer-syntax={said}", Piece(where.path, *where.places[index])) for index in indices]
        answer = answers.related(parts, kind)
    return answers.kept(request, answer, [row], immutable=True)


def _indices(row: Image, numbers: str) -> list[int]:
    indices = [int(number) - 1 for number in numbers.split(",") if number]
    if not indices or any(not 0 <= index < row.frames for index in indices):
        raise Http404
    return indices


def _frame_form(request: HttpRequest, syntax: str) -> tuple[str, bool, str]:
    """(media type of the parts, whether as stored, transfer syntax)."""
    own = ENCODED.get(syntax)
    for wish in wishes(request):
        if own and (wish.kind == own or (wish.kind == OCTETS and wish.syntax in ("*", syntax))):
            if wish.syntax in ("", "*", syntax):
                return (own if wish.kind == own else OCTETS), True, syntax
        elif wish.kind in (OCTETS, "*/*", "application/*") and wish.syntax in ("", "*", EXPLICIT_LITTLE):
            return OCTETS, False, EXPLICIT_LITTLE
    raise NotAcceptable("not_acceptable", f'multipart/related; type="{OCTETS}"')


def bulk(request: HttpRequest, consultation: Consultation, name: str, **uids: str) -> HttpResponseBase:
    """One large value (PS3.18 section 10.4.1.1.5)."""
    row = found(request, consultation, **uids)[0]
    chosen(request, (OCTETS,))
    _note(request, [row])
    try:
        path = instances.bulk(row, name)
    except FileNotFoundError:
        raise Http404 from None
    parts = [(OCTETS, Piece(path, 0, path.stat().st_size))]
    return answers.kept(request, answers.related(parts, OCTETS), [row], immutable=True)


def rendered(request: HttpRequest, consultation: Consultation, numbers: str = "1", **uids: str) -> HttpResponseBase:
    """One frame as a picture: `window=center,width,function`, `viewport=width,height`, `quality`."""
    row = _picture_of(request, consultation, **uids)
    index, mime = _indices(row, numbers)[0], _picture_type(request, row)
    return _picture(request, row, index, _look(request), mime, immutable=True)


def instance_rendered(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponseBase:
    """A report as a page of words (PS3.18 table 8.7.4-1, text); anything else as its first frame."""
    row = found(request, consultation, **uids)[0]
    if not row.has_report:
        return rendered(request, consultation, **uids)
    chosen(request, (HTML,))
    _note(request, [row])
    context = {"image": row, "report": reporting.read(image=row, by=request.user)}
    answer = render(request, "dicomweb/report.html", context)
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-cache"
    return answer


def thumbnail(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponseBase:
    """A small picture of the middle instance and frame."""
    rows = [row for row in found(request, consultation, **uids) if _has_pictures(row)]
    if not rows:
        raise Http404
    row = rows[len(rows) // 2]
    look = Look(largest=_look(request).largest or 256)
    index = 0 if row.has_pages else row.frames // 2
    return _picture(request, row, index, look, _picture_type(request, row), immutable="instance" in uids)


def _picture_type(request: HttpRequest, row: Image) -> str:
    """Pages of documents are kept as JPEG."""
    return chosen(request, (JPEG,) if row.has_pages else (JPEG, "image/png"))


def _picture(
    request: HttpRequest, row: Image, index: int, look: Look, mime: str, *, immutable: bool
) -> HttpResponseBase:
    quality = _numbers(request, "quality", 1) or [92.0]
    _note(request, [row])
    if answers.is_known(request, [row]):
        answer = answers.unchanged()
    else:
        content = rendering.typed(row, index, look, mime, min(100, max(1, int(quality[0]))))
        answer = HttpResponse(content, content_type=mime)
    return answers.kept(request, answer, [row], immutable=immutable)


def _look(request: HttpRequest) -> Look:
    """PS3.18 sections 8.3.5.1.3 (viewport, here only its size) and 8.3.5.1.4 (window)."""
    window, viewport = _numbers(request, "window", 2), _numbers(request, "viewport", 2)
    if window and window[1] <= 0:
        raise malformed("window")
    largest = min(4096, max(64, int(max(viewport)))) if viewport else 0
    return Look(center=window[0], width=window[1], largest=largest) if window else Look(largest=largest)


def _numbers(request: HttpRequest, name: str, count: int) -> list[float]:
    """The first `count` numbers of a parameter, empty when it is not given; the function of a window is linear."""
    if name not in request.GET:
        return []
    try:
        numbers = [float(text) for text in request.GET[name].split(",")[:count]]
    except ValueError:
        raise malformed(name) from None
    if len(numbers) != count or not all(math.isfinite(number) and abs(number) <= LIMIT for number in numbers):
        raise malformed(name)
    return numbers
