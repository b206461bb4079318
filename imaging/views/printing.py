"""Images on paper: one as it is looked at, or the key images of the signed opinion, with the patient beside them."""

import io

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from consult.models import Consultation
from consult.policies import opinion as opinions
from consult.services import audit, key_image
from imaging.policies import image as policies
from imaging.services import image as images
from imaging.services import key, printing
from imaging.services.printing import Sheet
from imaging.views import describe
from imaging.views.frames import look, turned
from imaging.views.image import viewable
from imaging.views.listing import opened


@require_safe
@login_required
def page(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One frame on A4; the query is that of the frame's picture, with `turn` (0 to 3), `flip` and `invert` (1)."""
    image = viewable(request, pk)
    if number >= image.frames or image.has_report:
        raise Http404
    images.note_reading(image=image, by=request.user, what="print")
    query = request.GET.urlencode()
    address = reverse("image-print-picture", args=[pk, number]) + (f"?{query}" if query else "")
    sheet = printing.sheet(
        image=image, number=number, look=look(request, image), turned=turned(request), picture=address
    )
    return _printed(request, image.consultation, [sheet], back=reverse("image", args=[pk]))


@require_safe
@login_required
def picture(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The picture of that page: whole, in that window and that way up, with its marks."""
    image = viewable(request, pk)
    if number >= image.frames or image.has_report:
        raise Http404
    images.note_reading(image=image, by=request.user)
    drawn, _marks = key.looked_at(image, number, look(request, image), turned(request), request.user)
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=key.QUALITY, subsampling=0)
    answer = HttpResponse(out.getvalue(), content_type="image/jpeg")
    answer["Cache-Control"] = "private, no-store"  # marks come and go
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
@login_required
def keys(request: HttpRequest, pk: int) -> HttpResponse:
    """The key images of the newest signed opinion, one to a page, as they were signed."""
    consultation = opened(request, pk)
    version = opinions.newest_visible(request.user, consultation)
    chosen = key_image.signed(version) if version else []
    rows = policies.visible_images(request.user).in_bulk([each["shows"]["image"] for each in chosen])
    sheets = []
    for place, each in enumerate(chosen, 1):
        image = rows.get(each["shows"]["image"])
        if version and image and policies.may_view(request.user, image):
            address = reverse("opinion-picture", args=[pk, version.pk, place])
            sheets.append(printing.signed(image=image, said=each, picture=address))
    if not version or not sheets:
        raise Http404
    audit.record_read(by=request.user, thing=version, consultation=consultation, what="print")
    return _printed(request, consultation, sheets, back=consultation.get_absolute_url())


def _printed(request: HttpRequest, consultation: Consultation, sheets: list[Sheet], back: str) -> HttpResponse:
    context = {
        "consultation": consultation,
        "patient": describe.patient_json(consultation),
        "sheets": [(sheet, describe.printed(sheet.image)) for sheet in sheets],
        "back": back,
        "at": timezone.now(),
    }
    answer = render(request, "image/print.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer
