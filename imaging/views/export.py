"""Taking the images of a consultation out: the page, the file, its removal."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imaging.forms.export import ExportForm
from imaging.models import Export, Image
from imaging.policies import export as policies
from imaging.services import export as exports
from imaging.services.pieces import Piece, written
from imaging.views import describe
from imaging.views.listing import opened


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """What would go out, the form, and one's own exports with how far they are."""
    consultation = opened(request, pk)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        exports.ask(consultation=consultation, by=request.user, **form.cleaned_data)
        return redirect("exports", pk)
    rows = list(policies.own_exports(request.user).filter(consultation=consultation))
    context = {
        "consultation": consultation,
        "form": form,
        "may_export": policies.may_export(request.user, consultation),
        "extent": exports.extent(consultation=consultation, by=request.user),
        "exports": rows,
        "is_busy": any(row.is_busy for row in rows),
        "hours": round(exports.KEPT.total_seconds() / 3600),
    }
    answer = render(request, "export/page.html", context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Before a de-identified export: the pictures in which somebody may be named, to be seen one by one."""
    consultation = opened(request, pk)
    images = policies.cleanable(request.user, consultation) if policies.may_export(request.user, consultation) else []
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        seen = [int(each) for each in request.POST.getlist("clear") if each.isdecimal()]
        exports.ask(consultation=consultation, by=request.user, checked=seen, **form.cleaned_data)
        return redirect("exports", pk)
    looked_at = [_looked_at(image) for image in images if policies.needs_look(image)]
    context = {
        "consultation": consultation,
        "form": form,
        "may_export": policies.may_export(request.user, consultation),
        "images": images,
        "looked_at": looked_at,
        "plain": len(images) - len(looked_at),
        "cleared": request.POST.getlist("clear"),
    }
    answer = render(request, "export/check.html", context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _looked_at(image: Image) -> dict[str, Any]:
    """First, middle and last frame: text of another one is looked for in the viewer."""
    frames = sorted({0, image.frames // 2, image.frames - 1})
    return {"image": image, "key": str(image.pk), "title": describe.title(image), "frames": frames}


@require_safe
@login_required
def file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The zip, read as fast as it is taken."""
    export = get_object_or_404(policies.own_exports(request.user), pk=pk)
    exports.take(export=export, by=request.user)
    answer = StreamingHttpResponse(written([(b"", Piece(export.path, 0, export.size))]), content_type="application/zip")
    answer["Content-Length"] = str(export.size)
    said = "deidentified" if export.kind == Export.Kind.CLEANED else export.consultation.number or "images"
    name = f"{said}-{export.pk}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    export = get_object_or_404(policies.own_exports(request.user), pk=pk)
    exports.remove(export=export, by=request.user)
    messages.success(request, _("The export is removed."))
    return redirect("exports", export.consultation_id)
