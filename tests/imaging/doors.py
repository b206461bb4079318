"""What the image tests do again and again: send a file as a browser does, run the worker, fetch frames."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from asgiref.sync import async_to_sync
from django.test import Client
from PIL import Image as Picture
from pydicom.data import get_testdata_file

from consult.models import Consultation, User
from consult.services import outbox
from imaging.models import Image

TUS = {"Tus-Resumable": "1.0.0"}


def real(name: str) -> bytes:
    """A real file of pydicom's wheel."""
    path = get_testdata_file(name, download=False)
    assert path, name
    return Path(str(path)).read_bytes()


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def metadata(name: str, content: bytes, **more: str) -> str:
    said = {"filename": name, "sha256": hashlib.sha256(content).hexdigest(), **more}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())


def begin(
    browser: Client, consultation: Consultation, name: str, content: bytes, length: int | None = None, **more: str
) -> Any:
    return browser.post(
        f"/consultations/{consultation.pk}/images/uploads/",
        headers={
            **TUS,
            "Upload-Length": str(len(content) if length is None else length),
            "Upload-Metadata": metadata(name, content, **more),
        },
    )


def put(browser: Client, url: str, offset: int, piece: bytes, **headers: str) -> Any:
    return browser.patch(
        url,
        piece,
        content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": str(offset), **headers},
    )


def send(browser: Client, consultation: Consultation, name: str, content: bytes, piece: int = 4 * 1024 * 1024) -> Any:
    """The last answer: of the creation when that was refused, else of the last PATCH."""
    answer = begin(browser, consultation, name, content)
    if answer.status_code != 201:
        return answer
    url = answer["Location"]
    for offset in range(0, len(content), piece):
        answer = put(browser, url, offset, content[offset : offset + piece])
    return answer


def sent(browser: Client, consultation: Consultation, name: str, content: bytes) -> Image:
    """The image after the worker ran."""
    answer = send(browser, consultation, name, content)
    assert answer.status_code == 204, answer.content
    outbox.sweep()
    return Image.objects.get(pk=answer["X-Image"])


def streamed(answer: Any) -> bytes:
    """All bytes of an answer, also of one that is written piece by piece."""
    if not answer.streaming:
        return bytes(answer.content)

    async def gathered() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return async_to_sync(gathered)()


def pixels(answer: Any) -> np.ndarray:
    return np.asarray(Picture.open(io.BytesIO(answer.content)))


def photo(width: int = 400, height: int = 300, kind: str = "JPEG", **save: Any) -> bytes:
    out = io.BytesIO()
    Picture.linear_gradient("L").resize((width, height)).convert("RGB").save(out, kind, **save)
    return out.getvalue()
