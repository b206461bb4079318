"""The pictures of an opinion: the draft's list and what is done to them; the pictures themselves."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed
from consult.models import Consultation, KeyImage, Opinion
from consult.services import key_image as key_images
from consult.views.reading import opened


def context(consultation: Consultation, opinion: Opinion | None, *, may_write: bool) -> dict[str, Any]:
    """For the editor and the dialog that signs."""
    return {
        "consultation": consultation,
        "key_images": list(opinion.key_images.all()) if opinion else [],
        "key_images_digest": key_images.digest(opinion),
        "may_write": may_write,
    }


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft's pictures as a fragment."""
    consultation = _with_draft(request, pk)
    may_write = policies.may_write(request.user, consultation)
    rows = policies.visible_drafts(request.user, consultation)
    own = rows.filter(author=request.user).first()
    shown = own if may_write else own or rows.first()
    return render(request, "opinion/_key_images.html", context(consultation, shown, may_write=may_write))


def _with_draft(request: HttpRequest, pk: int) -> Consultation:
    consultation = opened(request, pk)
    if not policies.may_see_draft(request.user, consultation):
        raise NotAllowed("not_allowed", _("The draft is open to the answering side only."))
    return consultation


def _of_draft(request: HttpRequest, pk: int, number: int) -> KeyImage:
    consultation = _with_draft(request, pk)
    rows = KeyImage.objects.filter(opinion__in=policies.visible_drafts(request.user, consultation))
    return get_object_or_404(rows.select_related("opinion__consultation"), pk=number)


@require_safe
@login_required
def draft_picture(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A picture that is not signed yet, for the answering side."""
    return _picture(_of_draft(request, pk, number).sha256)


@require_safe
@login_required
def signed_picture(request: HttpRequest, pk: int, version: int, number: int) -> HttpResponse:
    """Picture `number` (from 1) of a signed version, for everyone who sees it."""
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    row = get_object_or_404(policies.visible_versions(request.user, consultation), pk=version)
    pictures = key_images.signed(row)
    if not 0 < number <= len(pictures):
        raise Http404
    return _picture(pictures[number - 1]["sha256"])


def _picture(sha256: str) -> HttpResponse:
    answer = HttpResponse(key_images.read(sha256), content_type="image/jpeg")
    answer["Cache-Control"] = "private, max-age=3600, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_POST
@login_required
def change(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """`act` is caption (with `caption`), up, down or remove."""
    chosen = _of_draft(request, pk, number)
    act = request.POST.get("act", "")
    if act == "caption":
        key_images.caption(chosen=chosen, by=request.user, words=request.POST.get("caption", ""))
    elif act in ("up", "down"):
        key_images.move(chosen=chosen, by=request.user, up=act == "up")
    elif act == "remove":
        key_images.remove(chosen=chosen, by=request.user)
    else:
        raise Http404
    if request.headers.get("HX-Request") != "true":
        return redirect(f"{chosen.opinion.consultation.get_absolute_url()}#opinion")
    answer = HttpResponse(status=204)
    if act != "caption":
        answer["HX-Trigger"] = "key-images"
    return answer
