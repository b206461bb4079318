"""The images of a consultation: as a fragment, and as JSON for the viewer."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from consult.models import Consultation
from consult.policies import consultation as consultations
from consult.policies import opinion as opinions
from imaging.models import Image, Upload
from imaging.policies import export as exports
from imaging.policies import image as policies
from imaging.raster import beside
from imaging.views import arrival, describe


def opened(request: HttpRequest, pk: int) -> Consultation:
    rows = consultations.visible_consultations(request.user).select_related("patient").prefetch_related("participants")
    return get_object_or_404(rows, pk=pk)


def of(request: HttpRequest, consultation: Consultation) -> list[Image]:
    """Images of one consultation that this person sees; all share the same consultation object."""
    images = list(policies.visible_images(request.user).filter(consultation=consultation))
    for image in images:
        image.consultation = consultation
    return images


@require_safe
@login_required
def fragment(request: HttpRequest, pk: int) -> HttpResponse:
    """`?part=list` answers only what changes: the section around it keeps the upload zone."""
    name = "image/_list.html" if request.GET.get("part") == "list" else "image/_section.html"
    return render(request, name, section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    images = of(request, consultation)
    side = consultations.side_of(request.user, consultation)
    for image in images:
        image.can_withdraw = policies.may_withdraw(request.user, image)  # type: ignore[attr-defined]
        image.cut_percent = describe.cutting(image) if image.is_busy else 0  # type: ignore[attr-defined]
    pending = Upload.objects.filter(consultation=consultation, image=None, expires_at__gt=timezone.now())
    held = describe.held_groups(images)
    archives = describe.archives(images)
    return {
        "consultation": consultation,
        "images": images,
        "groups": describe.groups(images),
        "held": held,
        "may_confirm": bool(held) and policies.may_confirm(request.user, held[0]["first"]),
        "busy": [image for image in images if image.is_busy and image.kind != Image.Kind.ARCHIVE],
        "archives": archives,
        "opening": [archive for archive in archives if archive["is_busy"]],
        "opened": [archive for archive in archives if not archive["is_busy"]],
        "refused": describe.refused_groups(images),
        "pending": list(pending.select_related("by")),
        "side": side,
        "may_add": policies.may_add(request.user, consultation),
        "may_export": exports.may_export(request.user, consultation),
        "slide_mb": settings.SLIDE_MAX_BYTES // (1024 * 1024),
        "largest_mb": settings.MAX_UPLOAD_BYTES // (1024 * 1024),
        "largest": settings.MAX_UPLOAD_BYTES,
        "beside": beside.as_text(),
        **arrival.context(request.user, consultation),
    }


@require_safe
@login_required
def as_json(request: HttpRequest, pk: int) -> JsonResponse:
    """For the viewer: the patient, and every image in the order of the series."""
    consultation = opened(request, pk)
    images = of(request, consultation)
    asking = consultations.side_of(request.user, consultation) == "asking"
    shown = {Image.State.READY, Image.State.HELD} if asking else {Image.State.READY}
    coarse = describe.coarser(images)
    answer = JsonResponse(
        {
            "consultation": consultation.pk,
            "patient": describe.patient_json(consultation),
            "writes": opinions.may_write(request.user, consultation),
            "images": [
                describe.image_json(image, shown=image.state in shown)
                for image in images
                if image.kind != Image.Kind.ARCHIVE and image.pk not in coarse
            ],
        }
    )
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
@login_required
def priors(request: HttpRequest, pk: int) -> JsonResponse:
    """For the viewer: what the images of this consultation may be compared with, in others of the same patient."""
    consultation = opened(request, pk)
    images = list(policies.prior_images(request.user, consultation))
    hidden = policies.hidden_from(consultation, {image.consultation_id for image in images})
    answer = JsonResponse({"priors": describe.priors(images, hidden)})
    answer["Cache-Control"] = "private, no-store"
    return answer
