"""Devices that may send images, for administrators: the list, who was sent away, and a test of the connection."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.forms.device import DeviceForm
from imaging.models import Device, Echo
from imaging.policies import device as policies
from imaging.services import arrivals, devices


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """GET: the list, and a form for another. POST: let that in."""
    if not policies.may_manage(request.user):
        raise Http404
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, _visible(request, pk))


def _visible(request: HttpRequest, pk: int) -> Device:
    return get_object_or_404(policies.manageable_devices(request.user), pk=pk)


def _form(request: HttpRequest, row: Device | None) -> HttpResponse:
    form = DeviceForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        kept = devices.keep(device=form.save(commit=False), by=request.user)
        messages.success(request, _("%(name)s is on the list.") % {"name": kept})
        return redirect("devices")
    context = {"form": form, "row": row, **({} if row else _list(request))}
    answer = render(request, "device/page.html", context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _list(request: HttpRequest) -> dict[str, object]:
    rows = list(policies.manageable_devices(request.user))
    waits = devices.waiting({row.hospital_id for row in rows})
    return {
        "devices": [(row, waits.get(row.hospital_id)) for row in rows],
        "knocks": policies.visible_knocks(request.user)[:50],
        "listener": {
            "port": settings.DICOM_PORT,
            "ae_title": settings.DICOM_AE_TITLE,
            "is_secure": bool(settings.DICOM_TLS),
            "files": arrivals.QUOTA_FILES,
            "bytes": arrivals.QUOTA_TIMES * settings.MAX_UPLOAD_BYTES,
        },
    }


@require_POST
@login_required
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """`active`: yes or no."""
    row = _visible(request, pk)
    active = request.POST.get("active") == "yes"
    devices.switch(device=row, by=request.user, active=active)
    said = _("%(name)s may send images.") if active else _("%(name)s may send nothing more.")
    messages.success(request, said % {"name": row})
    return redirect("devices")


@require_POST
@login_required
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it for an answer (C-ECHO) and say what came."""
    row = _visible(request, pk)
    said = Echo(devices.test(device=row, by=request.user))
    tell = messages.success if said == Echo.ANSWERED else messages.error
    tell(request, f"{row}: {said.label}")
    return redirect("devices")
