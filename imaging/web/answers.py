"""How bytes leave: multipart/related with its length, ETag and caching as image frames have."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from imaging.models import Image

FRESH = "private, max-age=3600, immutable"
ASK_AGAIN = "private, no-cache"  # what may get more instances
BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` bytes of a file from `offset`: the content of one part."""

    path: Path
    offset: int
    length: int


def etag(request: HttpRequest, images: list[Image]) -> str:
    """Of these bytes in the form asked for."""
    form = f"{request.get_full_path()} {request.headers.get('Accept', '')} "
    return f'"{hashlib.sha256((form + "".join(image.sha256 for image in images)).encode()).hexdigest()[:32]}"'


def is_known(request: HttpRequest, images: list[Image]) -> bool:
    return request.headers.get("If-None-Match") == etag(request, images)


def kept(request: HttpRequest, answer: HttpResponseBase, images: list[Image], *, immutable: bool) -> HttpResponseBase:
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
        _written(pieces, end), content_type=f'multipart/related; type="{kind}"; boundary={boundary}'
    )
    answer["Content-Length"] = str(sum(len(head) + piece.length for head, piece in pieces) + len(end))
    return answer


def single(piece: Piece, kind: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(_written([(b"", piece)], b""), content_type=kind)
    answer["Content-Length"] = str(piece.length)
    return answer


async def _written(pieces: list[tuple[bytes, Piece]], end: bytes) -> AsyncIterator[bytes]:
    """Asynchronous: Django would gather a plain iterator whole before the first byte leaves."""
    for head, piece in pieces:
        yield head
        with await asyncio.to_thread(piece.path.open, "rb") as file:
            file.seek(piece.offset)
            left = piece.length
            while left and (block := await asyncio.to_thread(file.read, min(BLOCK, left))):
                left -= len(block)
                yield block
    yield end
