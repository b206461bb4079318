"""One image: its page, frames, thumbnail and file; confirming whose it is; taking it back."""

import hashlib
from urllib.parse import quote

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult.errors import NotAllowed, Refusal
from consult.services import store
from imaging.models import Image
from imaging.policies import image as policies
from imaging.raster import steps
from imaging.raster.sniff import extension
from imaging.services import image as images
from imaging.services import rendering, reporting, slides
from imaging.services.pieces import Piece, written
from imaging.services.rendering import Look
from imaging.views import describe
from imaging.views.frames import look

FRESH = "private, max-age=3600, immutable"
ENDINGS = {
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "application/dicom": ("dcm",),
    "application/pdf": ("pdf",),
    "image/tiff": ("tif", "tiff", "svs"),
    "application/x-scp-ecg": ("scp", "ecg"),
    "application/x-hl7-aecg": ("xml",),
    "application/x-edf": ("edf",),
}


def seen(request: HttpRequest, pk: int) -> Image:
    """The image, or 404 for whoever does not see its consultation."""
    image = policies.visible_image(request.user, pk)
    if image is None:
        raise Http404
    return image


def viewable(request: HttpRequest, pk: int) -> Image:
    """The image whose pixels this person may see."""
    image = seen(request, pk)
    if not policies.may_view(request.user, image):
        if image.state == Image.State.UNPACKED:
            raise Http404
        if image.is_busy:
            raise Refusal("not_ready", _("This image is still being prepared."))
        if image.state == Image.State.REFUSED:
            raise Refusal(image.reason, image.reason_words)
        raise NotAllowed("held", _("Held until the asking doctor confirms whose image this is."))
    return image


@require_safe
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The viewer on a page of its own."""
    image = seen(request, pk)
    images.note_reading(image=image, by=request.user)
    image.can_withdraw = policies.may_withdraw(request.user, image)  # type: ignore[attr-defined]
    context = {"image": image, "consultation": image.consultation, "title": describe.title(image)}
    return render(request, "image/page.html", context)


@require_safe
@login_required
def frame(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One frame as PNG or JPEG: `preset`, or `center` and `width`; `max` bounds the longer side."""
    image = viewable(request, pk)
    if number >= image.frames or image.has_report:
        raise Http404
    wanted = look(request, image)
    etag = _etag(image, number, wanted)
    images.note_reading(image=image, by=request.user)
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        content, mime = rendering.frame(image, number, wanted)
        answer = HttpResponse(content, content_type=mime)
    answer["ETag"] = etag
    answer["Cache-Control"] = FRESH
    return answer


@require_safe
@login_required
def values(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The values of a grey frame after rescale, row by row; `X-Values` names their type as numpy does.

    `X-Values-Form: steps` asks for them folded and compressed, and says so in the answer, where they are of that type.
    """
    image = viewable(request, pk)
    if number >= image.frames or not image.has_pixels or image.facts["samples"] != 1:
        raise Http404
    is_folded = request.headers.get("X-Values-Form") == steps.NAME and image.facts["dtype"] == steps.DTYPE
    etag = f'"{image.sha256[:32]}-{number}-{steps.NAME if is_folded else "values"}"'
    images.note_reading(image=image, by=request.user)
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        found = rendering.read(image, number)
        content = steps.folded(found) if is_folded else found.tobytes()
        answer = HttpResponse(content, content_type="application/octet-stream")
        if is_folded:
            answer["Content-Encoding"], answer["X-Values-Form"] = "gzip", steps.NAME
    patch_vary_headers(answer, ["X-Values-Form"])
    answer["X-Values"] = image.facts["dtype"]
    answer["X-Content-Type-Options"] = "nosniff"
    answer["ETag"] = etag
    answer["Cache-Control"] = FRESH
    return answer


@require_safe
@login_required
def tile(request: HttpRequest, pk: int, level: int, column: int, row: int) -> HttpResponse:
    """One tile of a slide as JPEG: level 0 is the slide itself, each next one half as large."""
    image = viewable(request, pk)
    content = slides.tile(image, level, column, row) if image.has_tiles else None
    if content is None:
        raise Http404
    images.note_reading(image=image, by=request.user)
    etag = f'"{image.sha256[:32]}-{level}-{column}-{row}"'
    is_known = request.headers.get("If-None-Match") == etag
    answer = HttpResponse(status=304) if is_known else HttpResponse(content, content_type="image/jpeg")
    answer["X-Content-Type-Options"] = "nosniff"
    answer["ETag"] = etag
    answer["Cache-Control"] = FRESH
    return answer


def _etag(image: Image, number: int, wanted: Look) -> str:
    text = f"{image.sha256}-{number}-{wanted}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@require_safe
@login_required
def thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    image = viewable(request, pk)
    if image.has_report:
        raise Http404
    try:
        content = store.here(image.path / "shown" / "thumbnail.webp").read_bytes()
    except FileNotFoundError:
        raise rendering.lost() from None
    answer = HttpResponse(content, content_type="image/webp")
    answer["Cache-Control"] = FRESH
    return answer


@require_safe
@login_required
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The words of a structured report, as a fragment for the viewer."""
    image = viewable(request, pk)
    if not image.has_report:
        raise Http404
    images.note_reading(image=image, by=request.user)
    context = {"image": image, "report": reporting.read(image=image, by=request.user)}
    answer = render(request, "image/_report.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
@login_required
def original(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file byte for byte, only ever as a download."""
    image = viewable(request, pk)
    if not store.there([image.original]):
        raise rendering.lost()
    images.note_reading(image=image, by=request.user, what="download")
    answer = StreamingHttpResponse(
        written([(b"", Piece(image.original, 0, image.size))]), content_type="application/octet-stream"
    )
    answer["Content-Length"] = str(image.size)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(_download_name(image), safe='')}"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _download_name(image: Image) -> str:
    """The sender's name with the ending of what the file really is."""
    endings = ENDINGS.get(image.mime, ("bin",))
    return image.name if extension(image.name) in endings else f"{image.name}.{endings[0]}"


@require_POST
@login_required
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    image = seen(request, pk)
    images.confirm(image=image, by=request.user)
    return _back(request, image)


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    image = seen(request, pk)
    if image.state == Image.State.REFUSED:
        images.dismiss(image=image, by=request.user)
    else:
        images.withdraw(image=image, by=request.user)
    return _back(request, image)


def _back(request: HttpRequest, image: Image) -> HttpResponse:
    """An htmx form fetches the list itself; a plain one goes back to the consultation."""
    if request.headers.get("HX-Request") == "true":
        answer = HttpResponse(status=204)
        answer["HX-Trigger"] = "images"
        return answer
    return redirect(image.consultation)
