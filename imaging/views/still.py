"""Asking for a still in the call, looking how far it is, and saying why there is none."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from consult.models import User
from imaging.models import Still, Upload
from imaging.policies import still as policies
from imaging.services import still as stills
from imaging.views.listing import opened


@require_POST
@login_required
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """`of` is a username, `source` a `Still.Source`."""
    consultation = opened(request, pk)
    of = User.objects.filter(username=request.POST.get("of", ""), is_active=True).first()
    still = stills.ask(
        consultation=consultation, by=request.user, of=of or User(), source=request.POST.get("source", "")
    )
    return JsonResponse(_json(still), status=201)


@require_safe
@login_required
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is."""
    return JsonResponse(_json(get_object_or_404(policies.visible_stills(request.user), pk=pk)))


@require_POST
@login_required
def fail(request: HttpRequest, pk: int) -> HttpResponse:
    """`reason` is a `Still.Reason`."""
    still = get_object_or_404(policies.visible_stills(request.user), pk=pk)
    stills.fail(still=still, by=request.user, reason=request.POST.get("reason", ""))
    return HttpResponse(status=204)


def _json(still: Still) -> dict[str, object]:
    """`percent` of its bytes that have arrived, null before the first."""
    upload = Upload.objects.filter(still=still).order_by("-offset").first()
    return {
        "pk": still.pk,
        "askedBy": {"username": still.asked_by.get_username(), "name": still.asked_by.display_name},
        "of": {"username": still.of.get_username(), "name": still.of.display_name},
        "source": still.source,
        "sourceName": still.get_source_display(),
        "state": still.state,
        "reason": still.get_reason_display() if still.reason else "",
        "percent": upload.percent if upload else None,
        "image": still.image_id,
    }
