"""tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, checksum, expiration, termination."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consult.errors import Refusal, TooLarge
from imaging.models import Reason, Upload, sentence
from imaging.policies import image as policies
from imaging.services import intake
from imaging.views.listing import opened

VERSION = "1.0.0"
EXTENSIONS = "creation,checksum,expiration,termination"
SHA256 = re.compile(r"[0-9a-f]{64}")
WHOLE = re.compile(r"[0-9]{1,15}")


def tus(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Login, protocol version, and refusals as JSON: a script talks here, never a person."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"code": "signed_out", "message": _("Sign in again to go on.")}, status=401)
        if request.method not in ("GET", "OPTIONS") and request.headers.get("Tus-Resumable") != VERSION:
            answer: HttpResponse = JsonResponse({"code": "version", "message": f"Tus-Resumable: {VERSION}"}, status=412)
            answer["Tus-Version"] = VERSION
            return answer
        try:
            answer = view(request, *args, **kwargs)
        except Refusal as refusal:
            answer = _refused(refusal)
        answer["Tus-Resumable"] = VERSION
        answer["Cache-Control"] = "no-store"
        return answer

    return door


def _refused(refusal: Refusal) -> HttpResponse:
    said: dict[str, Any] = {"code": refusal.code, "message": str(refusal.message)}
    if isinstance(refusal, intake.Existing):
        said["image"] = refusal.image.pk
    return JsonResponse(said, status=refusal.status)


class Malformed(Refusal):
    status = 400


def _malformed(what: str) -> Malformed:
    return Malformed("malformed", f"{_('This upload was not understood.')} ({what})")


@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
@tus
def collection(request: HttpRequest, pk: int) -> HttpResponse:
    """POST begins an upload. GET `?sha256=` says whether the file is here already or where its upload stands."""
    if request.method == "OPTIONS":
        return _capabilities()
    consultation = opened(request, pk)
    if request.method in ("GET", "HEAD"):
        return JsonResponse(_known(request, consultation.pk))
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    sha256 = said.get("sha256", "")
    if sha256 and not SHA256.fullmatch(sha256):
        raise _malformed("sha256")
    still = said.get("still", "")
    if still and not WHOLE.fullmatch(still):
        raise _malformed("still")
    upload = intake.begin(
        consultation=consultation,
        by=request.user,
        name=said.get("filename", ""),
        length=_whole(request, "Upload-Length"),
        sha256=sha256,
        still=int(still) if still else None,
    )
    answer = HttpResponse(status=201)
    answer["Location"] = reverse("upload-part", args=[upload.token])
    answer["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return answer


def _capabilities() -> HttpResponse:
    answer = HttpResponse(status=204)
    answer["Tus-Version"] = VERSION
    answer["Tus-Extension"] = EXTENSIONS
    answer["Tus-Max-Size"] = str(settings.MAX_UPLOAD_BYTES)
    answer["Tus-Checksum-Algorithm"] = "sha256"
    return answer


def _known(request: HttpRequest, consultation: int) -> dict[str, Any]:
    sha256 = request.GET.get("sha256", "")
    if not SHA256.fullmatch(sha256):
        raise _malformed("sha256")
    image = policies.visible_images(request.user).filter(consultation=consultation, sha256=sha256).first()
    running = policies.own_uploads(request.user).filter(
        consultation=consultation, sha256=sha256, image=None, expires_at__gt=timezone.now()
    )
    upload = running.order_by("-offset").first()
    return {
        "image": image.pk if image else None,
        "state": image.state if image else "",
        "message": image.reason_words if image else "",
        "upload": reverse("upload-part", args=[upload.token]) if upload else None,
    }


@require_http_methods(["HEAD", "PATCH", "DELETE", "OPTIONS"])
@tus
def part(request: HttpRequest, token: str) -> HttpResponse:
    """HEAD says where an upload stands, PATCH continues it, DELETE ends it. Only for who began it."""
    if request.method == "OPTIONS":
        return _capabilities()
    upload = get_object_or_404(policies.own_uploads(request.user), token=token)
    if upload.image_id is None and upload.expires_at <= timezone.now():
        return JsonResponse({"code": "expired", "message": _("This upload has expired. Send it again.")}, status=410)
    if request.method == "DELETE":
        intake.abort(upload=upload, by=request.user)
        return HttpResponse(status=204)
    if request.method == "PATCH":
        offset, content = _whole(request, "Upload-Offset"), _content(request)
        return _stands(intake.append(upload=upload, by=request.user, offset=offset, content=content))
    answer = _stands(upload)
    answer.status_code = 200
    answer["Upload-Length"] = str(upload.length)
    return answer


def _stands(upload: Upload) -> HttpResponse:
    """Where the upload is; once it is whole, which image came of it, its checksum and what was wrong."""
    answer = HttpResponse(status=204)
    answer["Upload-Offset"] = str(upload.offset)
    answer["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    if upload.image is not None:
        answer["X-Image"] = str(upload.image.pk)
        answer["X-Image-State"] = str(upload.image.state)
        answer["X-Sha256"] = upload.image.sha256
        if upload.image.reason:
            answer["X-Refusal"] = quote(upload.image.reason_words)
    return answer


def _content(request: HttpRequest) -> bytes:
    if request.content_type != "application/offset+octet-stream":
        answer = Malformed("content_type", _("This upload was not understood."))
        answer.status = 415
        raise answer
    if _whole(request, "Content-Length") > intake.CHUNK:
        raise TooLarge(Reason.TOO_LARGE, sentence(Reason.TOO_LARGE))
    content = request.body
    if checksum := request.headers.get("Upload-Checksum"):
        _compare(content, checksum)
    return content


def _compare(content: bytes, checksum: str) -> None:
    algorithm, _space, wanted = checksum.partition(" ")
    if algorithm != "sha256":
        raise _malformed("Upload-Checksum")
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != wanted.strip():
        raise intake.WrongChecksum(Reason.CHECKSUM, sentence(Reason.CHECKSUM))


def _whole(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not WHOLE.fullmatch(text):
        raise _malformed(header)
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`filename d29ybGQ=,sha256 …`: keys with base64 values."""
    found = {}
    for pair in header.split(","):
        key, _space, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _malformed("Upload-Metadata") from None
    return found
