"""What a program fetches of an instance: its description, its frames as the file stores them, its large values.

The description is made with the image. Frames as stored are split from the file by the limited child when they are
first asked for and kept beside it, in `stored`: serving one is reading a piece of a file.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consult.errors import Refusal
from consult.services import store
from imaging.dicom import meta, names
from imaging.models import Image, sentence
from imaging.services import decoding, rendering, storage

if TYPE_CHECKING:
    from imaging.services.derived import Made


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the frames of an instance lie: (offset, length) in bytes, in one file."""

    path: Path
    places: list[tuple[int, int]]


def syntax(image: "Image | Made") -> str:
    """The transfer syntax of the original; Implicit VR Little Endian when it has no meta information."""
    return meta.read(read(image.original, 0, 4096)).syntax or "1.2.840.10008.1.2"


def metadata(image: "Image | Made", base: str) -> bytes:
    """The instance in the DICOM JSON model; `base` is its address, completed to those of its large values."""
    content = read(_made(image, "metadata.json"))
    return content.replace(names.MARK.encode(), f'"BulkDataURI": "{base}/bulkdata/'.encode())


def described(image: "Image | Made") -> dict[str, Any]:
    """The same, parsed."""
    return dict(json.loads(read(_made(image, "metadata.json"))))


def bulk(image: "Image | Made", name: str) -> Path:
    """The file of a large value; `pixels` are the uncompressed frames. FileNotFoundError when there is none."""
    if name == "pixels":
        if not isinstance(image, Image) or not image.has_pixels:
            raise FileNotFoundError(name)
        path = _stored(image) / "raw"
    else:
        path = _made(image, "metadata.json").parent / f"bulk-{name}"
    if path.is_symlink() or not store.here(path).is_file():
        raise FileNotFoundError(name)
    return path


def frames(image: Image, *, encoded: bool) -> Frames | None:
    """As in the file when `encoded` (None when it is not compressed), else uncompressed."""
    folder = _stored(image)
    index = json.loads(read(folder / "index.json"))
    path = folder / ("encoded" if encoded else "raw")
    if path.is_symlink():
        raise rendering.lost()
    if encoded:
        lengths = [int(length) for length in index["lengths"]]
        if not lengths:
            return None
    else:
        lengths = [path.stat().st_size // image.frames] * image.frames
    places, offset = [], 0
    for length in lengths:
        places.append((offset, length))
        offset += length
    return Frames(path, places)


def read(path: Path, offset: int = 0, length: int = -1) -> bytes:
    """A piece of a file that was made for us; never through a link. Refuses with `lost` when it is gone."""
    store.here(path)
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
            file.seek(offset)
            return file.read(length)
    except OSError:
        raise rendering.lost() from None


def _made(image: "Image | Made", name: str) -> Path:
    """Made at intake; of images from before that, when it is first asked for."""
    path = image.path / "shown" / name
    if store.here(path).is_file():
        return path
    if not isinstance(image, Image):
        raise rendering.lost()
    return _stored(image) / name


def _stored(image: Image) -> Path:
    """The folder `stored`, made once: two who ask at the same time make the same, and one of both stays."""
    folder = image.path / "stored"
    if folder.is_dir():
        return folder
    if not store.here(image.original).is_file():
        raise rendering.lost()
    storage.need_room(image.size + image.width * image.height * image.frames * 4)
    work = image.path / f"work-{secrets.token_hex(4)}"
    work.mkdir(mode=0o700)
    try:
        decoding.decode(kind="stored", source=image.original, into=work)
        os.rename(work, folder)
    except decoding.Undecodable as error:
        raise Refusal(error.code, sentence(error.code)) from None
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        storage.forget(work)
    return folder
