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


def related(parts: list[tuple[str, Piece]], kind: str) -> StreamingHttpResponse:
    """multipart/related of `kind`: each part has its own Content-Type."""
    boundary = secrets.token_hex(16)
    heads = [f"\r\n--{boundary}\r\nContent-Type: {said}\r\n\r\n".encode() for said, _ in parts]
    end = f"\r\n--{boundary}--\r\n".encode()
    pieces = [(head, piece) for head, (_, piece) in zip(heads, parts, strict=True)]
    answer = StreamingHttpResponse(
        written(pieces, end), content_type=f'multipart/related; type="{kind}"; boundary={boundary}'
    )
    answer["Content-Length"] = str(sum(len(head) + piece.length for head, piece in pieces) + len(end))
    return answer


def single(piece: Piece, kind: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(written([(b"", piece)]), content_type=kind)
    answer["Content-Length"] = str(piece.length)
    return answer
