"""How bytes leave: multipart/related with its length, ETag and caching as image frames have."""

import hashlib
import secrets
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from imaging.models import Image
from imaging.services.derived import Made
from imaging.services.pieces import Piece, written

FRESH = "private, max-age=3600, immutable"
Rows = Sequence[Image | Made]
AT_ONCE = 2 * 1024 * 1024
"""Bytes of an answer that is read whole, in the thread that found it: a frame of any CT or MR."""
ASK_AGAIN = "private, no-cache"  # what may get more instances


def etag(request: HttpRequest, images: Rows) -> str:
    """Of these bytes in the form asked for."""
    form = f"{request.get_full_path()} {request.headers.get('Accept', '')} "
    return f'"{hashlib.sha256((form + "".join(image.sha256 for image in images)).encode()).hexdigest()[:32]}"'


def is_known(request: HttpRequest, images: Rows) -> bool:
    return request.headers.get("If-None-Match") == etag(request, images)


def kept(request: HttpRequest, answer: HttpResponseBase, images: Rows, *, immutable: bool) -> HttpResponseBase:
    """`answer` with what caches need to know."""
    answer["ETag"] = etag(request, images)
    answer["Cache-Control"] = FRESH if immutable else ASK_AGAIN
    answer["X-Content-Type-Options"] = "nosniff"
    patch_vary_headers(answer, ["Accept", "Cookie"])
    return answer


def unchanged() -> HttpResponse:
    return HttpResponse(status=304)


def related(parts: list[tuple[str, Piece]], kind: str) -> HttpResponseBase:
    """multipart/related of `kind`: each part has its own Content-Type."""
    boundary = secrets.token_hex(16)
    heads = [f"\r\n--{boundary}\r\nContent-Type: {said}\r\n\r\n".encode() for said, _ in parts]
    pieces = [(head, piece) for head, (_, piece) in zip(heads, parts, strict=True)]
    said = f'multipart/related; type="{kind}"; boundary={boundary}'
    return _answer(pieces, f"\r\n--{boundary}--\r\n".encode(), said)


def single(piece: Piece, kind: str) -> HttpResponseBase:
    return _answer([(b"", piece)], b"", kind)


def _answer(pieces: list[tuple[bytes, Piece]], end: bytes, said: str) -> HttpResponseBase:
    length = sum(len(head) + piece.length for head, piece in pieces) + len(end)
    answer: HttpResponseBase
    if length <= AT_ONCE:
        content = b"".join(part for head, piece in pieces for part in (head, piece.read()))
        answer = HttpResponse(content + end, content_type=said)
    else:
        answer = StreamingHttpResponse(written(pieces, end), content_type=said)
    answer["Content-Length"] = str(length)
    return answer
